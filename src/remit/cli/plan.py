"""`remit plan`: the price list, who has which plan and why; set a plan by hand; a checkout link."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click
from rich.table import Table

from remit.app.config import FILE
from remit.app.lazy import SystemDice, WallClock
from remit.app.plan_desk import HolderPlan, PlanDesk
from remit.app.plan_settings import plans_of
from remit.app.upgrade import Gate
from remit.cli.journal import open_journal, settings_of
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json
from remit.cli.person import principal
from remit.cli.telling import tell
from remit.errors import ConfigError, UsageError
from remit.policy.allowance import Budget
from remit.policy.plan import Plan, Plans
from remit.runtime.books import Books, Page
from remit.values.money import format_usd

_LOCAL = "local"


@click.group("plan")
def plan() -> None:
    """Show plans, and give them by hand; runs under way follow.

    A HOLDER is user:NAME, or tenant:NAME where tenants hold the plans.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Office:
    """What the commands work with."""

    desk: PlanDesk
    gate: Gate
    books: Books


@asynccontextmanager
async def _office(options: Options) -> AsyncIterator[_Office]:
    async with open_journal(options) as journal:
        settings, clock = journal.settings, WallClock()
        plans = plans_of(settings.billing, settings.plans, FILE)
        books = Books(journal.store, clock, SystemDice(), journal.keys.signer)
        desk = PlanDesk(
            store=journal.store,
            books=books,
            clock=clock,
            redactor=journal.desk.redactor,
            plans=plans,
        )
        gate = Gate(plans=plans, clock=clock, secret=journal.keys.signer.key)
        yield _Office(desk=desk, gate=gate, books=books)


@plan.command("show")
@click.argument("holder", required=False)
@click.pass_obj
def show(options: Options, *, holder: str | None) -> None:
    """Show the plan of HOLDER and what led to it; without HOLDER the price list."""
    if holder is None:
        _show_list(options)
        return
    tenant = options.tenant or _LOCAL

    async def look() -> tuple[HolderPlan, tuple[Page, ...]]:
        async with _office(options) as office:
            found = await office.desk.show(tenant, holder)
            return found, await office.books.read(tenant, holder)

    found, pages = asyncio.run(look())
    if options.json:
        facts = [
            {"time": iso(page.time_ms), **page.event.model_dump(mode="json")} for page in pages
        ]
        print_json({**holder_json(found), "facts": facts})
        return
    click.echo(_line(found))
    for page in pages:
        click.echo(f"{moment(page.time_ms)}  {page.event.type}  {tell(page.event)}")


def _show_list(options: Options) -> None:
    settings = settings_of(options)
    plans = plans_of(settings.billing, settings.plans, FILE)
    if plans is None:
        raise ConfigError(f"no plans are declared: write [billing] and [plans.NAME] in {FILE}")
    if options.json:
        print_json(list_json(plans))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("PLAN", "LIMITS", "MODELS", "AGENTS", "TOOLS", "SOLD"):
        table.add_column(name)
    for each in plans.plans:
        mark = " (default)" if each.name == plans.default else ""
        table.add_row(
            cell(f"{each.name}{mark}"),
            cell(", ".join(_limits(each.limits)) or "none"),
            *(cell(" ".join(names)) for names in (each.models, each.agents, each.tools)),
            cell("yes" if each.checkout_url else ""),
        )
    console().print(table)


def _limits(limits: Iterable[Budget]) -> list[str]:
    found = []
    for limit in limits:
        for (unit, window), amount in limit.amounts.items():
            text = format_usd(amount, 2) if unit == "nano" else f"{amount:,} {unit}"
            found.append(f"{text} per {limit.of}, {window}")
    return found


@plan.command("set")
@click.argument("holder")
@click.argument("name", metavar="PLAN", required=False)
@click.option("--as-paid", is_flag=True, help="Give the plan back to what was paid for.")
@click.option("--reason", required=True, help="Why; it is kept in the journal.")
@click.pass_obj
def set_plan(
    options: Options, *, holder: str, name: str | None, as_paid: bool, reason: str
) -> None:
    """Give HOLDER the PLAN by hand, whatever was paid, until it is given back."""
    if as_paid == (name is not None):
        raise UsageError("say either a PLAN or --as-paid")
    tenant = options.tenant or _LOCAL

    async def act() -> HolderPlan:
        async with _office(options) as office:
            return await office.desk.assign(
                tenant, holder, name or "", principal=principal(), reason=reason
            )

    made = asyncio.run(act())
    if options.json:
        print_json({**holder_json(made), "principal": principal()})
        return
    click.echo(f"{_line(made)}, by {principal()}")


@plan.command("link")
@click.argument("holder")
@click.argument("name", metavar="PLAN")
@click.pass_obj
def link(options: Options, *, holder: str, name: str) -> None:
    """Print the link at which HOLDER buys PLAN; it carries a signed reference."""
    tenant = options.tenant or _LOCAL

    async def make() -> str | None:
        async with _office(options) as office:
            await office.desk.introduce(tenant, holder)
            return office.gate.checkout_url(tenant, holder, name)

    url = asyncio.run(make())
    if url is None:
        raise ConfigError(f"the plan {name!r} is not sold: give it a checkout_url in {FILE}")
    if options.json:
        print_json({"tenant": tenant, "holder": holder, "plan": name, "checkout_url": url})
        return
    click.echo(url)


def _line(found: HolderPlan) -> str:
    how = " (by hand)" if found.assigned else ""
    grace = "" if found.until_ms is None else f", a payment failed: until {moment(found.until_ms)}"
    return f"{found.holder} has the plan {found.plan}{how}{grace}"


def holder_json(found: HolderPlan) -> dict[str, object]:
    """The stable keys of a holder's plan."""
    return {
        "tenant": found.tenant,
        "holder": found.holder,
        "plan": found.plan,
        "assigned": found.assigned,
        "until": iso(found.until_ms),
    }


def list_json(plans: Plans) -> dict[str, object]:
    """The stable keys of a price list."""

    def one(each: Plan) -> dict[str, object]:
        return {
            "plan": each.name,
            "limits": [limit.model_dump(exclude_none=True) for limit in each.limits],
            "models": each.models,
            "agents": each.agents,
            "tools": each.tools,
            "checkout_url": each.checkout_url or None,
            "prices": each.prices,
        }

    return {
        "default": plans.default,
        "holder": plans.holder,
        "plans": [one(each) for each in plans.plans],
    }
