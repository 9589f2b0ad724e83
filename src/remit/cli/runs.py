"""`remit runs`: the list of runs, newest first."""

import asyncio
from typing import cast

import click
from rich.table import Table
from rich.text import Text

from remit.app.pairs import spent_by
from remit.cli.journal import open_journal, short
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json, state
from remit.journal.rows import RunRow, RunStatus
from remit.values.money import format_usd

_STATUSES = ("running", "waiting", "completed", "stopped")
_MOST = 1_000  # rows of one list; --before gives the next


@click.command("runs")
@click.option("--status", type=click.Choice(_STATUSES), multiple=True, help="Only these.")
@click.option("--session", metavar="NAME", help="Only the runs of this session.")
@click.option("--all", "everything", is_flag=True, help="Sub-runs too.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=20, show_default=True)
@click.option("--before", metavar="RUN", help="Only runs older than this one.")
@click.pass_obj
def runs(  # one argument per option
    options: Options,
    *,
    status: tuple[str, ...],
    session: str | None,
    everything: bool,
    limit: int,
    before: str | None,
) -> None:
    """List runs, newest first, with what each has spent."""
    wanted = cast("tuple[RunStatus, ...]", status)

    async def look() -> list[tuple[RunRow, int]]:
        async with open_journal(options) as journal:
            found: list[RunRow] = []
            last = before
            while len(found) < limit:
                page = await journal.store.runs(
                    options.tenant, session=session, status=wanted, before=last, limit=_MOST
                )
                found += [row for row in page if everything or row.parent is None]
                if len(page) < _MOST:
                    break
                last = page[-1].run
            rows = found[:limit]
            return [(row, await spent_by(journal.store, row)) for row in rows]

    rows = asyncio.run(look())
    if options.json:
        print_json([{**run_json(row), "cost_nano": nano} for row, nano in rows])
        return
    if not rows:
        click.echo("no runs")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("RUN", "STATUS", "AGENT", "STARTED", "SPENT", "USER", "TENANT"):
        table.add_column(name, no_wrap=True, justify="right" if name == "SPENT" else "left")
    for row, nano in rows:
        table.add_row(
            short(row.run),
            _status(row),
            cell(row.agent),
            moment(row.created_ms),
            format_usd(nano),
            cell(row.user),
            cell(row.tenant),
        )
    console().print(table)


def _status(row: RunRow) -> Text:
    """The status, and for a run that waits until when at the latest."""
    text = state(row.status)
    if row.status == "waiting" and row.wake_at_ms is not None:
        text.append(f" until {moment(row.wake_at_ms)}", "dim")
    return text


def run_json(row: RunRow) -> dict[str, object]:
    """The stable keys of a run."""
    return {
        "run": row.run,
        "tenant": row.tenant,
        "agent": row.agent,
        "status": row.status,
        "user": row.user,
        "session": row.session,
        "root": row.root,
        "parent": row.parent,
        "version": row.version,
        "waits_until": iso(row.wake_at_ms) if row.status == "waiting" else None,
        "created": iso(row.created_ms),
        "updated": iso(row.updated_ms),
    }
