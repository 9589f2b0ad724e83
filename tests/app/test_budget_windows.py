"""Budgets at work in an app: windows and time zones, locks, warnings, alerts, runs under way."""

import asyncio
from pathlib import Path

import pytest

from remit import Agent, App, ScriptedModel, tool
from remit.app.budgets import BudgetView
from remit.journal.events import BudgetRefused, BudgetWarned, CostAlerted
from remit.policy.allowance import Budget
from remit.values.model import ModelAnswer, ModelRequest
from tests.app.damages import verified
from tests.app.spending import (
    COST,
    DAY_MS,
    HOUR_MS,
    at,
    clock,
    spending,
    steady,
    worker,
)
from tests.runtime.kit import HandClock
from tests.runtime.stage import PATIENCE_S, PRICES, an_agent, told

__all__ = ["clock"]
WORKER = worker()
BOSS = {"principal": "boss", "reason": "it is time"}


async def go(app: App, agent: Agent[str] = WORKER, **who: str) -> str:
    """One run of one call: its status, and why where it was stopped."""
    run = await app.run(agent, "Go", **{"tenant": "acme", "user": "ann", **who})
    return run.status if run.status == "completed" else run.reason


async def the_view(app: App, holder: str, window: str, unit: str = "nano") -> BudgetView:
    found = await app.budgets.show("acme", holder)
    (view,) = [each for each in found if (each.window, each.unit) == (window, unit)]
    return view


# ---------------------------------------------------------------- windows


@pytest.mark.requirement("BUD-3", "BUD-4")
async def test_a_day_locks_one_user_and_the_next_day_unlocks(clock: HandClock) -> None:
    each = Budget(of="user", window="day", calls=2)
    async with spending(each, agents=[WORKER]) as app:
        assert [await go(app) for _ in range(3)] == ["completed", "completed", "budget"]
        assert await go(app, user="bob") == "completed"
        clock.at_ms = at("2026-11-21T23:59")
        assert await go(app) == "budget"
        clock.at_ms = at("2026-11-22T00:00")
        assert await go(app) == "completed"
        view = await the_view(app, "user:ann", "day", "calls")
        assert (view.account, view.used, view.left) == ("user:ann|day:2026-11-22|calls", 1, 1)


@pytest.mark.requirement("BUD-3")
@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("UTC", "2026-11-21T23:30", "2026-11-22T00:30"),
        ("Asia/Tokyo", "2026-11-21T14:30", "2026-11-21T15:30"),
        ("America/New_York", "2026-11-22T04:30", "2026-11-22T05:30"),
        ("Europe/Berlin", "2026-10-24T21:30", "2026-10-24T22:30"),
        ("Europe/Berlin", "2026-10-25T22:30", "2026-10-25T23:30"),  # clocks were set back
    ],
)
async def test_a_day_ends_at_the_midnight_of_its_tenant(
    zone: str,
    before: str,
    after: str,
    clock: HandClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = f'[tenants.acme]\ntimezone = "{zone}"\n'
    (tmp_path / "remit.toml").write_text(settings, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    clock.at_ms = at(before)
    async with spending(Budget(of="tenant", window="day", calls=1), agents=[WORKER]) as app:
        assert [await go(app), await go(app)] == ["completed", "budget"]
        view = await the_view(app, "tenant", "day", "calls")
        assert view.resets_ms == at(after) - HOUR_MS // 2
        clock.at_ms = at(after)
        assert await go(app) == "completed"


@pytest.mark.requirement("BUD-2", "BUD-3")
@pytest.mark.parametrize(
    ("window", "later"), [("hour", "2026-11-21T13:00"), ("month", "2026-12-01T00:00")]
)
async def test_tokens_are_counted_by_hour_and_month(
    window: str, later: str, clock: HandClock
) -> None:
    budget = Budget(of="user", name="ann", window=window, tokens=1500)  # type: ignore[arg-type] # a text
    async with spending(budget, agents=[WORKER]) as app:
        found = [await go(app) for _ in range(9)]
        assert found[0] == "completed"
        assert found[-1] == "budget"
        view = await the_view(app, "user:ann", window, "tokens")
        assert view.used == 200 * found.count("completed")
        assert view.used is not None
        assert view.used <= 1500
        clock.at_ms = at(later)
        assert await go(app) == "completed"


@pytest.mark.requirement("BUD-3", "TEN-1")
async def test_one_tenants_exhaustion_leaves_the_other_untouched(clock: HandClock) -> None:
    each = Budget(of="tenant", window="month", cost_usd="0.002")
    async with spending(each, agents=[WORKER]) as app:
        first = [await go(app) for _ in range(9)]
        assert first[-1] == "budget"
        assert await go(app, tenant="globex") == "completed"
        acme, globex = await the_view(app, "tenant", "month"), await app.budgets.show("globex")
        assert acme.used == COST * first.count("completed") <= acme.limit
        assert [(each.tenant, each.used) for each in globex if each.holder == "tenant:globex"] == [
            ("globex", COST)
        ]


@pytest.mark.requirement("BUD-3")
async def test_everybody_together_has_one_budget(clock: HandClock) -> None:
    async with spending(Budget(of="global", window="day", calls=3), agents=[WORKER]) as app:
        tenants = ("acme", "globex", "initech", "acme")
        found = [await go(app, tenant=tenant) for tenant in tenants]
        assert found == ["completed", "completed", "completed", "budget"]
        for tenant in tenants:
            (view,) = await app.budgets.show(tenant, "global")
            assert (view.tenant, view.holder, view.used, view.left) == ("*", "global:all", 3, 0)


# ---------------------------------------------------------------- warned, alerted, locked


@pytest.mark.requirement("BUD-4")
async def test_eighty_percent_is_told_once_in_each_window(clock: HandClock) -> None:
    async with spending(Budget(of="user", window="day", calls=5), agents=[WORKER]) as app:

        async def warnings() -> list[int]:
            found = []
            for _ in range(6):
                run = await app.run(WORKER, "Go", tenant="acme", user="ann")
                found.append(len(await told(app, run.id, BudgetWarned, tenant="acme")))
            return found

        assert await warnings() == [0, 0, 0, 1, 0, 0]
        assert (await the_view(app, "user:ann", "day", "calls")).warned
        clock.at_ms += DAY_MS
        assert not (await the_view(app, "user:ann", "day", "calls")).warned
        assert await warnings() == [0, 0, 0, 1, 0, 0]


@pytest.mark.requirement("BUD-8")
async def test_the_alert_of_a_session_arrives_and_nothing_stops(clock: HandClock) -> None:
    agent = worker(session_alert_usd="0.0005")
    async with spending(agents=[agent]) as app:
        alerts = []
        for _ in range(4):
            run = await app.run(agent, "Go", tenant="acme", user="ann", session="s1")
            assert run.status == "completed"
            alerts += await told(app, run.id, CostAlerted, tenant="acme")
        account = "session:s1|alert|nano"
        assert alerts == [CostAlerted(account=account, used=2 * COST, limit=500_000)]
        view = await the_view(app, "session:s1", "alert")
        assert (view.used, view.limit, view.warned, view.source) == (
            4 * COST,
            500_000,
            True,
            "runs",
        )


@pytest.mark.requirement("BUD-3", "BUD-4")
async def test_a_raised_limit_unlocks_the_next_run_of_a_session(
    clock: HandClock, tmp_path: Path
) -> None:
    agent = worker(session_cost_usd="0.001")
    path = tmp_path / "j.db"
    async with spending(agents=[agent], url=f"sqlite:///{path}") as app:
        found = [await go(app, agent, session="s1") for _ in range(4)]
        assert found[-1] == "budget"
        assert await go(app, agent, session="s2") == "completed"
        await app.budgets.set("acme", "session:s1", amounts={"cost_usd": "0.01"}, **BOSS)
        assert await go(app, agent, session="s1") == "completed"
        view = await the_view(app, "session:s1", "total")
        assert (view.limit, view.source, view.principal) == (10_000_000, "set", "boss")
        await app.budgets.unset("acme", "session:s1", **BOSS)
        assert await go(app, agent, session="s1") == "budget"
    assert [each.damages for each in await verified(path)] == [()]


# ---------------------------------------------------------------- runs under way


GATE: list[asyncio.Event] = []


@tool
async def wait_here() -> str:
    """Wait until the test says so."""
    GATE[0].set()
    await GATE[1].wait()
    return "over"


def patient(request: ModelRequest) -> ModelAnswer:
    return steady(request, {"wait_here": {}})


@pytest.mark.requirement("BUD-4")
@pytest.mark.parametrize(("amount", "status"), [("0.0005", "stopped"), ("1", "completed")])
async def test_what_is_set_holds_at_once_for_a_run_under_way(
    amount: str, status: str, clock: HandClock
) -> None:
    GATE[:] = [asyncio.Event(), asyncio.Event()]
    agent = an_agent(tools=[wait_here])
    app = App(
        "memory:",
        agents=[agent],
        models={"scripted": ScriptedModel(patient, steady)},
        prices=PRICES,
        budgets=[Budget(of="user", window="day", cost_usd="0.006" if status == "stopped" else "0")],
    )
    async with app:
        if status == "completed":  # what is declared would let nothing through
            await app.budgets.set(
                "acme", "user:ann", window="day", amounts={"cost_usd": "0.006"}, **BOSS
            )
        run = await app.start(agent, "Go", tenant="acme", user="ann")
        await asyncio.wait_for(GATE[0].wait(), PATIENCE_S)
        await app.budgets.set(
            "acme", "user:ann", window="day", amounts={"cost_usd": amount}, **BOSS
        )
        GATE[1].set()
        ended = await app.wait(run, tenant="acme", timeout_s=60)
        assert ended.status == status
        refused = await told(app, run, BudgetRefused, tenant="acme")
        assert [each.limit for each in refused] == [500_000] * (status == "stopped")
