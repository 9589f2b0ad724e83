"""A run keeps to its holder's plan from its first decision on, and follows when it changes."""

from dataclasses import replace

import pytest

from remit.journal.events import (
    AccountLimit,
    BudgetRefused,
    CallJudged,
    InboxIgnored,
    ModelRequested,
    PlanChanged,
    PlanRefused,
    RunEnded,
    SubrunRequested,
    ToolFailed,
    ToolRequested,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.machine.agent import Agent, Remit
from remit.machine.plans import UPGRADE, plan_below, was_turned_away
from tests.machine.bench import MODEL, MONEY, Bench, make_agent, one, types
from tests.machine.toolbox import look_up, send_mail

DAY = "user:ann|day|nano"
TODAY = "user:ann|day:1970-01-01|nano"
OWN = AccountLimit(account=MONEY, limit=5_000_000_000)
LOOK = ("look_up", '{"path":"a"}')
MAIL = ("send_mail", '{"to":"x"}')


def terms(name: str = "free", number: int = 1, **changes: object) -> PlanTerms:
    limit = AccountLimit(account=DAY, limit=9_000_000, plan=name)
    plain = PlanTerms(name=name, number=number, accounts=(limit,))
    return plain.model_copy(update=changes)


def begun(agent: Agent[object], plan: PlanTerms, *accounts: AccountLimit) -> Bench:
    bench = Bench(agent, accounts=accounts or (OWN,), plan=plan)
    bench.start()
    return bench


def worker(*agents: Agent[object], approvals: int = 0) -> Agent[object]:
    remit = Remit(approvals={send_mail: approvals})
    return make_agent(look_up, send_mail, remit=remit, agents=agents)


@pytest.mark.requirement("BIL-3")
def test_what_the_plan_limits_are_accounts_of_the_run() -> None:
    bench = begun(worker(), terms())
    assert [hold.account for hold in bench.request.holds] == [MONEY, TODAY]
    assert bench.state.declared == (OWN,)
    assert {each.account: each.plan for each in bench.state.accounts} == {MONEY: "", DAY: "free"}


@pytest.mark.requirement("BIL-3")
def test_the_strictest_limit_of_an_account_counts_and_says_whose_it_is() -> None:
    lower = AccountLimit(account=DAY, limit=8_000_000)
    for declared, plan in ((lower, ""), (lower.model_copy(update={"limit": 10**9}), "free")):
        bench = begun(worker(), terms(), declared)
        (known,) = bench.state.accounts
        assert (known.plan, known.limit) == (plan, min(declared.limit, 9_000_000))


@pytest.mark.requirement("BIL-3")
def test_at_the_cap_of_the_plan_nothing_is_sent() -> None:
    bench = Bench(worker(), accounts=(OWN,), plan=terms())
    bench.world = replace(bench.world, refused={TODAY: 5, MONEY: 10**9})
    told = bench.start()
    assert types(told) == ["RunStarted", "BudgetRefused", "RunStopping", "RunEnded"]
    assert one(told, RunEnded).reason == UPGRADE
    refused = one(told, BudgetRefused)
    assert (refused.plan, refused.account, refused.available) == ("free", TODAY, 5)
    assert bench.state.refused == refused


def test_where_the_runs_own_budget_is_short_too_another_plan_would_not_help() -> None:
    bench = Bench(worker(), accounts=(OWN,), plan=terms())
    bench.world = replace(bench.world, refused={TODAY: 5, MONEY: 5})
    assert one(bench.start(), RunEnded).reason == "budget"


@pytest.mark.requirement("BIL-3")
@pytest.mark.parametrize(
    ("changes", "what", "name"),
    [
        ({"models": ("other:*",)}, "model", MODEL),
        ({"agents": ("clerk",)}, "agent", "worker"),
        ({"agents": (), "models": ()}, "agent", "worker"),
    ],
)
def test_a_model_or_an_agent_outside_the_plan_is_refused_before_anything_is_sent(
    changes: dict[str, object], what: str, name: str
) -> None:
    bench = Bench(worker(), plan=terms().model_copy(update=changes))
    told = bench.start()
    assert not any(isinstance(event, ModelRequested) for event in told)
    refused = one(told, PlanRefused)
    assert (refused.plan, refused.what, refused.name) == ("free", what, name)
    ended = one(told, RunEnded)
    assert (ended.reason, ended.turns) == (UPGRADE, 0)
    assert f"the plan free does not include the {what} {name}" in ended.detail
    assert bench.state.refused == refused


@pytest.mark.requirement("BIL-3", "PERM-3")
def test_a_tool_outside_the_plan_is_denied_by_a_rule_of_its_name() -> None:
    bench = begun(worker(), terms(tools=("look_*",)))
    bench.answer("", LOOK, MAIL, ("read_result", '{"artifact":"a","offset":0}'))
    judged = {event.tool: event for event in bench.all_of(CallJudged)}
    assert judged["look_up"].effect == "allow"
    assert (judged["send_mail"].effect, judged["send_mail"].rule) == ("deny", "plan.free")
    assert judged["read_result"].rule != "plan.free"
    assert "the plan free does not include this tool" in bench.last(ToolFailed).text


def test_the_final_answer_is_no_tool_of_a_plan() -> None:
    bench = begun(make_agent(look_up, output_type=int), terms(tools=()))
    bench.answer("", ("final_answer", '{"answer":7}'))
    assert bench.last(RunEnded).status == "completed"


@pytest.mark.requirement("BIL-3")
def test_a_sub_agent_outside_the_plan_is_not_asked() -> None:
    below = Agent("below", model="dear:x", instructions="Go.")
    ask = ("ask_below", '{"brief":"b"}')
    for changes, inside in (
        ({"agents": ("worker",)}, False),
        ({"models": (MODEL,)}, False),
        ({"tools": ()}, True),
    ):
        bench = begun(worker(below), terms().model_copy(update=changes))
        bench.answer("", ask)
        assert bool(bench.all_of(SubrunRequested)) is inside
        assert (bench.last(CallJudged).rule == "plan.free") is not inside


def test_a_sub_run_draws_on_the_accounts_of_the_run_above() -> None:
    own = AccountLimit(account="run:.|total|calls", limit=9, plan="free")
    bench = begun(worker(), terms(accounts=(own,)))
    below = plan_below(bench.state)
    assert below is not None
    assert [each.account for each in below.accounts] == ["run:run_1|total|calls"]
    assert below.accounts[0].plan == "free"
    assert plan_below(replace(bench.state, plan=None)) is None


@pytest.mark.requirement("BIL-3")
def test_a_changed_plan_holds_for_the_next_call() -> None:
    bench = begun(worker(), terms(tools=()))
    bench.answer("", LOOK)
    higher = AccountLimit(account=DAY, limit=10**12, plan="pro")
    bench.give(PlanChanged(plan=terms("pro", 2, accounts=(higher,))), "letter")
    assert [hold.limit for hold in bench.request.holds] == [OWN.limit, 9_000_000]
    bench.answer("", LOOK)
    assert bench.last(CallJudged).effect == "allow"
    bench.done()
    assert [hold.limit for hold in bench.request.holds] == [OWN.limit, 10**12]
    assert bench.state.accounts == (OWN, higher)


@pytest.mark.parametrize("number", [0, 1])
def test_terms_that_are_no_newer_are_ignored(number: int) -> None:
    bench = begun(worker(), terms())
    told = bench.give(PlanChanged(plan=terms("pro", number)), "letter")
    assert one(told, InboxIgnored).ref == "pro"
    assert bench.state.plan == terms()


def test_a_run_that_began_without_plans_gets_one() -> None:
    bench = Bench(worker())
    bench.start()
    bench.give(PlanChanged(plan=terms("pro", 1)), "letter")
    assert bench.state.plan == terms("pro", 1)


@pytest.mark.requirement("BIL-3")
def test_a_lowered_plan_stops_a_run_before_its_next_call() -> None:
    bench = begun(worker(), terms("pro"))
    bench.give(PlanChanged(plan=terms("free", 2, models=("other:*",))), "letter")
    told = bench.answer("", LOOK)
    assert "ToolRequested" in types(told)
    assert one(bench.done(), RunEnded).reason == UPGRADE


@pytest.mark.requirement("BIL-3")
def test_what_was_agreed_to_under_another_plan_is_not_carried_out() -> None:
    bench = begun(worker(approvals=1), terms("pro"))
    bench.answer("", MAIL)
    bench.give(PlanChanged(plan=terms("free", 2, tools=("look_*",))), "letter")
    bench.approve()
    assert not bench.all_of(ToolRequested)
    failed = bench.last(ToolFailed)
    assert (failed.kind, failed.rule) == ("denied", "plan.free")


@pytest.mark.requirement("BIL-3")
def test_only_a_run_that_ended_before_its_first_call_was_turned_away() -> None:
    away = Bench(worker(), plan=terms(models=()))
    away.start()
    assert was_turned_away(away.state)
    later = begun(worker(), terms("pro"))
    assert not was_turned_away(later.state)
    later.give(PlanChanged(plan=terms("free", 2, models=())), "letter")
    later.answer("", LOOK)
    later.done()
    assert later.state.reason == UPGRADE
    assert not was_turned_away(later.state)
