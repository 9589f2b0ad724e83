"""`remit approvals`, `approve` and `deny`: calls that wait for a human, and the human's word."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from hashlib import sha256

import click
from pydantic import ValidationError
from rich.table import Table

from remit.app.desk import Desk
from remit.app.run import PendingApproval, pending_approvals
from remit.cli.delegating import delegate
from remit.cli.delivery import deliver, fate
from remit.cli.journal import Journal, Waiting, open_journal, short, the_one, waiting
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json
from remit.cli.person import CHANNEL, principal
from remit.cli.plain import one_line, printable
from remit.cli.previewing import preview_lines
from remit.errors import NotFound, StoreCorrupt, UsageError
from remit.journal.events import EVENT, ApprovalDenied, ApprovalGiven
from remit.journal.rows import RunRow
from remit.values.money import format_usd

_ARGUMENT_CHARS = 80
_PREVIEW_LINES = 20  # of each call in the list


@click.group("approvals", invoke_without_command=True)
@click.pass_context
def approvals(context: click.Context) -> None:
    """List the calls that wait for a human, oldest first; delegate to another."""
    if context.invoked_subcommand is None:
        _list(context.find_object(Options) or Options())


def _list(options: Options) -> None:

    async def look() -> tuple[list[tuple[Waiting, PendingApproval]], dict[str, list[str]]]:
        async with open_journal(options) as journal:
            found = await _pending(journal, options)
            rows = {run.row.run: run.row for run, _ in found}
            return found, await _kept(journal, rows.values())

    found, kept = asyncio.run(look())
    if options.json:
        rows = [(approval_json(run.row.tenant, each), each.id) for run, each in found]
        print_json([{**row, "kept": kept.get(name, [])} for row, name in rows])
        return
    if not found:
        click.echo("nothing waits for a human")
        return
    _print_table(found, kept)
    for _, each in found:
        if each.preview is not None:
            call = one_line(each.arguments, _ARGUMENT_CHARS)
            click.echo(f"\n{short(each.id)}  {printable(each.tool)} {call}")
            for line in preview_lines(each.preview, most=_PREVIEW_LINES):
                click.echo(line)
    click.echo("remit approvals show ID, remit approve ID, or remit deny ID")


def _print_table(
    found: list[tuple[Waiting, PendingApproval]], kept: Mapping[str, Sequence[str]]
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ID", "TOOL", "ARGUMENTS", "AGREED", "RULE", "EXPIRES", "TENANT"):
        table.add_column(name, no_wrap=True)
    for run, each in found:
        table.add_row(
            short(each.id),
            cell(each.tool, "bold"),
            cell(one_line(each.arguments, _ARGUMENT_CHARS)),
            cell(", ".join([f"{len(each.given)} of {each.needed}", *kept.get(each.id, [])])),
            cell(each.rule),
            moment(each.expires_ms),
            cell(run.row.tenant),
        )
    console().print(table)


approvals.add_command(delegate)


@approvals.command("show")
@click.argument("approval", metavar="ID")
@click.pass_obj
def show_one(options: Options, approval: str) -> None:
    """Show the call ID in full: what it would do, why it asks, who may answer, the cost so far."""

    async def look() -> tuple[Waiting, PendingApproval, str]:
        async with open_journal(options) as journal:
            found = await _pending(journal, options)
            what = "call that waits for a human"
            run, each = the_one(approval, what, {each.id: (run, each) for run, each in found})
            digest = "" if each.preview is None else each.preview.artifact
            whole = await journal.store.blob(run.row.tenant, digest) if digest else None
            if whole is not None and sha256(whole).hexdigest() != digest:
                raise StoreCorrupt(f"{digest} is not what {each.id} asked about: remit verify")
            return run, each, "" if whole is None else whole.decode()

    run, each, whole = asyncio.run(look())
    cost = format_usd(run.state.cost)
    if options.json:
        print_json({**approval_json(run.row.tenant, each), "cost": cost, "whole": whole or None})
        return
    facts = {
        "id": each.id,
        "call": f"{each.tool} {each.arguments}",
        "why": f"{each.reason} ({each.rule})",
        "agreed": f"{len(each.given)} of {each.needed} {', '.join(each.given)}",
        "may answer": ", ".join(each.approvers) or "whoever may approve in the tenant",
        "run of": f"{run.row.user}, agent {run.row.agent}, tenant {run.row.tenant}",
        "cost so far": cost,
        "expires": moment(each.expires_ms),
        "digest": each.digest,
    }
    for name, value in facts.items():
        console().print(cell(f"{name:12}", "bold"), cell(value), soft_wrap=True)
    if each.preview is not None:
        for line in preview_lines(each.preview, most=each.preview.lines, whole=whole):
            click.echo(line)


async def _pending(journal: Journal, options: Options) -> list[tuple[Waiting, PendingApproval]]:
    found = await waiting(journal, options)
    return [(run, each) for run in found for each in pending_approvals(run.state)]


async def _kept(journal: Journal, rows: Iterable[RunRow]) -> dict[str, list[str]]:
    """Words by approval that wait in inboxes until somebody drives their runs."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for waits in await journal.store.inbox(row.tenant, row.run):
            try:
                said = EVENT.validate_json(waits.letter.body)
            except ValidationError:
                continue  # the run will note that it cannot be read
            if isinstance(said, ApprovalGiven | ApprovalDenied):
                verb = "yes" if isinstance(said, ApprovalGiven) else "no"
                found.setdefault(said.approval, []).append(f"{verb} of {said.principal} kept")
    return found


def approval_json(tenant: str, each: PendingApproval) -> dict[str, object]:
    """The stable keys of a call that waits."""
    return {
        "id": each.id,
        "tenant": tenant,
        "run": each.run,
        "tool": each.tool,
        "arguments": each.arguments,
        "digest": each.digest,
        "needed": each.needed,
        "given": list(each.given),
        "rule": each.rule,
        "expires": iso(each.expires_ms),
        "preview": None if each.preview is None else each.preview.model_dump(),
    }


Say = Callable[[Desk, str, PendingApproval], Awaitable[object]]


def _check_same(given: str, found: str) -> None:
    """Raise `NotFound` where the call with the given id was asked about anew since.

    The id of a request is the beginning of those that replace it, and a word is for what was seen.
    """
    if ":" in given and found.casefold().startswith(f"{given.casefold()}:"):
        name = short(found)
        raise NotFound(
            f"{given} was asked about again as {name}: look at it, `remit approvals show {name}`"
        )


def _decide(options: Options, given: str, verb: str, say: Say) -> None:
    """Find the call, say the word, and print what was decided on."""

    async def act() -> tuple[Waiting, PendingApproval, bool]:
        async with open_journal(options) as journal:
            found = await _pending(journal, options)
            what = "call that waits for a human"
            run, each = the_one(given, what, {each.id: (run, each) for run, each in found})
            _check_same(given, each.id)
            sending = say(journal.desk, run.row.tenant, each)
            return run, each, await deliver(journal, run.row, each.id, sending)

    run, each, taken = asyncio.run(act())
    if options.json:
        tree = approval_json(run.row.tenant, each)
        print_json({**tree, "decision": verb, "principal": principal(), "taken": taken})
        return
    # The whole arguments: this is what was decided on.
    click.echo(f"{verb}: {printable(each.tool)} {printable(each.arguments)}")
    if each.preview is not None:
        for line in preview_lines(each.preview):
            click.echo(line)
    click.echo(f"by {principal()}; {fate(run.row, taken=taken)}")


@click.command("approve")
@click.argument("approval", metavar="ID")
@click.option("--comment", default="", help="Kept in the journal.")
@click.option("--arguments", metavar="JSON", help="Agree to the call with these arguments.")
@click.pass_obj
def approve(options: Options, approval: str, *, comment: str, arguments: str | None) -> None:
    """Agree to the call ID, exactly as it stands, or with changed arguments."""
    if arguments is not None:
        _check_object(arguments)

    async def say(desk: Desk, tenant: str, each: PendingApproval) -> None:
        await desk.approve(
            tenant,
            each.id,
            principal=principal(),
            channel=CHANNEL,
            digest=each.digest,
            comment=comment,
            arguments=arguments,
        )

    _decide(options, approval, "approved", say)


def _check_object(text: str) -> None:
    try:
        fits = isinstance(json.loads(text), dict)
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"--arguments {text!r} is not a JSON object")


@click.command("deny")
@click.argument("approval", metavar="ID")
@click.option("--comment", default="", help="The model is told; kept in the journal.")
@click.pass_obj
def deny(options: Options, approval: str, *, comment: str) -> None:
    """Refuse the call ID; one no is enough."""

    async def say(desk: Desk, tenant: str, each: PendingApproval) -> None:
        await desk.deny(tenant, each.id, principal=principal(), channel=CHANNEL, comment=comment)

    _decide(options, approval, "denied", say)
