"""`remit ledger`: tokens and cost by tenant, user, agent, model, day or session."""

import asyncio
import csv
import sys

import click
from rich.table import Table
from typing_extensions import Unpack

from remit.app.ledger_view import BY, LedgerView, Wanted, ledger_filter, view_ledger
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, print_json
from remit.errors import UsageError
from remit.runtime.ledger import Ledger
from remit.values.ledger import FIELDS, Amounts
from remit.values.money import NANO_PER_USD, format_usd

_SHOWN = 1_000  # rows of one answer, unless more are asked for
_COUNTS = ("calls", "input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")


@click.command("ledger")
@click.option("--by", multiple=True, type=click.Choice(BY), help="Sum by these; may be repeated.")
@click.option("--user", metavar="NAME", help="Only what was used for this user.")
@click.option("--agent", metavar="NAME", help="Only what this agent used.")
@click.option("--model", metavar="NAME", help="Only this model, as provider:name.")
@click.option("--day", metavar="DAY", help="Only this UTC day, as 2026-11-21.")
@click.option("--since", metavar="DAY", help="From this UTC day on.")
@click.option("--until", metavar="DAY", help="Up to this UTC day, inclusive.")
@click.option("--limit", type=click.IntRange(min=1), default=_SHOWN, show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--rebuild", is_flag=True, help="Make the sums anew from the journal first.")
@click.pass_obj
def ledger(
    options: Options,
    /,
    *,
    by: tuple[str, ...],
    limit: int,
    as_csv: bool,
    rebuild: bool,
    **wanted: Unpack[Wanted],
) -> None:
    """Show what was used: tokens by class, calls and cost, as the journal's ledger has it.

    By session the runs are read one by one; everything else is summed already.
    """
    if as_csv and options.json:
        raise UsageError("say either --csv or --json")
    where = ledger_filter(options.tenant, **wanted)

    async def look() -> LedgerView:
        async with open_journal(options) as journal:
            sums = Ledger(journal.store)
            if rebuild:
                await sums.rebuild()
            return await view_ledger(sums, by or FIELDS, where, limit)

    found = asyncio.run(look())
    if options.json:
        print_json(view_json(found))
    elif as_csv:
        _print_csv(found)
    else:
        _print_table(found)


def amounts_json(amounts: Amounts) -> dict[str, int]:
    """The stable keys of what was used."""
    return {
        **{name: int(getattr(amounts, name)) for name in _COUNTS},
        "cost_nano": amounts.cost,
        "assumed_nano": amounts.assumed,
        "over_hold": amounts.over_hold,
    }


def view_json(view: LedgerView) -> dict[str, object]:
    """The stable keys of a view of the ledger."""
    return {
        "by": list(view.by),
        "rows": [{**each.names, **amounts_json(each.amounts)} for each in view.rows],
        "total": amounts_json(view.total),
        "more": view.more,
    }


def _print_csv(view: LedgerView) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*view.by, *amounts_json(view.total), "cost_usd"])
    for row in view.rows:
        keys = amounts_json(row.amounts)
        writer.writerow([*row.names.values(), *keys.values(), _decimal(row.amounts.cost)])


def _decimal(nano: int) -> str:
    """Dollars with nine decimals: what a spreadsheet adds up without loss."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO_PER_USD)
    return f"{sign}{whole}.{rest:09d}"


def _print_table(view: LedgerView) -> None:
    if not view.rows:
        click.echo("nothing was used")
        return
    total = view.total
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True)
    for number, name in enumerate(view.by):
        table.add_column(name.upper(), "" if number else "total", no_wrap=True)
    wide = _columns(total)
    for name, footer in wide.items():
        table.add_column(name, footer, no_wrap=True, justify="right")
    for row in view.rows:
        values = _columns(row.amounts)
        table.add_row(
            *(cell(name) for name in row.names.values()), *(values[name] for name in wide)
        )
    console().print(table)
    if total.assumed:
        click.echo(f"{format_usd(total.assumed)} of it assumed: nobody knows whether it was billed")
    if view.more:
        click.echo(f"the first {len(view.rows)} rows; the total is that of all")


def _columns(amounts: Amounts) -> dict[str, str]:
    written = amounts.cache_write + amounts.cache_write_1h
    return {
        "CALLS": f"{amounts.calls:,}",
        "INPUT": f"{amounts.input:,}",
        "CACHE READ": f"{amounts.cache_read:,}",
        "CACHE WRITE": f"{written:,}",
        "OUTPUT": f"{amounts.output:,}",
        "COST": format_usd(amounts.cost),
    }
