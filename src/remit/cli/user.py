"""`remit user`: people who sign in at the server's console: add, roles, passwords, off and on."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import click
from rich.table import Table

from remit.app.access import Access
from remit.app.people import LOCAL_TENANT
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, print_json
from remit.cli.person import principal
from remit.cli.serve import name_journal
from remit.errors import NotAllowed, NotFound
from remit.projections.access import UserState
from remit.values.role import ROLES, Role

T = TypeVar("T")
_ROLES = click.Choice(ROLES)


@click.group("user")
def user() -> None:
    """People who sign in at the console of `remit serve`, with roles by tenant ('*': in all).

    A password is asked for, or read from standard input.
    """


def _with_access(options: Options, act: Callable[[Access], Awaitable[T]], *, make: bool) -> T:
    name_journal(options)

    async def run() -> T:
        async with open_journal(options, make=make) as journal:
            return await act(journal.access)

    return asyncio.run(run())


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@user.command("add")
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True)
@click.pass_obj
def add(options: Options, name: str, *, roles: tuple[str, ...]) -> None:
    """Let NAME sign in, with these roles in a tenant."""
    password = _password()
    tenant = options.tenant or LOCAL_TENANT

    async def act(access: Access) -> UserState:
        if await access.user(name) is not None:
            raise NotAllowed(f"there is a user {name!r}; remit user role {name} --role …")
        made = await access.grant(
            name, tenant, cast("tuple[Role, ...]", roles), principal=principal()
        )
        await access.set_password(name, password, principal=principal())
        return made

    _told(options, _with_access(options, act, make=True))


@user.command("role")
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True)
@click.pass_obj
def role(options: Options, name: str, *, roles: tuple[str, ...]) -> None:
    """Give NAME these roles in a tenant in place of any before; without --role none."""
    tenant = options.tenant or LOCAL_TENANT

    async def act(access: Access) -> UserState:
        if await access.user(name) is None:
            raise NotFound(f"there is no user {name!r}; remit user add {name} --role …")
        return await access.grant(
            name, tenant, cast("tuple[Role, ...]", roles), principal=principal()
        )

    _told(options, _with_access(options, act, make=False))


@user.command("password")
@click.argument("name")
@click.pass_obj
def password(options: Options, name: str) -> None:
    """Give NAME another password; whoever is signed in as NAME is so no more."""
    text = _password()

    async def act(access: Access) -> None:
        await access.set_password(name, text, principal=principal())

    _with_access(options, act, make=False)
    _said(options, name, "has a new password")


@user.command("off")
@click.argument("name")
@click.option("--reason", default="", help="Kept in the journal.")
@click.pass_obj
def off(options: Options, name: str, *, reason: str) -> None:
    """NAME may not sign in any more, and is signed out within two seconds."""
    _bar(options, name, reason, barred=True)


@user.command("on")
@click.argument("name")
@click.option("--reason", default="", help="Kept in the journal.")
@click.pass_obj
def on(options: Options, name: str, *, reason: str) -> None:
    """NAME may sign in again."""
    _bar(options, name, reason, barred=False)


def _bar(options: Options, name: str, reason: str, *, barred: bool) -> None:
    async def act(access: Access) -> None:
        await access.bar(name, barred=barred, principal=principal(), reason=reason)

    _with_access(options, act, make=False)
    _said(options, name, "is off" if barred else "is on")


@user.command("list")
@click.pass_obj
def list_users(options: Options) -> None:
    """List the users and their roles."""

    async def look(access: Access) -> list[UserState]:
        return await access.users()

    found = _with_access(options, look, make=False)
    if options.json:
        print_json([user_json(each) for each in found])
        return
    if not found:
        click.echo("there are no users; remit user add NAME --role viewer")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("USER", "STATE", "ROLES"):
        table.add_column(name, no_wrap=True)
    for each in found:
        table.add_row(
            cell(each.user, "bold"), cell("off" if each.barred else "on"), cell(_granted(each))
        )
    console().print(table)


def _granted(each: UserState) -> str:
    return "; ".join(f"{tenant}: {', '.join(roles)}" for tenant, roles in each.grants.items())


def _told(options: Options, each: UserState) -> None:
    if options.json:
        print_json(user_json(each))
    else:
        click.echo(f"{each.user}: {_granted(each) or 'no roles'}")


def _said(options: Options, name: str, words: str) -> None:
    if options.json:
        print_json({"user": name, "done": words})
    else:
        click.echo(f"{name} {words}")


def user_json(each: UserState) -> dict[str, object]:
    """The stable keys of a user; nothing of their password."""
    return {
        "user": each.user,
        "off": each.barred,
        "grants": {tenant: list(roles) for tenant, roles in each.grants.items()},
        "made": iso(each.made_ms),
    }
