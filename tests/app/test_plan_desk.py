"""A run gets its holder's plan, and follows it while it goes on; operators can give one by hand."""

from pathlib import Path

import pytest

from remit import Agent, App, Remit, tool
from remit.adapters.scripted import Reply
from remit.app.plan_desk import HolderPlan, PlanDesk
from remit.app.replay import read_past
from remit.errors import ConfigError
from remit.journal.events import (
    CallJudged,
    PlanAssigned,
    PlanChanged,
    PlanLowered,
    PlanRaised,
    RunStarted,
    ToolFailed,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.policy.allowance import Budget, Spender
from remit.policy.plan import Plan, Plans
from remit.projections.redecide import redecide
from remit.values.model import ModelRequest
from tests.app.paying import FREE, PLANS, PRO, TEAM, book, clerk, scripted, shop
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, secret, told

pytestmark = pytest.mark.requirement("BIL-3")
SHIP = {"ship": {"order": 1}}
CALLS = Budget(of="user", window="day", calls=1)


@tool(access="write")
async def ship(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


@tool
async def look() -> str:
    """Look."""
    return "seen"


def shipper(approvals: int = 1) -> Agent[str]:
    return an_agent("shipper", tools=[ship, look], remit=Remit(approvals={ship: approvals}))


def with_free(**changes: object) -> Plans:
    return PLANS.model_copy(update={"plans": (FREE.model_copy(update=changes), PRO, TEAM)})


async def decided_alike(app: App, run: str) -> bool:
    """The rules make the same decisions again from the journal."""
    row = await app.store.run("acme", run)
    assert row is not None
    past = await read_past(app.engine.reader, row)
    found = list(redecide(past.before, past.pairs))
    return bool(found) and all(each.same for each in found)


async def test_a_run_starts_with_the_terms_of_its_holder() -> None:
    agent = clerk()
    async with shop("memory:", agent) as (app, _):
        run = await app.run(agent, "go", tenant="acme", user="ann")
        (started,) = await told(app, run.id, RunStarted, tenant="acme")
        assert started.plan is not None
        assert (started.plan.name, started.plan.number) == ("free", 0)
        (limit,) = started.plan.accounts
        assert (limit.account, limit.limit, limit.plan) == ("user:ann|day|calls", 1, "free")
        assert "user:ann|day|calls" not in {each.account for each in started.accounts}


async def test_the_holder_may_be_the_tenant() -> None:
    plan = Plan(name="free", limits=(Budget(of="tenant", window="day", calls=1),))
    plans = Plans(plans=(plan,), default="free", holder="tenant")
    agent = clerk()
    async with shop("memory:", agent, plans=plans) as (app, _):
        assert (await app.run(agent, "a", tenant="acme", user="ann")).status == "completed"
        assert (await app.run(agent, "a", tenant="acme", user="bob")).reason == "upgrade-required"
        assert (await app.run(agent, "a", tenant="other", user="bob")).status == "completed"
        with pytest.raises(ConfigError, match="held by each tenant; say tenant:NAME"):
            await app.plans.show("acme", "user:ann")


async def test_a_waiting_run_is_told_of_its_new_plan_and_goes_on_with_it(tmp_path: Path) -> None:
    agent = shipper()
    free = with_free(limits=(CALLS,))
    async with scripted(journal_at(tmp_path), agent, SHIP, "done", plans=free) as app:
        run = await app.run(agent, "go", tenant="acme", user="ann")
        assert run.status == "waiting"
        await app.plans.assign("acme", "user:ann", "pro", principal="local:op", reason="kind")
        again = await app.resume(run.id, tenant="acme")
        assert again.status == "waiting"
        (changed,) = await told(app, run.id, PlanChanged, tenant="acme")
        assert (changed.plan.name, changed.plan.number) == ("pro", 2)
        assert await decided_alike(app, run.id)
        await app.approve(again.approvals[0].id, principal="boss", tenant="acme")
        ended = await app.wait(run.id, tenant="acme", timeout_s=PATIENCE_S)
        assert (ended.status, ended.output) == ("completed", "done")


async def test_without_a_new_plan_the_same_run_ends_at_the_gate() -> None:
    agent = shipper()
    async with scripted("memory:", agent, SHIP, "done", plans=with_free(limits=(CALLS,))) as app:
        run = await app.run(agent, "go", tenant="acme", user="ann")
        await app.approve(run.approvals[0].id, principal="boss", tenant="acme")
        ended = await app.wait(run.id, tenant="acme", timeout_s=PATIENCE_S)
        assert (ended.status, ended.reason, ended.turns) == ("stopped", "upgrade-required", 1)
        assert ended.upgrade is not None
        assert ended.upgrade.offer == "pro"
        assert await decided_alike(app, run.id)


async def test_a_lowered_plan_takes_tools_away_from_a_run_that_waits() -> None:
    agent = shipper()
    async with scripted(
        "memory:", agent, SHIP, "done", plans=with_free(tools=("look",), limits=())
    ) as app:
        await app.plans.assign("acme", "user:ann", "pro", principal="local:op")
        run = await app.run(agent, "go", tenant="acme", user="ann")
        await app.plans.assign("acme", "user:ann", "", principal="local:op")
        await app.approve(run.approvals[0].id, principal="boss", tenant="acme")
        ended = await app.wait(run.id, tenant="acme", timeout_s=PATIENCE_S)
        assert ended.status == "completed"
        (failed,) = await told(app, run.id, ToolFailed, tenant="acme")
        assert failed.rule == "plan.free"


async def test_a_sub_run_is_told_too_and_draws_on_the_accounts_of_the_root() -> None:
    below = shipper()
    boss = Agent("boss", model="scripted:x", instructions="You are boss.", agents=[below])
    limits = (Budget(of="run", calls=9), Budget(of="user", window="day", calls=9))
    script = ({"ask_shipper": {"brief": "ship 1"}}, "all done")
    async with scripted("memory:", boss, *script, plans=with_free(limits=limits)) as app:
        run = await app.run(boss, "go", tenant="acme", user="ann")
        child = f"{run.id}.c1-1"
        (started,) = await told(app, child, RunStarted, tenant="acme")
        assert started.plan is not None
        assert [each.account for each in started.plan.accounts] == [
            f"run:{run.id}|total|calls",
            "user:ann|day|calls",
        ]


async def test_a_tool_outside_the_plan_is_denied_by_the_plans_rule() -> None:
    agent = shipper(approvals=0)
    async with scripted(
        "memory:", agent, SHIP, "done", plans=with_free(tools=("look",), limits=())
    ) as app:
        run = await app.run(agent, "go", tenant="acme", user="ann")
        assert run.status == "completed"
        (judged,) = await told(app, run.id, CallJudged, tenant="acme")
        assert (judged.effect, judged.rule) == ("deny", "plan.free")


@pytest.mark.parametrize(
    ("changes", "what", "offer"),
    [({"models": ("dear:*",)}, "model", "pro"), ({"agents": ()}, "agent", "pro")],
)
async def test_a_model_or_agent_outside_the_plan_never_reaches_the_provider(
    changes: dict[str, object], what: str, offer: str
) -> None:
    agent = clerk()
    async with shop("memory:", agent, plans=with_free(**changes)) as (app, provider):
        run = await app.run(agent, "go", tenant="acme", user="ann")
        assert run.upgrade is not None
        assert (run.upgrade.what, run.upgrade.offer) == (what, offer)
        assert not provider.served


async def test_an_operator_gives_a_plan_by_hand_and_it_is_journalled_with_the_principal() -> None:
    agent = clerk()
    planted = secret()
    async with shop("memory:", agent) as (app, _):
        shown = await app.plans.assign(
            "acme", "user:ann", "team", principal="local:op", reason=f"token {planted}"
        )
        assert shown == HolderPlan(
            tenant="acme", holder="user:ann", plan="team", until_ms=None, assigned=True
        )
        assigned, raised = await book(app)
        assert isinstance(assigned, PlanAssigned)
        assert assigned.principal == "local:op"
        assert planted not in assigned.reason
        assert isinstance(raised, PlanRaised)
        back = await app.plans.assign("acme", "user:ann", "", principal="local:op")
        assert (back.plan, back.assigned) == ("free", False)
        assert isinstance((await book(app))[-1], PlanLowered)


@pytest.mark.parametrize(
    ("holder", "plan", "message"),
    [
        ("user:ann", "gold", "no plan 'gold'; declared are free, pro, team"),
        ("tenant:acme", "pro", "held by each user; say user:NAME"),
        ("ann", "pro", "say user:NAME"),
        ("user:a b", "pro", "user 'a b'"),
    ],
)
async def test_a_holder_or_plan_that_cannot_be_is_refused(
    holder: str, plan: str, message: str
) -> None:
    async with shop("memory:", clerk()) as (app, _):
        with pytest.raises(ConfigError, match=message):
            await app.plans.assign("acme", holder, plan, principal="local:op")
        assert await app.store.runs(None, books=True) == []


async def test_a_paid_plan_that_is_not_declared_any_more_is_said_before_anything_runs(
    tmp_path: Path,
) -> None:
    url, agent = journal_at(tmp_path), clerk()
    async with shop(url, agent) as (app, _):
        await app.plans.assign("acme", "user:ann", "team", principal="local:op")
    plans = PLANS.model_copy(update={"plans": (FREE, PRO)})
    async with shop(url, agent, plans=plans) as (app, _):
        with pytest.raises(ConfigError, match="plan 'team', which is not declared any more"):
            await app.run(agent, "go", tenant="acme", user="ann")


async def test_where_no_plans_are_declared_nothing_has_one() -> None:
    agent = an_agent()
    async with scripted("memory:", agent, "done", plans=PLANS) as app:
        bare = app.plans
    assert bare.plans is PLANS
    async with scripted("memory:", agent, "done", plans=None) as app:  # type: ignore[arg-type]  # as App's default
        run = await app.run(agent, "go")
        assert (run.status, run.upgrade) == ("completed", None)
        (started,) = await told(app, run.id, RunStarted)
        assert started.plan is None
        with pytest.raises(ConfigError, match=r"write \[billing\] and \[plans.NAME\]"):
            await app.plans.show("local", "user:ann")
        with pytest.raises(ConfigError, match="no plans are declared"):
            await app.checkout_url("pro")


async def test_a_plan_that_changes_while_a_run_starts_reaches_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = shipper()
    real = PlanDesk.terms

    async def terms(desk: PlanDesk, spender: Spender) -> PlanTerms | None:
        found = await real(desk, spender)
        await desk.assign("acme", "user:ann", "pro", principal="local:op")  # it tells nobody yet
        return found

    monkeypatch.setattr(PlanDesk, "terms", terms)
    async with scripted("memory:", agent, SHIP, "done", plans=with_free(limits=(CALLS,))) as app:
        run = await app.run(agent, "go", tenant="acme", user="ann")
        (started,) = await told(app, run.id, RunStarted, tenant="acme")
        assert started.plan is not None
        assert started.plan.name == "free"
        await app.approve(run.approvals[0].id, principal="boss", tenant="acme")
        ended = await app.wait(run.id, tenant="acme", timeout_s=PATIENCE_S)
        assert ended.status == "completed"
        (changed,) = await told(app, run.id, PlanChanged, tenant="acme")
        assert changed.plan.name == "pro"


async def test_a_sub_run_that_waits_learns_of_the_new_plan() -> None:
    below = shipper()
    boss = Agent("boss", model="scripted:x", instructions="You are boss.", agents=[below])

    def say(request: ModelRequest) -> Reply:
        is_boss = "You are boss" in request.system
        said = [message.role for message in request.messages].count("assistant")
        if said:
            return "done"
        return {"ask_shipper": {"brief": "ship 1"}} if is_boss else SHIP

    limits = (Budget(of="user", window="day", calls=2),)
    plans = with_free(limits=limits)
    async with scripted("memory:", boss, say, say, say, say, plans=plans) as app:
        run = await app.run(boss, "go", tenant="acme", user="ann")
        assert run.status == "waiting"
        await app.plans.assign("acme", "user:ann", "pro", principal="local:op")
        await app.approve(run.approvals[0].id, principal="boss", tenant="acme")
        ended = await app.wait(run.id, tenant="acme", timeout_s=PATIENCE_S)
        assert ended.status == "completed"
        for each in (run.id, f"{run.id}.c1-1"):
            (changed,) = await told(app, each, PlanChanged, tenant="acme")
            assert changed.plan.name == "pro"
