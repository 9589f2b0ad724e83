"""`remit revert`: an agent uses an earlier prompt or another model again, without a deploy."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import click
from rich.table import Table

from remit.app.config import Settings
from remit.app.lazy import WallClock
from remit.app.load import make_model, make_prices
from remit.app.prompt_versions import PromptVersion
from remit.app.reverting import Reverts
from remit.app.secrets import make_secrets
from remit.cli.journal import Journal, open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json
from remit.cli.person import principal
from remit.cli.plain import one_line
from remit.cli.switch import instant, switch_json
from remit.errors import NotAllowed
from remit.journal.rows import Switch
from remit.policy.pinning import unpinned
from remit.policy.revert import InForce, Revert, What, revert_of

_DIGEST = 12  # characters that are shown and can be typed
_LINE = 60  # characters of a prompt in a list

_REASON = click.option("--reason", required=True, help="Why; it is kept in the book of switches.")
_UNTIL = click.option("--until", metavar="WHEN", help="A time (2026-11-30T08:00Z) or a duration.")


@click.group("revert")
def revert() -> None:
    """Revert the prompt or the model of an agent while its program runs.

    New runs of every process follow within a second, those under way keep what they started with.
    It is a switch: for everybody, or with --tenant for one tenant, which goes before. Tools, rules
    and limits stay as they are deployed.
    """


@revert.command("prompt")
@click.argument("agent")
@click.argument("version")
@_REASON
@_UNTIL
@click.pass_obj
def revert_prompt(
    options: Options, agent: str, version: str, *, reason: str, until: str | None
) -> None:
    """Let AGENT use the prompt VERSION of an earlier run: a digest or its beginning, or its name.

    `remit revert versions AGENT` lists them.
    """

    async def act(reverts: Reverts, until_ms: int | None) -> InForce:
        return await reverts.revert_prompt(
            agent, version, principal=principal(), reason=reason, tenant=options.tenant,
            until_ms=until_ms,
        )  # fmt: skip

    _revert(options, agent, until, act)


@revert.command("model")
@click.argument("agent")
@click.argument("model")
@_REASON
@_UNTIL
@click.pass_obj
def revert_model(
    options: Options, agent: str, model: str, *, reason: str, until: str | None
) -> None:
    """Let AGENT use MODEL, as provider:name, in place of those that share its calls.

    It is pinned, priced, and set up here, or a run of the agent was declared with it.
    """

    async def act(reverts: Reverts, until_ms: int | None) -> InForce:
        return await reverts.revert_model(
            agent, model, principal=principal(), reason=reason, tenant=options.tenant,
            until_ms=until_ms,
        )  # fmt: skip

    _revert(options, agent, until, act)


@revert.command("lift")
@click.argument("agent")
@click.argument("what", required=False, type=click.Choice(["prompt", "model"]))
@click.option("--reason", default="", help="Why; kept in the book of switches.")
@click.pass_obj
def lift(options: Options, agent: str, what: What | None, *, reason: str) -> None:
    """Let AGENT use what is deployed again: its prompt, its model, or both."""

    async def act() -> tuple[Revert, ...]:
        async with _opened(options) as (_, reverts):
            return await reverts.lift(
                agent, what, principal=principal(), reason=reason, tenant=options.tenant
            )

    found = asyncio.run(act())
    if options.json:
        print_json({"agent": agent, "lifted": [each.target for each in found]})
    for each in () if options.json else found:
        click.echo(f"{each.place} is as deployed")
    if not found and not options.json:
        whose = f" for tenant {options.tenant}" if options.tenant else ""
        click.echo(f"nothing of {agent} was reverted{whose}")


@revert.command("list")
@click.pass_obj
def list_reverts(options: Options) -> None:
    """List what is reverted."""

    async def look() -> list[Switch]:
        async with open_journal(options) as journal:
            return await journal.store.switches()

    found = [
        (known, switch)
        for switch in asyncio.run(look())
        if (known := revert_of(switch.target)) and options.tenant in (None, known.tenant)
    ]
    if options.json:
        print_json([{**_parts(known), **switch_json(switch)} for known, switch in found])
        return
    if not found:
        click.echo("nothing is reverted")
        return
    now_ms = WallClock().now_ms()
    table = _table("AGENT", "WHAT", "TO", "TENANT", "SINCE", "UNTIL", "BY", "REASON")
    for known, each in found:
        over = each.until_ms is not None and each.until_ms <= now_ms
        end = "" if each.until_ms is None else moment(each.until_ms)
        table.add_row(
            cell(known.agent, "dim" if over else "bold"),
            known.what,
            cell(known.to[:_DIGEST] if known.what == "prompt" else known.to),
            cell(known.tenant or "all"),
            moment(each.since_ms),
            cell(f"{end} (over)" if over else end),
            cell(each.principal),
            cell(each.reason),
        )
    console().print(table)


@revert.command("versions")
@click.argument("agent")
@click.pass_obj
def versions(options: Options, agent: str) -> None:
    """List the prompts that runs of AGENT recorded, the newest first."""

    async def look() -> tuple[PromptVersion, ...]:
        async with _opened(options) as (_, reverts):
            return await reverts.versions(agent, options.tenant)

    found = asyncio.run(look())
    if options.json:
        print_json([_version_json(each) for each in found])
        return
    table = _table("DIGEST", "NAME", "MODEL", "FIRST RUN", "RUNS", "TEXT")
    for each in found:
        table.add_row(
            each.digest[:_DIGEST],
            cell(each.name or "in the program"),
            cell(each.model),
            moment(each.first_ms),
            str(each.runs),
            cell(one_line(each.text, _LINE)),
        )
    console().print(table)


def _revert(
    options: Options,
    agent: str,
    until: str | None,
    act: Callable[[Reverts, int | None], Awaitable[InForce]],
) -> None:
    until_ms = None if until is None else instant(until, WallClock().now_ms())

    async def carried_out() -> InForce:
        async with _opened(options) as (journal, reverts):
            known = frozenset(await reverts.models(agent))
            return await act(replace(reverts, check=_checker(journal, known)), until_ms)

    found = asyncio.run(carried_out())
    made = found.switch
    if options.json:
        print_json({**_parts(found.revert), **switch_json(made)})
        return
    end = "" if made.until_ms is None else f" until {moment(made.until_ms)}"
    click.echo(f"{made.target} is in force{end}, by {made.principal}")


@asynccontextmanager
async def _opened(options: Options) -> AsyncIterator[tuple[Journal, Reverts]]:
    async with open_journal(options) as journal:
        yield journal, Reverts(desk=journal.desk, agents=None, check=_unchecked)


def _unchecked(_model: str) -> None:
    """Nothing is reverted with it."""


def _checker(journal: Journal, known: frozenset[str]) -> Callable[[str], None]:
    """Refuses what could not serve, as far as this machine can tell; a run looks once more."""
    settings: Settings = journal.settings

    def check(model: str) -> None:
        problem = unpinned(model, settings.floating_models)
        if problem is not None:
            raise NotAllowed(problem)
        if model in known:  # by hand priced and set up in the program, perhaps not here
            return
        make_prices(None).price(model)
        secrets = make_secrets(settings, os.environ, journal.keys.texts)
        make_model(model.partition(":")[0], settings, dict(os.environ), secrets.read)

    return check


def _parts(known: Revert) -> dict[str, object]:
    return {
        "agent": known.agent,
        "what": known.what,
        "to": known.to,
        "tenant": known.tenant or None,
    }


def _version_json(each: PromptVersion) -> dict[str, object]:
    """The stable keys of a recorded prompt."""
    return {
        "digest": each.digest,
        "text_digest": each.text_digest,
        "name": each.name,
        "model": each.model,
        "first": iso(each.first_ms),
        "last": iso(each.last_ms),
        "runs": each.runs,
        "text": each.text,
    }


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table
