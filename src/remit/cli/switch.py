"""`remit switch`: switch everything, a tenant, an agent or a tool off and on, without a deploy."""

import asyncio
from datetime import UTC, datetime

import click
from rich.table import Table

from remit.app.desk import check_target
from remit.app.lazy import WallClock
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json
from remit.cli.person import principal
from remit.errors import ConfigError, UsageError
from remit.journal.rows import Switch
from remit.values.duration import milliseconds


@click.group("switch")
def switch() -> None:
    """Switch things off and on while runs go on; every process follows within a second.

    Targets: all, agent:NAME, tool:NAME, mode:auto, mode:bypass, tenant:NAME, and for one tenant
    tenant:NAME/agent:NAME, tenant:NAME/tool:NAME, tenant:NAME/mode:auto …. What mode auto allowed
    is asked from then on, what mode bypass allowed is denied.
    """


@switch.command("off")
@click.argument("target")
@click.option("--reason", required=True, help="Why; runs that stop say it.")
@click.option("--until", metavar="WHEN", help="A time (2026-11-30T08:00Z) or a duration (2h).")
@click.pass_obj
def off(options: Options, *, target: str, reason: str, until: str | None) -> None:
    """Switch TARGET off: its runs stop, its calls are refused."""
    check_target(target)
    until_ms = None if until is None else instant(until, WallClock().now_ms())

    async def act() -> Switch:
        async with open_journal(options) as journal:
            return await journal.desk.switch_off(
                target, principal=principal(), reason=reason, until_ms=until_ms
            )

    made = asyncio.run(act())
    if options.json:
        print_json(switch_json(made))
        return
    end = "" if made.until_ms is None else f" until {moment(made.until_ms)}"
    click.echo(f"{made.target} is off{end}, by {made.principal}")


@switch.command("on")
@click.argument("target")
@click.option("--reason", default="", help="Why; kept in the book of switches.")
@click.pass_obj
def on(options: Options, *, target: str, reason: str) -> None:
    """Switch TARGET on again, or lift a revert; runs that were stopped stay ended."""

    async def act() -> bool:
        async with open_journal(options) as journal:
            return await journal.desk.switch_on(target, principal=principal(), reason=reason)

    was_off = asyncio.run(act())
    if options.json:
        print_json({"target": target, "was_off": was_off})
        return
    click.echo(f"{target} is on" if was_off else f"{target} was not off")


@switch.command("list")
@click.pass_obj
def list_switches(options: Options) -> None:
    """List what is switched off, and what is reverted."""

    async def look() -> list[Switch]:
        async with open_journal(options) as journal:
            return await journal.store.switches()

    found = asyncio.run(look())
    if options.json:
        print_json([switch_json(each) for each in found])
        return
    if not found:
        click.echo("nothing is switched off")
        return
    now_ms = WallClock().now_ms()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TARGET", "SINCE", "UNTIL", "BY", "REASON"):
        table.add_column(name, no_wrap=True)
    for each in found:
        over = each.until_ms is not None and each.until_ms <= now_ms
        end = "" if each.until_ms is None else moment(each.until_ms)
        table.add_row(
            cell(each.target, "dim" if over else "bold"),
            moment(each.since_ms),
            cell(f"{end} (over)" if over else end),
            cell(each.principal),
            cell(each.reason),
        )
    console().print(table)


def switch_json(each: Switch) -> dict[str, object]:
    """The stable keys of a switch."""
    return {
        "target": each.target,
        "reason": each.reason,
        "principal": each.principal,
        "since": iso(each.since_ms),
        "until": iso(each.until_ms),
    }


def instant(text: str, now_ms: int) -> int:
    """The instant (Unix, ms) of a duration from now, or of a time with its zone.

    Raises `UsageError` for anything else, and for the past.
    """
    try:
        return now_ms + milliseconds(text)
    except ConfigError:
        pass  # no duration; perhaps a time
    try:
        when = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(
            f"--until {text!r}: say a duration such as 2h, or a time such as 2026-11-30T08:00Z"
        ) from exc
    if when.tzinfo is None:
        raise UsageError(f"--until {text!r} has no zone: add Z for UTC, or +01:00")
    found = int(when.astimezone(UTC).timestamp() * 1000)
    if found <= now_ms:
        raise UsageError(f"--until {text!r} is past")
    return found
