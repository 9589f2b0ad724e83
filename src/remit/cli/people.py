"""`remit questions`, `answer`, `resolve`, `cancel`: what people say to runs besides yes and no."""

import asyncio
import json

import click
from rich.table import Table

from remit.app.run import PendingDoubt, PendingQuestion, pending_doubts, pending_questions
from remit.cli.delivery import deliver, fate
from remit.cli.journal import Waiting, find_run, open_journal, short, the_one, waiting
from remit.cli.options import Options
from remit.cli.output import cell, console, print_json
from remit.cli.person import CHANNEL, principal
from remit.cli.plain import one_line
from remit.errors import UsageError
from remit.journal.rows import RunRow


@click.command("questions")
@click.pass_obj
def questions(options: Options) -> None:
    """List what runs ask a human: typed questions, and calls of which nobody knows the outcome."""

    async def look() -> list[Waiting]:
        async with open_journal(options) as journal:
            return await waiting(journal, options)

    found = asyncio.run(look())
    asked = [(run, each) for run in found for each in pending_questions(run.state)]
    doubts = [(run, each) for run in found for each in pending_doubts(run.state)]
    if options.json:
        print_json(
            {
                "questions": [question_json(run.row, each) for run, each in asked],
                "doubts": [doubt_json(run.row, each) for run, each in doubts],
            }
        )
        return
    if not asked and not doubts:
        click.echo("nobody is asked anything")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ID", "TOOL", "QUESTION", "ANSWER", "TENANT"):
        table.add_column(name, no_wrap=True)
    for run, each in asked:
        table.add_row(
            short(each.id),
            cell(each.tool, "bold"),
            cell(one_line(each.text)),
            cell(f"remit answer {short(each.id)} '{expected(each.answer_schema)}'"),
            cell(run.row.tenant),
        )
    for run, doubt in doubts:
        table.add_row(
            f"{short(doubt.run)} {doubt.call}",
            cell(doubt.tool, "bold"),
            cell(f"did this happen? {one_line(doubt.arguments)}"),
            cell(f"remit resolve {short(doubt.run)} {doubt.call} --happened|--not-happened"),
            cell(run.row.tenant),
        )
    console().print(table)


def expected(schema: str) -> str:
    """The type of an answer in a word or two, from its JSON Schema."""
    try:
        tree = json.loads(schema)
    except ValueError:
        return "JSON"
    if not isinstance(tree, dict):
        return "JSON"
    if isinstance(tree.get("enum"), list):
        return "|".join(json.dumps(each) for each in tree["enum"])
    return str(tree.get("type", "JSON"))


def question_json(row: RunRow, each: PendingQuestion) -> dict[str, object]:
    """The stable keys of a question."""
    return {
        "id": each.id,
        "tenant": row.tenant,
        "run": each.run,
        "tool": each.tool,
        "text": each.text,
        "answer_schema": each.answer_schema,
    }


def doubt_json(row: RunRow, each: PendingDoubt) -> dict[str, object]:
    """The stable keys of a call in doubt."""
    return {
        "run": each.run,
        "call": each.call,
        "tenant": row.tenant,
        "tool": each.tool,
        "arguments": each.arguments,
    }


@click.command("answer")
@click.argument("question", metavar="ID")
@click.argument("value", metavar="JSON")
@click.pass_obj
def answer(options: Options, *, question: str, value: str) -> None:
    """Answer the question ID with JSON; an answer that does not fit is asked for again."""
    try:
        json.loads(value)
    except ValueError as exc:
        raise UsageError(f"{value!r} is not JSON ({exc}); text goes in quotes: '\"…\"'") from exc

    async def act() -> tuple[RunRow, str, bool]:
        async with open_journal(options) as journal:
            found = {
                each.id: (run.row, each.id)
                for run in await waiting(journal, options)
                for each in pending_questions(run.state)
            }
            row, ref = the_one(question, "question", found)
            sending = journal.desk.answer(
                row.tenant, ref, principal=principal(), channel=CHANNEL, value=value
            )
            return row, ref, await deliver(journal, row, ref, sending)

    row, ref, taken = asyncio.run(act())
    _said(options, row, {"question": ref, "value": json.loads(value)}, taken=taken)


@click.command("resolve")
@click.argument("run_id", metavar="RUN")
@click.argument("call", metavar="CALL")
@click.option("--happened/--not-happened", default=None, help="Did it happen?")
@click.option("--text", default="", help="What the model is told as its result.")
@click.pass_obj
def resolve(options: Options, *, run_id: str, call: str, happened: bool | None, text: str) -> None:
    """Say whether CALL of RUN, whose outcome was lost, happened; if not, it is made again."""
    if happened is None:
        raise UsageError("say --happened or --not-happened")

    async def act() -> tuple[RunRow, bool]:
        async with open_journal(options) as journal:
            row = await find_run(journal.store, options, run_id)
            sending = journal.desk.resolve(
                row.tenant,
                row.run,
                call,
                happened=happened,
                principal=principal(),
                text=text,
            )
            return row, await deliver(journal, row, call, sending)

    row, taken = asyncio.run(act())
    _said(options, row, {"call": call, "happened": happened}, taken=taken)


@click.command("cancel")
@click.argument("run_id", metavar="RUN")
@click.option("--reason", default="", help="Kept in the journal.")
@click.pass_obj
def cancel(options: Options, *, run_id: str, reason: str) -> None:
    """Ask that RUN end, with everything below it; what it has so far is kept."""

    async def act() -> tuple[RunRow, bool]:
        async with open_journal(options) as journal:
            row = await find_run(journal.store, options, run_id)
            sending = journal.desk.cancel(row.tenant, row.run, principal=principal(), reason=reason)
            return row, await deliver(journal, row, row.run, sending)

    row, taken = asyncio.run(act())
    _said(options, row, {"cancelled": row.run}, taken=taken)


def _said(options: Options, row: RunRow, what: dict[str, object], *, taken: bool) -> None:
    """Print what was said, and what becomes of it."""
    if options.json:
        place = {"run": row.run, "tenant": row.tenant}
        print_json({**place, **what, "principal": principal(), "taken": taken})
        return
    words = ", ".join(f"{key} {json.dumps(value)}" for key, value in what.items())
    click.echo(f"{words}: said by {principal()}; {fate(row, taken=taken)}")
