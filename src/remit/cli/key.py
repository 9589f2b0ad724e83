"""`remit key`: API keys of the server: make, list, revoke."""

import asyncio
from typing import cast

import click
from rich.table import Table

from remit.app.access import Issued
from remit.app.lazy import WallClock
from remit.app.people import LOCAL_TENANT
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json
from remit.cli.person import principal
from remit.cli.serve import name_journal
from remit.cli.switch import instant
from remit.projections.access import KeyState
from remit.values.role import ROLES, Role


@click.group("key")
def key() -> None:
    """API keys of `remit serve`. A key belongs to one tenant (--tenant NAME), or to all ('*').

    Roles: viewer looks; operator starts, stops, switches and undoes; approver agrees to calls, in
    the name of a person; admin sets budgets and makes keys.
    """


@key.command("create")
@click.argument("name")
@click.option("--role", "roles", type=click.Choice(ROLES), multiple=True, required=True)
@click.option("--person", default="", help="The human in whose name it approves and answers.")
@click.option("--until", metavar="WHEN", help="A time (2026-11-30T08:00Z) or a duration (90d).")
@click.pass_obj
def create(
    options: Options, *, name: str, roles: tuple[str, ...], person: str, until: str | None
) -> None:
    """Make a key called NAME and print it. It is shown once: only its hash is kept."""
    name_journal(options)
    tenant = options.tenant or LOCAL_TENANT
    until_ms = None if until is None else instant(until, WallClock().now_ms())

    async def act() -> Issued:
        async with open_journal(options, make=True) as journal:
            return await journal.access.issue_key(
                tenant,
                name,
                roles=cast("tuple[Role, ...]", roles),
                principal=principal(),
                person=person,
                until_ms=until_ms,
            )

    made = asyncio.run(act())
    if options.json:
        print_json({**key_json(made.tenant, made.state), "token": made.token})
        return
    click.echo(made.token)
    click.echo("keep it now; it is not shown again", err=True)


@key.command("list")
@click.pass_obj
def list_keys(options: Options) -> None:
    """List the keys of a tenant, the newest first, and when each was last used."""
    name_journal(options)
    tenant = options.tenant or LOCAL_TENANT

    async def look() -> list[KeyState]:
        async with open_journal(options) as journal:
            return await journal.access.keys(tenant)

    found = asyncio.run(look())
    if options.json:
        print_json([key_json(tenant, each) for each in found])
        return
    if not found:
        click.echo(f"the tenant {tenant} has no keys; remit key create NAME --role viewer")
        return
    now_ms = WallClock().now_ms()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("KEY", "NAME", "ROLES", "PERSON", "STATE", "UNTIL", "LAST USED"):
        table.add_column(name, no_wrap=True)
    for each in found:
        table.add_row(
            cell(each.key),
            cell(each.name, "bold"),
            cell(", ".join(each.roles)),
            cell(each.person),
            cell(_state(each, now_ms)),
            cell("" if each.until_ms is None else moment(each.until_ms)),
            cell("never" if each.used_ms is None else moment(each.used_ms)[:10]),
        )
    console().print(table)


@key.command("revoke")
@click.argument("key_id", metavar="KEY")
@click.option("--reason", default="", help="Kept in the journal.")
@click.pass_obj
def revoke(options: Options, key_id: str, *, reason: str) -> None:
    """End KEY: servers refuse it within two seconds."""
    name_journal(options)
    tenant = options.tenant or LOCAL_TENANT

    async def act() -> None:
        async with open_journal(options) as journal:
            await journal.access.revoke_key(tenant, key_id, principal=principal(), reason=reason)

    asyncio.run(act())
    if options.json:
        print_json({"key": key_id, "tenant": tenant, "revoked": True})
    else:
        click.echo(f"{key_id} is revoked")


def _state(each: KeyState, now_ms: int) -> str:
    if each.revoked_ms is not None:
        return "revoked"
    return "good" if each.opens(now_ms) else "over"


def key_json(tenant: str, each: KeyState) -> dict[str, object]:
    """The stable keys of a key; neither its secret nor the hash of it."""
    return {
        "key": each.key,
        "name": each.name,
        "tenant": tenant,
        "roles": list(each.roles),
        "person": each.person,
        "made": iso(each.made_ms),
        "made_by": each.made_by,
        "until": iso(each.until_ms),
        "last_used": iso(each.used_ms),
        "revoked": iso(each.revoked_ms),
    }
