"""`remit replay`: runs from the journal, step by step; nothing outside is called."""

import asyncio
import json

import click

from remit.app.replay import Past, read_past, rows_below, rows_of_session
from remit.cli.drawing import plain_answer
from remit.cli.group import GOOD, NO
from remit.cli.journal import find_run, open_journal, short
from remit.cli.options import Options
from remit.cli.output import iso, print_json
from remit.cli.plain import one_line, printable
from remit.cli.telling import tell
from remit.journal.fact import Fact
from remit.machine.decide import ENGINE
from remit.machine.state import State
from remit.projections.redecide import Redecision, redecide
from remit.projections.replay import Step, steps
from remit.runtime.decisions import status_of
from remit.values.money import format_usd


@click.command("replay")
@click.argument("run")
@click.option("--check", is_flag=True, help="Decide everything again and compare.")
@click.option("--session", is_flag=True, help="All runs of the session, oldest first.")
@click.pass_obj
def replay(options: Options, *, run: str, check: bool, session: bool) -> int:
    """Replay RUN and its sub-runs from the journal: each event, and how the run stood after it.

    With --check each decision is made again from what was journalled for it, by this version's
    rules, and must give the same events.
    """

    async def read() -> list[Past]:
        async with open_journal(options) as journal:
            row = await find_run(journal.store, options, run)
            take = rows_of_session if session else rows_below
            rows = await take(journal.store, row)
            return [await read_past(journal.reader, each) for each in rows]

    found = asyncio.run(read())
    if check:
        return _check(options, found)
    if options.json:
        print_json([replay_json(past) for past in found])
    else:
        for past in found:
            _print(past)
    return GOOD if all(_fits(past) for past in found) else NO


def _fits(past: Past) -> bool:
    """The replay ends where the run's row says the run is."""
    return (past.row.version, past.row.status) == (len(past.pairs), status_of(past.after))


def _print(past: Past) -> None:
    row = past.row
    click.echo(click.style(f"{printable(row.agent)} {row.run}", bold=True))
    for step in steps(past.before, past.pairs):
        head = f"{step.header.version:>4}  {iso(step.header.time_ms)}  {_stands(step.state)}"
        click.echo(click.style(head, dim=True))
        for event in step.body.events:
            click.echo(f"      {event.type:<17} {tell(event)}".rstrip())
    output = past.after.output
    answer = "" if output is None else f": {one_line(plain_answer(output))}"
    click.echo(f"      {status_of(past.after)}{answer}")
    if not _fits(past):
        says = f"its row says {row.status}, version {row.version}"
        click.echo(click.style(f"      the replay ends elsewhere: {says}", fg="red"))


def _stands(state: State) -> str:
    calls = ", ".join(f"{call.call} {call.status}" for call in state.calls)
    return f"{state.phase}, turn {state.turns}, {format_usd(state.cost)}" + (
        f"; {calls}" if calls else ""
    )


def replay_json(past: Past) -> dict[str, object]:
    """The stable keys of a replayed run; events as the journal holds them."""
    return {
        "run": past.row.run,
        "tenant": past.row.tenant,
        "agent": past.row.agent,
        "status": status_of(past.after),
        "same_as_row": _fits(past),
        "steps": [_step_json(step) for step in steps(past.before, past.pairs)],
    }


def _step_json(step: Step) -> dict[str, object]:
    return {
        "version": step.header.version,
        "time": iso(step.header.time_ms),
        "engine": step.header.engine,
        "causes": [cause.kind for cause in step.body.causes],
        "events": [_event_json(event) for event in step.body.events],
        "phase": step.state.phase,
        "turns": step.state.turns,
        "cost_nano": step.state.cost,
        "calls": {call.call: call.status for call in step.state.calls},
    }


def _event_json(event: Fact) -> object:
    return json.loads(event.model_dump_json(exclude_defaults=True))


def _check(options: Options, found: list[Past]) -> int:
    made = [each for past in found for each in redecide(past.before, past.pairs)]
    other = sorted({each.header.engine for each in made if each.engine_differs})
    wrong = [each for each in made if not each.same]
    if options.json:
        differences = [_difference_json(each) for each in wrong]
        tree = {"decisions": len(made), "engine": ENGINE, "other_engines": other}
        print_json({**tree, "same": not wrong, "differences": differences})
        return NO if wrong else GOOD
    for each in wrong:
        _print_difference(each)
    if other:
        click.echo(f"some were decided by the engine {', '.join(other)}; this one is {ENGINE}")
    word = click.style("differ", fg="red") if wrong else click.style("the same", fg="green")
    click.echo(
        f"{len(made)} decisions of {len(found)} runs made again: {len(wrong) or 'all'} {word}"
    )
    return NO if wrong else GOOD


def _difference_json(each: Redecision) -> dict[str, object]:
    return {
        "run": each.header.run,
        "version": each.header.version,
        "decision": each.number,
        "cause": each.cause.kind,
        "engine": each.header.engine,
        "problem": each.problem,
        "journalled": [_event_json(event) for event in each.journalled],
        "decided": [_event_json(event) for event in each.decided],
    }


def _print_difference(each: Redecision) -> None:
    where = f"{short(each.header.run)} version {each.header.version}, decision {each.number}"
    click.echo(click.style(f"{where} ({each.cause.kind})", bold=True))
    for sign, events in (("-", each.journalled), ("+", each.decided)):
        for event in events:
            click.echo(f"  {sign} {event.type:<17} {tell(event)}")
    if each.problem:
        click.echo(f"  ! {printable(each.problem)}")
