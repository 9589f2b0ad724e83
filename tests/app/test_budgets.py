"""Budgets as operators see and set them: where a limit is from, what is left, who may set it."""

from typing import Literal

import pytest

from remit import Agent, App, Remit
from remit.app.budgets import BudgetView
from remit.errors import ConfigError, NotAllowed, NotFound, UsageError
from remit.journal.events import BudgetSet
from remit.policy.allowance import Budget
from remit.policy.plan import Plan, Plans
from remit.values.clean import Clean
from tests.app.spending import (
    COST,
    HOUR_MS,
    NOON,
    at,
    clock,
    spending,
    worker,
)
from tests.runtime.kit import HandClock

__all__ = ["clock"]
WORKER = worker()
BOSS = {"principal": "boss", "reason": "it is time"}


async def go(app: App, agent: Agent[str] = WORKER, **who: str) -> str:
    """One run of one call: its status, and why where it was stopped."""
    run = await app.run(agent, "Go", **{"tenant": "acme", "user": "ann", **who})
    return run.status if run.status == "completed" else run.reason


# ---------------------------------------------------------------- showing


async def test_each_limit_says_where_it_is_from(clock: HandClock) -> None:
    budgets = (
        Budget(of="user", window="day", calls=9),
        Budget(of="user", window="day", calls=7, tenant="acme"),
        Budget(of="user", name="bob", window="day", calls=5, tenant="acme"),
        Budget(of="label", name="red", tokens=10_000),
        Budget(of="tenant", window="month", cost_usd="9"),
        Budget(of="tenant", name="globex", calls=1),
        Budget(of="global", window="hour", calls=100),
    )
    agent = worker(session_cost_usd="2")
    async with spending(*budgets, agents=[agent]) as app:
        await app.budgets.set("acme", "user:*", window="hour", amounts={"calls": 4}, **BOSS)
        await app.budgets.set(
            "acme", "user:ann", window="day", amounts={"calls": 8, "tokens": 50_000}, **BOSS
        )
        await app.budgets.set("acme", "global", amounts={"alert_usd": "3"}, **BOSS)
        assert await go(app, agent, session="s1") == "completed"
        found = {
            each.account: (each.source, each.limit, each.used)
            for each in await app.budgets.show("acme")
        }
        assert found == {
            "global:all|alert|nano": ("set", 3 * 10**9, COST),
            "global:all|hour:2026-11-21T12|calls": ("declared", 100, 1),
            "label:red|total|tokens": ("declared", 10_000, 0),
            "session:s1|total|nano": ("runs", 2 * 10**9, COST),
            "tenant:acme|month:2026-11|nano": ("declared", 9 * 10**9, COST),
            "user:*|day|calls": ("declared", 7, None),
            "user:*|hour|calls": ("set", 4, None),
            "user:ann|day:2026-11-21|calls": ("set", 8, 1),
            "user:ann|day:2026-11-21|tokens": ("set", 50_000, 200),
            "user:ann|hour:2026-11-21T12|calls": ("set", 4, 1),
            "user:bob|day:2026-11-21|calls": ("declared", 5, 0),
        }
        (hour, day, tokens) = sorted(
            await app.budgets.show("acme", "user:ann"), key=lambda each: each.limit
        )
        assert (hour.source, hour.limit, hour.left, hour.principal) == ("set", 4, 3, "boss")
        assert (day.reason, day.set_ms, day.holder) == ("it is time", NOON, "user:ann")
        assert (tokens.resets_ms, tokens.warned) == (at("2026-11-22T00:00"), False)
        (bob, _) = sorted(await app.budgets.show("acme", "user:bob"), key=lambda e: e.window)
        assert (bob.limit, bob.source, bob.used, bob.left) == (5, "declared", 0, 5)
        (eve,) = await app.budgets.show("globex", "user:eve")
        assert (eve.limit, eve.source) == (9, "declared")
        assert len(await app.budgets.show("acme", limit=3)) == 3
        assert await app.budgets.show("acme", "label:blue") == []


@pytest.mark.requirement("BUD-3", "TEN-2")
@pytest.mark.parametrize("holder", ["user", "tenant"])
async def test_a_limit_of_a_plan_names_it(
    holder: Literal["user", "tenant"], clock: HandClock
) -> None:
    free = Plan(name="free", limits=(Budget(of="user", window="day", calls=3),))
    plans = Plans(plans=(free, Plan(name="pro")), default="free", holder=holder)
    async with spending(
        Budget(of="user", window="month", calls=9), agents=[WORKER], plans=plans
    ) as app:
        assert await go(app) == "completed"
        day, month = await app.budgets.show("acme", "user:ann")
        assert (day.source, day.plan, day.limit, day.used) == ("plan", "free", 3, 1)
        assert (month.source, month.plan, month.limit) == ("declared", "", 9)
        each = [view for view in await app.budgets.show("acme") if view.holder == "user:*"]
        assert len(each) == (1 if holder == "user" else 2), "each user may have another plan"
        who = "user:ann" if holder == "user" else "tenant:acme"
        await app.plans.assign("acme", who, "pro", principal="boss")
        day, month = await app.budgets.show("acme", "user:ann")
        assert (day.source, day.limit) == ("runs", 3), "as of the last call"
        assert await app.budgets.show("*", "global") == []


async def test_the_account_of_a_run_is_shown_where_it_is_asked_for(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        run = await app.run(WORKER, "Go", tenant="acme")
        (view,) = await app.budgets.show("acme", f"run:{run.id}")
        assert (view.source, view.used, view.limit) == ("runs", COST, 5 * 10**9)
        assert f"run:{run.id}" not in {each.holder for each in await app.budgets.show("acme")}


# ---------------------------------------------------------------- setting


@pytest.mark.requirement("BUD-4", "AUD-1")
async def test_a_limit_that_is_set_stands_in_the_book_of_its_holder(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        made = await app.budgets.set(
            "acme",
            "user:ann",
            window="month",
            amounts={"cost_usd": "50", "tokens": None},
            principal="boss",
            reason="she pays",
        )
        fact = BudgetSet(
            account="user:ann|month|nano",
            limit=50 * 10**9,
            principal="boss",
            reason=Clean.vouch("she pays"),
        )
        assert made == (fact,)
        assert [page.event for page in await app.books.read("acme", "user:ann")] == [fact]
        assert await app.books.read("globex", "user:ann") == ()
        back = await app.budgets.unset("acme", "user:ann", window="month", **BOSS)
        assert [(each.account, each.limit) for each in back] == [("user:ann|month|nano", None)]
        assert await app.store.limits("acme") == []
        with pytest.raises(NotFound, match="nothing is set for the window 'month'"):
            await app.budgets.unset("acme", "user:ann", window="month", **BOSS)
        for tenant in ("acme", "globex"):
            await app.budgets.set(tenant, "global", amounts={"calls": 5}, **BOSS)
        assert len(await app.books.read("*", "global:all")) == 2, "one book, whoever wrote"


async def test_both_kinds_of_total_are_given_back_together(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        amounts = {"cost_usd": "5", "alert_usd": "3"}
        await app.budgets.set("acme", "tenant", amounts=amounts, **BOSS)
        await app.budgets.set("acme", "tenant", window="day", amounts={"calls": 5}, **BOSS)
        back = await app.budgets.unset("acme", "tenant", **BOSS)
        assert [each.account for each in back] == [
            "tenant:acme|total|nano",
            "tenant:acme|alert|nano",
        ]
        assert len(await app.store.limits("acme")) == 1


@pytest.mark.requirement("TEN-1")
@pytest.mark.parametrize(
    ("holder", "window", "amounts", "kind", "what"),
    [
        ("run:run_1", "total", {"calls": 1}, NotAllowed, "stands in its first record"),
        ("label:*", "total", {"calls": 1}, UsageError, "needs its name"),
        ("anne", "total", {"calls": 1}, UsageError, "no holder of budgets"),
        ("user", "total", {"calls": 1}, UsageError, "say user:NAME"),
        ("user:", "total", {"calls": 1}, UsageError, "say user:NAME"),
        ("user:a b", "total", {"calls": 1}, ConfigError, "user 'a b': use 1 to 128"),
        ("tenant:globex", "total", {"calls": 1}, UsageError, "name it with --tenant globex"),
        ("user:ann", "week", {"calls": 1}, UsageError, "user:ann window: Input should be"),
        ("user:ann", "day", {"calls": -1}, UsageError, "user:ann calls: Input should be"),
        ("user:ann", "day", {"cost_usd": "1e"}, UsageError, "'1e' is not an amount in USD"),
        ("user:ann", "day", {"alert_usd": "1"}, UsageError, "an alert counts all"),
        ("user:ann", "day", {}, UsageError, "say at least one of"),
    ],
)
async def test_what_cannot_be_set_says_why(
    holder: str,
    window: str,
    amounts: dict[str, str | int | None],
    kind: type[Exception],
    what: str,
    clock: HandClock,
) -> None:
    async with spending(agents=[WORKER]) as app:
        with pytest.raises(kind, match=what):
            await app.budgets.set("acme", holder, window=window, amounts=amounts, **BOSS)
        assert await app.store.runs(None, books=True) == []


async def test_a_limit_needs_a_reason_and_a_tenant(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        with pytest.raises(UsageError, match="say a reason"):
            await app.budgets.set(
                "acme", "user:ann", amounts={"calls": 1}, principal="boss", reason=" "
            )
        with pytest.raises(UsageError, match="name a tenant"):
            await app.budgets.set("*", "user:ann", amounts={"calls": 1}, **BOSS)


async def test_a_secret_in_a_reason_is_not_kept(clock: HandClock) -> None:
    token = "ghp_" + "A1b2" * 9
    async with spending(agents=[WORKER]) as app:
        (made,) = await app.budgets.set(
            "acme", "user:ann", amounts={"calls": 1}, principal="boss", reason=f"see {token}"
        )
        assert token not in str(made.reason)


@pytest.mark.requirement("BUD-3")
async def test_closed_windows_do_not_hide_the_open_one(clock: HandClock) -> None:
    each = Budget(of="user", window="hour", calls=50)
    async with spending(each, agents=[WORKER]) as app:
        for _ in range(5):
            assert await go(app) == "completed"
            clock.at_ms += HOUR_MS
        clock.at_ms -= HOUR_MS
        found = [view for view in await app.budgets.show("acme") if view.holder == "user:ann"]
        assert [view.account for view in found] == ["user:ann|hour:2026-11-21T16|calls"]


def test_a_view_of_each_has_nothing_left_to_tell() -> None:
    view = BudgetView(tenant="acme", account="user:*|day|calls", limit=4, source="set")
    assert (view.left, view.warned, view.holder) == (None, False, "user:*")


def test_remit_declares_session_alerts() -> None:
    assert Remit(session_alert_usd="1.5").session_alert_usd == "1.5"
