"""The API of money: the ledger, budgets and what is left of them, plans and where to buy them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from remit.app.budgets import BudgetView
from remit.errors import RequestRefused
from remit.policy.plan import holder_name
from remit.server.api.shapes import Day, Name, Shape, Words, instant_or_none, usd
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, api
from remit.server.starting import user_of
from remit.values.ledger import Amounts

_MAX_ROWS = 10_000  # of the ledger in one answer; fewer fields or days give fewer
_MAX_BUDGETS = 1_000
_FIELD = "(tenant|day|user|agent|model|session)"
_BY = rf"^{_FIELD}(,{_FIELD}){{0,5}}$"
Window = Literal["hour", "day", "month", "total"]
Holder = Annotated[
    str,
    StringConstraints(
        pattern=r"^(tenant|global|(user|session|agent|label):(\*|[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}))$"
    ),
]
"""`user:ann`, `agent:NAME`, `label:NAME`, `tenant`, `user:*` for each, `global` (with tenant *)."""
Dollars = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]


def _whole(value: object) -> object:
    """JSON has one kind of number: for JSON Schema 234.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=10**15)]
Reason = Annotated[Words, StringConstraints(min_length=1)]


class LedgerQuery(Shape):
    """What to sum by, and of what; days are UTC, both ends included."""

    by: Annotated[str, StringConstraints(pattern=_BY)] = Field(
        default="tenant,day,user,agent,model",
        description="Some of tenant, day, user, agent, model, session, separated by commas.",
    )
    since: Day | None = None
    until: Day | None = None
    user: Name | None = None
    agent: Name | None = None
    model: Annotated[str, StringConstraints(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=_MAX_ROWS)] = 1_000


class AmountsView(Shape):
    """What was used. `assumed_usd`: the part of the cost of which nobody knows if it was billed."""

    calls: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int
    cost_usd: str
    assumed_usd: str


class LedgerLine(Shape):
    """What was used under these names."""

    names: dict[str, str]
    amounts: AmountsView


class LedgerSums(Shape):
    """Rows of the ledger, and what all come to, those left out too."""

    rows: tuple[LedgerLine, ...]
    total: AmountsView
    more: bool


class BudgetsQuery(Shape):
    """Whose budgets; all of the tenant without a holder."""

    holder: Holder | None = None


class BudgetLine(Shape):
    """A limit in its unit (nano: a billionth of a dollar, tokens, calls), and what is left."""

    tenant: str
    holder: str
    window: str
    unit: str
    limit: int
    used: int | None
    held: int
    left: int | None
    source: str
    plan: str
    principal: str
    reason: str
    warned: bool
    resets_at: datetime | None


class BudgetLines(Shape):
    """Limits and what is left of them."""

    budgets: tuple[BudgetLine, ...]


class BudgetBody(Shape):
    """Limits to set; they hold at once, in every process."""

    holder: Holder
    window: Window = "total"
    cost_usd: Dollars | None = None
    tokens: Count | None = None
    calls: Count | None = None
    alert_usd: Dollars | None = None
    reason: Reason


class UnsetBody(Shape):
    """Limits to give back to what is declared."""

    holder: Holder
    window: Window = "total"
    reason: Reason


class LimitSet(Shape):
    """A limit as it is now set; None: given back."""

    account: str
    limit: int | None


class LimitsSet(Shape):
    """What was set."""

    limits: tuple[LimitSet, ...]


class PlanLine(Shape):
    """A plan on the price list."""

    name: str
    sold: bool


class PlansView(Shape):
    """The price list, the lowest first, and the plan of a holder."""

    plans: tuple[PlanLine, ...]
    holder: str
    plan: str
    assigned: bool
    until: datetime | None


class PlansQuery(Shape):
    """Whose plan; programs say the user."""

    user: Name | None = None


class CheckoutBody(Shape):
    """Who buys; programs say the user."""

    user: Name | None = None


class Checkout(Shape):
    """Where it is bought; None: this plan is not sold."""

    plan: str
    url: str | None


async def sum_ledger(ask: Ask[LedgerQuery, Nothing]) -> LedgerSums:
    """What was used, summed by these."""
    wanted = ask.query
    found = await ask.app.ledger(
        *wanted.by.split(","),
        tenant=ask.tenants,
        limit=wanted.limit,
        user=wanted.user,
        agent=wanted.agent,
        model=wanted.model,
        since=wanted.since,
        until=wanted.until,
    )
    return LedgerSums(
        rows=tuple(
            LedgerLine(names=dict(row.names), amounts=_amounts(row.amounts)) for row in found.rows
        ),
        total=_amounts(found.total),
        more=found.more,
    )


def _amounts(found: Amounts) -> AmountsView:
    return AmountsView(
        calls=found.calls,
        input=found.input,
        cache_read=found.cache_read,
        cache_write=found.cache_write + found.cache_write_1h,
        output=found.output,
        reasoning=found.reasoning,
        cost_usd=usd(found.cost),
        assumed_usd=usd(found.assumed),
    )


async def list_budgets(ask: Ask[BudgetsQuery, Nothing]) -> BudgetLines:
    """Budgets and what is left; with `?tenant=*` those that belong to no tenant."""
    found = await ask.app.budgets.show(ask.tenant, ask.query.holder, limit=_MAX_BUDGETS)
    # What all tenants use together is none of one tenant's business.
    shared = ask.principal.may("viewer", EVERYWHERE)
    return BudgetLines(
        budgets=tuple(_budget(each) for each in found if shared or each.tenant == ask.tenant)
    )


def _budget(each: BudgetView) -> BudgetLine:
    return BudgetLine(
        tenant=each.tenant,
        holder=each.holder,
        window=each.window,
        unit=each.unit,
        limit=each.limit,
        used=each.used,
        held=each.held,
        left=each.left,
        source=each.source,
        plan=each.plan,
        principal=each.principal,
        reason=each.reason,
        warned=each.warned,
        resets_at=instant_or_none(each.resets_ms),
    )


async def set_budget(ask: Ask[Nothing, BudgetBody]) -> LimitsSet:
    """Set limits of a holder for a window, in the name of who is signed in."""
    body = ask.body
    _check_holder(ask, body.holder)
    facts = await ask.app.budgets.set(
        ask.tenant,
        body.holder,
        window=body.window,
        amounts={
            "cost_usd": body.cost_usd,
            "tokens": body.tokens,
            "calls": body.calls,
            "alert_usd": body.alert_usd,
        },
        principal=ask.principal.name,
        reason=body.reason,
    )
    return LimitsSet(limits=tuple(LimitSet(account=e.account, limit=e.limit) for e in facts))


def _check_holder(ask: Ask[BaseModel, BaseModel], holder: str) -> None:
    """Raise `RequestRefused` where one tenant's admin would limit everybody."""
    if holder == "global" and ask.tenant != EVERYWHERE:
        raise RequestRefused(
            "the global budget is that of all tenants",
            status=403,
            remedy="ask with ?tenant=*, as an admin of all tenants",
        )


async def unset_budget(ask: Ask[Nothing, UnsetBody]) -> LimitsSet:
    """Give limits back to what is declared."""
    body = ask.body
    _check_holder(ask, body.holder)
    facts = await ask.app.budgets.unset(
        ask.tenant,
        body.holder,
        window=body.window,
        principal=ask.principal.name,
        reason=body.reason,
    )
    return LimitsSet(limits=tuple(LimitSet(account=e.account, limit=e.limit) for e in facts))


async def list_plans(ask: Ask[PlansQuery, Nothing]) -> PlansView:
    """The price list, and which plan a user has."""
    desk = ask.app.plans
    holder = holder_name(desk.declared, ask.tenant, user_of(ask, ask.query.user))
    has = await desk.show(ask.tenant, holder)
    return PlansView(
        plans=tuple(
            PlanLine(name=each.name, sold=bool(each.checkout_url)) for each in desk.declared.plans
        ),
        holder=has.holder,
        plan=has.plan,
        assigned=has.assigned,
        until=instant_or_none(has.until_ms),
    )


async def buy_plan(ask: Ask[Nothing, CheckoutBody]) -> Checkout:
    """Where a user buys a plan: a payment link with a signed reference."""
    plan = ask.path["plan"]
    user = user_of(ask, ask.body.user)
    url = await ask.app.checkout_url(plan, tenant=ask.tenant, user=user)
    return Checkout(plan=plan, url=url)


ROUTES = (
    api(
        "GET",
        "/api/v1/ledger",
        sum_ledger,
        needs="viewer",
        tenant="any",
        query=LedgerQuery,
        gives=LedgerSums,
    ),
    api(
        "GET",
        "/api/v1/budgets",
        list_budgets,
        needs="viewer",
        tenant="any",
        query=BudgetsQuery,
        gives=BudgetLines,
    ),
    api(
        "PUT",
        "/api/v1/budgets",
        set_budget,
        needs="admin",
        tenant="any",
        body=BudgetBody,
        gives=LimitsSet,
    ),
    api(
        "POST",
        "/api/v1/budgets/unset",
        unset_budget,
        needs="admin",
        tenant="any",
        body=UnsetBody,
        gives=LimitsSet,
    ),
    api(
        "GET",
        "/api/v1/plans",
        list_plans,
        needs="viewer",
        tenant="one",
        query=PlansQuery,
        gives=PlansView,
    ),
    api(
        "POST",
        "/api/v1/plans/{plan}/checkout",
        buy_plan,
        needs="viewer",
        tenant="one",
        body=CheckoutBody,
        gives=Checkout,
    ),
)
