"""`remit reconcile`: compares the ledger with the provider's own report of a day."""

import asyncio
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click
from rich.table import Table

from remit.app.billing import key_variable, providers
from remit.app.bills import Bills
from remit.app.config import Settings
from remit.app.lazy import SystemDice, WallClock
from remit.app.reconcile import Reconciler
from remit.app.secrets import make_secrets
from remit.cli.group import GOOD, NO, OUTSIDE, report
from remit.cli.journal import Journal, open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, print_json
from remit.errors import OutsideError, UsageError
from remit.projections.reconcile import Line, Reconciliation, closes_ms
from remit.runtime.books import Books
from remit.values.money import format_usd
from remit.values.statement import day_of

_WORDS = {
    "matched": "matched",
    "missing_here": "missing here",
    "missing_there": "missing there",
    "differing": "differing",
}


@click.command("reconcile")
@click.option("--day", metavar="YYYY-MM-DD", help="UTC day; default: the last one that is closed.")
@click.option(
    "--provider",
    "names",
    multiple=True,
    type=click.Choice(providers()),
    help="Default: those of reconciliation.daily, else those whose admin key is set.",
)
@click.option(
    "--tolerance", metavar="LIMITS", help="Such as tokens=100,percent=0.5,usd=0.05 a line."
)
@click.option(
    "--file",
    "export",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Google's billing export as JSON lines or CSV.",
)
@click.option(
    "--key-id", "key_ids", multiple=True, help="Only use of this API key (provider's id)."
)
@click.option("--source", default="", help="One report, such as anthropic-admin.")
@click.pass_obj
def reconcile(
    options: Options,
    *,
    day: str | None,
    names: tuple[str, ...],
    tolerance: str | None,
    export: Path | None,
    key_ids: tuple[str, ...],
    source: str,
) -> int:
    """Compare the ledger with what the provider reports, by model and token class.

    Exit status 1 when a line is beyond tolerance, 3 when a report cannot be had. The result is
    entered in the journal.
    """
    wished = names or (("google",) if export is not None else ())

    async def run() -> list[tuple[str, Reconciliation | OutsideError]]:
        async with open_journal(options) as journal:
            # Keys are read when they are needed, from where the settings say secrets are.
            secret = make_secrets(journal.settings, os.environ, known=journal.keys.texts).read
            chosen = wished or _configured(journal.settings, secret)
            bills = Bills(journal.settings, _reconciler(journal), WallClock(), secret)
            found: list[tuple[str, Reconciliation | OutsideError]] = []
            for provider in chosen:
                try:
                    result = await bills.compare(
                        provider,
                        _day(day),
                        tolerance=tolerance,
                        keys=key_ids,
                        tenant=options.tenant,
                        file=export,
                        source=source,
                    )
                except OutsideError as exc:
                    if len(chosen) == 1:
                        raise
                    found.append((provider, exc))
                else:
                    found.append((provider, result))
            return found

    return _show(options, asyncio.run(run()))


def _reconciler(journal: Journal) -> Reconciler:
    clock = WallClock()
    books = Books(journal.store, clock, SystemDice(), journal.keys.signer)
    return Reconciler(journal.store, books, clock, journal.desk.redactor)


def _configured(settings: Settings, secret: Callable[[str], str | None]) -> tuple[str, ...]:
    if settings.reconciliation.daily:
        return settings.reconciliation.daily
    variables = {name: key_variable(name) for name in providers()}
    found = tuple(
        name for name, variable in variables.items() if variable is not None and secret(variable)
    )
    if not found:
        known = ", ".join(variable for variable in variables.values() if variable)
        raise UsageError(
            f"no provider to compare with: name one with --provider, or set one of {known}"
        )
    return found


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f"--day {text!r}: write it as 2026-11-19") from exc
    if found > day_of(WallClock().now_ms()):
        raise UsageError(f"--day {text}: that day has not come yet (days are those of UTC)")
    return found


# ---------------------------------------------------------------- showing


def _show(options: Options, found: list[tuple[str, Reconciliation | OutsideError]]) -> int:
    compared = [each for _, each in found if isinstance(each, Reconciliation)]
    failed = [(name, each) for name, each in found if isinstance(each, OutsideError)]
    agrees = all(each.agrees for each in compared) and not failed
    if options.json:
        print_json(
            {
                "agrees": agrees,
                "days": [reconciliation_json(each) for each in compared],
                "errors": [
                    {"provider": name, "kind": type(exc).__name__, "message": str(exc)}
                    for name, exc in failed
                ],
            }
        )
    else:
        for each in compared:
            _print(each)
        for _, exc in failed:
            report(exc, options)
    if failed:
        return OUTSIDE
    return GOOD if agrees else NO


def reconciliation_json(each: Reconciliation) -> dict[str, object]:
    """The stable keys of a compared day."""
    return {
        "provider": each.provider,
        "source": each.source,
        "day": each.day.isoformat(),
        "closed": each.closed,
        "closes_at": iso(closes_ms(each.day)),
        "agrees": each.agrees,
        "matched": each.count("matched"),
        "missing_here": each.count("missing_here"),
        "missing_there": each.count("missing_there"),
        "differing": each.count("differing"),
        "lines": [
            {
                "model": line.model,
                "what": line.what,
                "unit": line.unit,
                "here": line.here,
                "there": line.there,
                "state": line.state,
                "beyond": line.beyond,
                "why": line.why,
            }
            for line in each.lines
        ],
        "corrections": [
            {
                "tenant": correction.doubt.tenant,
                "run": correction.doubt.run,
                "call": correction.doubt.call,
                "attempt": correction.doubt.attempt,
                "model": correction.doubt.model,
                "assumed_nano": correction.doubt.nano,
                "billed_nano": correction.billed,
            }
            for correction in each.corrections
        ],
        "hints": list(each.hints),
    }


def _print(each: Reconciliation) -> None:
    out = console()
    closed = "closed" if each.closed else f"provisional until {iso(closes_ms(each.day))}"
    out.print(cell(f"{each.provider} {each.day} ({closed}), from {each.source}", "bold"))
    if each.lines:
        out.print(_table(each))
    for reason in sorted({f"{line.model}: {line.why}" for line in each.lines if line.why}):
        out.print(cell(reason))
    for correction in each.corrections:
        doubt = correction.doubt
        out.print(
            cell(
                f"corrected: {doubt.run} {doubt.call} was assumed at {format_usd(doubt.nano)}, "
                f"billed at {format_usd(correction.billed)}"
            )
        )
    for hint in each.hints:
        out.print(cell(f"note: {hint}"))
    text, style = _verdict(each)
    out.print(cell(text, style))


def _table(each: Reconciliation) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("MODEL", "WHAT"):
        table.add_column(title)
    for title in ("HERE", "THERE", "DIFFERENCE"):
        table.add_column(title, justify="right")
    table.add_column("STATE")
    for line in each.lines:
        style = "red" if line.beyond else ("green" if line.state == "matched" else "yellow")
        table.add_row(
            cell(line.model or "-"),
            cell(line.what),
            cell(_amount(line, line.here)),
            cell(_amount(line, line.there)),
            cell(_amount(line, line.there - line.here)),
            cell(_WORDS[line.state], style),
        )
    return table


def _verdict(each: Reconciliation) -> tuple[str, str]:
    """The last line, and its colour."""
    whole, matched = len(each.lines), each.count("matched")
    beyond = sum(line.beyond for line in each.lines)
    if not whole:
        return "nothing was used on either side", "green"
    if beyond:
        return f"{beyond} of {whole} lines are beyond tolerance", "red"
    if matched < whole:
        return f"{matched} of {whole} lines agree, what does not is explained", "yellow"
    return f"all {whole} lines agree", "green"


def _amount(line: Line, value: int) -> str:
    return f"{value:,}" if line.unit == "tokens" else format_usd(value)
