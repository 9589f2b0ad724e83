"""The page Spend: what was used by whom and on which day, what is left of budgets, setting them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.app.budgets import BudgetView
from remit.app.ledger_view import LedgerView
from remit.errors import NotAllowed, NotFound, UsageError
from remit.server.api.shapes import Words
from remit.server.frame import linker
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, page
from remit.server.web import render
from remit.values.account import WINDOWS
from remit.values.ledger import NOTHING, Amounts

By = Literal["agent", "user", "model", "session", "day", "tenant"]
_DAYS = 30  # shown unless others are asked for: a month's bill
_MAX_DAYS = 366  # bars of one chart
_MAX_ROWS = 500  # lines of one page; `remit ledger --csv` gives all
_MAX_BUDGETS = 200
_MAX_NAME = 128
_HOLDERS = ("user", "agent", "session", "label", "tenant", "global")


class SpendQuery(BaseModel):
    """What is summed, and of which days (UTC, both ends included)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: By = "agent"
    since: str = Field(default="", max_length=10)
    until: str = Field(default="", max_length=10)
    user: Words = Field(default="", max_length=_MAX_NAME)
    agent: Words = Field(default="", max_length=_MAX_NAME)
    model: Words = Field(default="", max_length=_MAX_NAME)


class BudgetForm(BaseModel):
    """A limit that is set, or given back to what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str = Field(default="user", max_length=16)
    name: Words = Field(default="", max_length=_MAX_NAME)
    window: str = Field(default="month", max_length=16)
    cost_usd: str = Field(default="", max_length=32)
    tokens: str = Field(default="", max_length=24)
    calls: str = Field(default="", max_length=24)
    reason: Words = ""
    unset: bool = False

    @property
    def holder(self) -> str:
        """Whose budget it is, as the ledger names it."""
        return self.of if self.of in ("tenant", "global") else f"{self.of}:{self.name.strip()}"

    @property
    def amounts(self) -> dict[str, str | int | None]:
        """The limits that were filled in. Raises `UsageError` for what is no number."""
        return {
            "cost_usd": self.cost_usd.strip() or None,
            "tokens": _whole("tokens", self.tokens),
            "calls": _whole("calls", self.calls),
        }


def _whole(name: str, text: str) -> int | None:
    said = text.strip().replace(",", "")
    if said and not (said.isascii() and said.isdecimal()):
        raise UsageError(f"{name} {text!r}: write a whole number, such as 200000")
    return int(said) if said else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpend:
    """What one day cost, for the chart and for the table below it."""

    day: str
    ms: int
    amounts: Amounts

    @property
    def dollars(self) -> str:
        """For the chart alone: the table says the exact amount."""
        return f"{self.amounts.cost / 1_000_000_000:.9f}"


async def show_spend(ask: Ask[SpendQuery, Nothing]) -> Response:
    """What was used, and the budgets."""
    return await _page(ask, ask.query)


async def set_budget_from_page(ask: Ask[Nothing, BudgetForm]) -> Response:
    """Set a limit, or give it back to what is declared; it holds at once, in every process."""
    form = ask.body
    try:
        await _carry_out(ask)
    except (NotAllowed, NotFound, UsageError) as exc:
        return await _page(ask, SpendQuery(), form=form, wrong=str(exc), status=422)
    return RedirectResponse(linker(ask)("/spend"), status_code=303)


async def _carry_out(ask: Ask[Nothing, BudgetForm]) -> None:
    """Raise `UsageError` for what cannot be."""
    form, budgets, who = ask.body, ask.app.budgets, ask.principal
    if form.of not in _HOLDERS:
        raise UsageError(f"{form.of!r}: a budget is of one of {', '.join(_HOLDERS)}")
    if form.of == "global" and not who.may("admin", EVERYWHERE):
        raise UsageError("the global budget is set by an admin of all tenants")
    if form.unset:
        await budgets.unset(
            ask.tenant, form.holder, window=form.window, principal=who.name, reason=form.reason
        )
        return
    await budgets.set(
        ask.tenant,
        form.holder,
        window=form.window,
        amounts=form.amounts,
        principal=who.name,
        reason=form.reason,
    )


async def _page(
    ask: Ask[SpendQuery, Nothing] | Ask[Nothing, BudgetForm],
    query: SpendQuery,
    *,
    form: BudgetForm | None = None,
    wrong: str = "",
    status: int = 200,
) -> Response:
    now_ms = ask.app.desk.clock.now_ms()
    values: dict[str, object] = {"query": query, "span_wrong": "", "view": None, "days": ()}
    try:
        since, until = _span(query, now_ms)
        values |= {"since": since.isoformat(), "until": until.isoformat()}
        values["view"] = await _view(ask, query, since, until, query.by)
        values["days"] = _days(await _view(ask, query, since, until, "day"), since, until)
    except UsageError as exc:
        values |= {"span_wrong": str(exc), "since": query.since, "until": query.until}
    one = ask.tenants is not None
    everywhere = ask.principal.may("admin", EVERYWHERE)
    budgets: list[BudgetView] = []
    if one:
        shown = await ask.app.budgets.show(ask.tenant, limit=_MAX_BUDGETS)
        # What all tenants share is for who may look at all of them.
        all_of = ask.principal.may("viewer", EVERYWHERE)
        budgets = [each for each in shown if all_of or each.tenant != EVERYWHERE]
    values |= {
        "budgets": budgets,
        "one": one,
        "by": _pairs(each for each in get_args(By) if each != "tenant" or not one),
        "chosen": ask.request.query_params.get("tenant", ""),
        "form": form or BudgetForm(),
        "wrong": wrong,
        "windows": _pairs((*WINDOWS, "total")),
        "holders": _pairs(_HOLDERS if everywhere else _HOLDERS[:-1]),
    }
    return render(ask, "spend.html", values, status=status)


def _pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of a form that read as they are sent."""
    return [(name, name) for name in names]


def _span(query: SpendQuery, now_ms: int) -> tuple[date, date]:
    """The days that are asked for. Raises `UsageError`."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    until = _day("until", query.until) or today
    since = _day("since", query.since) or until - timedelta(days=_DAYS - 1)
    if not 0 <= (until - since).days < _MAX_DAYS:
        raise UsageError(f"from {since} to {until}: ask for 1 to {_MAX_DAYS} days, in order")
    return since, until


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{name} {text!r}: a day is written as 2026-11-21") from None


async def _view(
    ask: Ask[SpendQuery, Nothing] | Ask[Nothing, BudgetForm],
    query: SpendQuery,
    since: date,
    until: date,
    by: By,
) -> LedgerView:
    return await ask.app.ledger(
        by,
        tenant=ask.tenants,
        limit=_MAX_DAYS if by == "day" else _MAX_ROWS,
        since=since.isoformat(),
        until=until.isoformat(),
        user=query.user or None,
        agent=query.agent or None,
        model=query.model or None,
    )


def _days(view: LedgerView, since: date, until: date) -> tuple[DaySpend, ...]:
    """Every day of the span, those without calls too."""
    known = {row.names["day"]: row.amounts for row in view.rows}
    found = []
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        amounts = known.get(day.isoformat(), NOTHING)
        found.append(DaySpend(day=day.isoformat(), ms=int(at.timestamp() * 1000), amounts=amounts))
    return tuple(found)


ROUTES = (
    page("GET", "/spend", show_spend, needs="viewer", tenant="any", query=SpendQuery),
    page(
        "POST", "/spend/budget", set_budget_from_page, needs="admin", tenant="one", body=BudgetForm
    ),
)
