"""`remit approvals delegate`: let another agree in your name, until an instant."""

import asyncio

import click

from remit.app.lazy import WallClock
from remit.app.speaking import Speakers
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.cli.output import iso, moment, print_json
from remit.cli.person import principal
from remit.cli.plain import printable
from remit.cli.switch import instant
from remit.errors import ConfigError, UsageError
from remit.journal.events import ApprovalsDelegated

_LOCAL = "local"


@click.command("delegate")
@click.argument("person")
@click.option("--to", metavar="NAME", help="Who may agree in the name of PERSON.")
@click.option("--until", metavar="WHEN", help="A time (2026-11-30T08:00Z) or a duration (7d).")
@click.option("--end", is_flag=True, help="Nobody any more.")
@click.option("--reason", default="", help="Kept in the journal.")
@click.pass_obj
def delegate(  # each is one word of the command
    options: Options, *, person: str, to: str | None, until: str | None, end: bool, reason: str
) -> None:
    """Let another person approve what PERSON may; without --to and --end show who does.

    Only PERSON may say so; what was delegated to PERSON is not passed on with it.
    """
    if end and (to or until):
        raise UsageError("say --end, or --to and --until, not both")
    if bool(to) != bool(until):
        raise UsageError("say both --to NAME and --until WHEN")
    tenant = options.tenant or _LOCAL
    until_ms = instant(until, WallClock().now_ms()) if until else 0

    async def act() -> ApprovalsDelegated | None:
        async with open_journal(options) as journal:
            speakers = _speakers(journal.desk.speakers)
            if not (to or end):
                return await speakers.delegation(tenant, person)
            return await speakers.delegate(
                tenant,
                person,
                to=to or "",
                until_ms=until_ms,
                principal=principal(),
                reason=reason,
            )

    _told(options, tenant, person, asyncio.run(act()))


def _speakers(known: Speakers | None) -> Speakers:
    if known is None:
        raise ConfigError("this journal was opened without its people")
    return known


def _told(options: Options, tenant: str, person: str, made: ApprovalsDelegated | None) -> None:
    to = "" if made is None else made.to
    if options.json:
        until = iso(made.until_ms) if made is not None and to else None
        print_json({"tenant": tenant, "person": person, "to": to or None, "until": until})
        return
    if made is None or not to:
        click.echo(f"nobody may agree in the name of {printable(person)}")
        return
    names = f"{printable(to)} may agree in the name of {printable(person)}"
    click.echo(f"{names} until {moment(made.until_ms)}")
