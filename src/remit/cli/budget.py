"""`remit budget`: what is left of which budget and where its limit is from; set it, or unset it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
from rich.table import Table
from rich.text import Text

from remit.app.budgets import MOST, Budgets, BudgetView
from remit.app.calendars import Calendars
from remit.app.config import FILE
from remit.app.lazy import SystemDice, WallClock
from remit.app.plan_desk import PlanDesk
from remit.app.plan_settings import plans_of
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json
from remit.cli.person import principal
from remit.errors import UsageError
from remit.journal.events import BudgetSet
from remit.runtime.books import Books
from remit.values.account import WINDOWS, holder_of, unit_of, window_of
from remit.values.money import format_amount

_LOCAL = "local"
_SET_FOR = (*WINDOWS, "total")


@click.group("budget")
def budget() -> None:
    """Look at budgets, and set them while runs go on; every process follows at its next call.

    A HOLDER is user:NAME, agent:NAME, session:NAME, label:NAME, tenant, or global; user:* is each
    user that has no limit of its own.
    """


@asynccontextmanager
async def _budgets(options: Options) -> AsyncIterator[Budgets]:
    async with open_journal(options) as journal:
        settings, clock = journal.settings, WallClock()
        books = Books(journal.store, clock, SystemDice(), journal.keys.signer)
        plans = PlanDesk(
            store=journal.store,
            books=books,
            clock=clock,
            redactor=journal.desk.redactor,
            plans=plans_of(settings.billing, settings.plans, FILE),
        )
        yield Budgets(
            store=journal.store,
            books=books,
            clock=clock,
            declared=settings.budgets,
            calendar=Calendars(settings.timezone, settings.timezones).of,
            redactor=journal.desk.redactor,
            plans=plans,
        )


@budget.command("show")
@click.argument("holder", required=False)
@click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True)
@click.pass_obj
def show(options: Options, *, holder: str | None, limit: int) -> None:
    """Show the budgets of HOLDER, or of all in the tenant: limit, used, held, left, next window.

    SOURCE says where a limit is from: set by an operator, declared in remit.toml, the holder's
    plan, or brought by runs, from their agent's remit.
    """

    async def look() -> list[BudgetView]:
        async with _budgets(options) as budgets:
            return await budgets.show(options.tenant or _LOCAL, holder, limit=limit)

    found = asyncio.run(look())
    if options.json:
        print_json([view_json(each) for each in found])
        return
    if not found:
        click.echo("no budget")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("HOLDER", "WINDOW", "LIMIT", "USED", "HELD", "LEFT", "RESETS", "SOURCE"):
        right = name in ("LIMIT", "USED", "HELD", "LEFT")
        table.add_column(name, no_wrap=True, justify="right" if right else "left")
    for each in found:
        table.add_row(*_row(each))
    console().print(table)


def _row(each: BudgetView) -> list[Text | str]:
    used = "each" if each.used is None else format_amount(each.unit, each.used)
    left = (
        "" if each.left is None or each.window == "alert" else format_amount(each.unit, each.left)
    )
    source = f"plan {each.plan}" if each.plan else str(each.source)
    if each.set_ms is not None:
        source += f" by {each.principal}, {moment(each.set_ms)}: {each.reason}"
    return [
        cell(each.holder),
        cell(each.window),
        format_amount(each.unit, each.limit),
        cell(used, "yellow" if each.warned else ""),
        format_amount(each.unit, each.held) if each.held else "",
        cell(left, "red" if left and not each.left else ""),
        "" if each.resets_ms is None else moment(each.resets_ms),
        cell(source),
    ]


def view_json(each: BudgetView) -> dict[str, object]:
    """The stable keys of a budget; amounts are in `unit`."""
    return {
        "tenant": each.tenant,
        "holder": each.holder,
        "account": each.account,
        "window": each.window,
        "unit": each.unit,
        "limit": each.limit,
        "source": each.source,
        "plan": each.plan or None,
        "principal": each.principal or None,
        "reason": each.reason or None,
        "set": iso(each.set_ms),
        "used": each.used,
        "held": each.held,
        "left": each.left,
        "warned": each.warned,
        "resets": iso(each.resets_ms),
    }


@budget.command("set")
@click.argument("holder")
@click.option("--window", type=click.Choice(_SET_FOR), default="total", show_default=True)
@click.option("--cost-usd", metavar="AMOUNT", help="As 50 or 0.25.")
@click.option("--tokens", type=click.IntRange(min=0))
@click.option("--calls", type=click.IntRange(min=0))
@click.option("--alert-usd", metavar="AMOUNT", help="Tell at this amount; nothing stops.")
@click.option("--unset", is_flag=True, help="Give it back to what is declared.")
@click.option("--reason", required=True, help="Why; it is kept in the journal.")
@click.pass_obj
def set_budget(
    options: Options,
    /,
    *,
    holder: str,
    window: str,
    unset: bool,
    reason: str,
    **amounts: str | int | None,
) -> None:
    """Set limits of HOLDER for a window: at once, also for runs under way that draw on them."""
    given = any(amount is not None for amount in amounts.values())
    if given == unset:
        raise UsageError("say what to set (--cost-usd, --tokens, --calls, --alert-usd) or --unset")
    tenant = options.tenant or _LOCAL

    async def act() -> tuple[BudgetSet, ...]:
        async with _budgets(options) as budgets:
            who = principal()
            if unset:
                return await budgets.unset(
                    tenant, holder, window=window, principal=who, reason=reason
                )
            return await budgets.set(
                tenant, holder, window=window, amounts=amounts, principal=who, reason=reason
            )

    facts = asyncio.run(act())
    if options.json:
        print_json([fact_json(tenant, each) for each in facts])
        return
    for each in facts:
        unit = unit_of(each.account)
        now = "unset" if each.limit is None else format_amount(unit, each.limit)
        of = f"{holder_of(each.account)} {window_of(each.account)}"
        click.echo(f"{of} {unit}: {now}, by {each.principal}")


def fact_json(tenant: str, fact: BudgetSet) -> dict[str, object]:
    """The stable keys of a limit that was set."""
    return {
        "tenant": tenant,
        "account": fact.account,
        "limit": fact.limit,
        "principal": fact.principal,
        "reason": str(fact.reason),
    }
