"""`remit tools`: what servers say of their tools, what is different, and accepting it."""

import asyncio
import difflib
import json
import os
from collections.abc import Iterable, Mapping

import click

from remit.app.accepting import Accepting, Described, accept, server_named, servers_of
from remit.app.drift import Stopped, stopped
from remit.app.housing import house_of, settle
from remit.app.keyring import hidden_paths, open_keys
from remit.app.lazy import SystemDice, WallClock
from remit.app.load import make_store
from remit.cli.agents import load_agent
from remit.cli.journal import open_journal, settings_of
from remit.cli.options import Options
from remit.cli.output import iso, moment, print_json
from remit.cli.person import principal
from remit.journal.events import ServerToolStopped
from remit.machine.agent import Agent
from remit.runtime.books import Books

Seen = Mapping[str, tuple[Described | None, Described | None]]


@click.group("tools")
def tools() -> None:
    """Look at the tools of servers that an agent uses, and accept them.

    AGENT is module:name or path/to/file.py:name.
    """


@tools.command("diff")
@click.argument("agent")
@click.pass_obj
def diff(options: Options, *, agent: str) -> None:
    """Show how the tools of AGENT's servers differ from what was accepted; 1 where they do."""
    servers = servers_of([_housed(options, agent)])

    async def look() -> dict[str, Seen]:
        return {name: await _seen(each) for name, each in sorted(servers.items())}

    found = asyncio.run(look())
    if options.json:
        print_json({name: _json(seen) for name, seen in found.items()})
    else:
        for name, seen in found.items():
            click.echo("\n".join(_lines(name, seen)) or f"{name}: as accepted")
    if any(found.values()):
        raise SystemExit(1)


@tools.command("accept")
@click.argument("server")
@click.option("--agent", required=True, help="The agent that uses the server.")
@click.option("--yes", is_flag=True, help="Do not ask: it was reviewed.")
@click.pass_obj
def accept_tools(options: Options, *, server: str, agent: str, yes: bool) -> None:
    """Accept the tools of SERVER as they are offered now, after showing what is different."""
    source = server_named(_housed(options, agent), server)
    seen = asyncio.run(_seen(source))
    if not seen:
        click.echo(f"{server}: as accepted")
        return
    if not options.json:
        click.echo("\n".join(_lines(server, seen)))
    if not yes:
        click.confirm("Accept this?", abort=True)
    accepted = asyncio.run(_accept(options, source, seen))
    if options.json:
        print_json({"server": server, "accepted": list(accepted), "was": _json(seen)})
    else:
        click.echo(f"{server}: accepted {', '.join(accepted) or 'nothing'}")


def _housed(options: Options, name: str) -> Agent[object]:
    """The agent, its servers in a sandbox that sees neither journal nor keys."""
    settings, agent = settings_of(options), load_agent(name)
    hidden = hidden_paths(settings, os.environ)
    settle([agent], house_of(hidden=hidden, environment=settings.environment))
    return agent


@tools.command("stopped")
@click.pass_obj
def stopped_tools(options: Options) -> None:
    """Show the tools that runs were refused because their servers changed them; 1 where some are.

    It is read from the journal. What was accepted since is not shown.
    """

    async def look() -> list[Stopped]:
        async with open_journal(options) as journal:
            books = Books(journal.store, WallClock(), SystemDice(), journal.keys.signer)
            return await stopped(journal.store, books)

    found = asyncio.run(look())
    if options.json:
        print_json([{"time": iso(each.time_ms), **_stopped_json(each.fact)} for each in found])
    else:
        for each in found:
            fact = each.fact
            now = f"offered is {fact.offered[:12]}" if fact.offered else "it is offered no more"
            click.echo(
                f"{moment(each.time_ms)}  {fact.server}/{fact.tool}: accepted was "
                f"{fact.accepted[:12]}, {now}"
            )
    if found:
        raise SystemExit(1)


def _stopped_json(fact: ServerToolStopped) -> dict[str, object]:
    return {
        "server": fact.server,
        "tool": fact.tool,
        "accepted": fact.accepted,
        "offered": fact.offered or None,
    }


async def _seen(server: Accepting) -> Seen:
    try:
        return await server.differences()
    finally:
        await server.close()


async def _accept(options: Options, server: Accepting, seen: Seen) -> tuple[str, ...]:
    settings = settings_of(options)
    keys = open_keys(settings, dict(os.environ))
    store = make_store(settings.url)
    await store.open()
    try:
        books = Books(store, WallClock(), SystemDice(), keys.signer)
        return await accept(books, server, seen, principal())
    finally:
        await server.close()
        await store.close()


def _lines(server: str, seen: Seen) -> Iterable[str]:
    for name, (old, new) in sorted(seen.items()):
        before, after = _text(old), _text(new)
        yield from difflib.unified_diff(
            before,
            after,
            f"{server}/{name} as accepted",
            f"{server}/{name} as offered",
            lineterm="",
        )


def _text(each: Described | None) -> list[str]:
    """What a model would be told, without anything that a terminal would obey."""
    if each is None:
        return []
    schema = json.dumps(json.loads(each.schema), indent=2, sort_keys=True)
    lines = [*each.description.splitlines(), *schema.splitlines()]
    return ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines]


def _json(seen: Seen) -> dict[str, object]:
    return {
        name: {
            "accepted": None if old is None else old.digest,
            "offered": None if new is None else new.digest,
        }
        for name, (old, new) in sorted(seen.items())
    }
