"""What was decided when a call was let through must still hold when its delay is over."""

from dataclasses import replace

import pytest

from remit.journal.events import ApprovalRequested, InboxIgnored, ToolFailed, ToolQueued
from remit.journal.facts_of_plans import PlanChanged, PlanTerms
from remit.machine.agent import Agent, Remit
from remit.policy.hours import Hours
from remit.policy.permission import Effect, Rule
from tests.machine.bench import MONEY, Bench, make_agent, one, types
from tests.machine.test_delaying import MINUTE, POST, begun, post_note
from tests.machine.toolbox import pay_bill

PAY = ("pay_bill", '{"amount":"1"}')


def later(effect: Effect, needed: int = 1) -> Agent[object]:
    """A rule that holds when the delay is over, and not before."""
    rule = Rule(
        id="late",
        effect=effect,
        tool="post_note",
        needed=needed,
        hours=(Hours(start="00:20", end="00:30"),),
        reason="it is late",
    )
    return make_agent(post_note, remit=Remit(approvals={post_note: 0}, rules=(rule,)))


@pytest.mark.requirement("TOOL-14", "PERM-1")
def test_a_rule_that_denies_by_then_refuses_it() -> None:
    bench = begun(POST, agent=later("deny"))
    events = bench.wake(5 * MINUTE)
    assert types(events)[:3] == ["ToolQueued", "ToolFailed", "ClockResumed"]
    failed = one(events, ToolFailed)
    assert (failed.kind, failed.rule, failed.text) == (
        "denied",
        "late",
        "refused: it is late (late)",
    )


@pytest.mark.requirement("TOOL-14", "PERM-7")
def test_a_rule_that_asks_by_then_asks_and_the_delay_is_not_taken_again() -> None:
    bench = begun(POST, agent=later("ask"))
    events = bench.wake(5 * MINUTE)
    assert types(events) == ["ToolQueued", "ApprovalRequested"]
    assert one(events, ApprovalRequested).digest == bench.call().digest
    assert types(bench.approve()) == [
        "ApprovalGiven",
        "ToolQueued",
        "ClockResumed",
        "ToolRequested",
    ]


@pytest.mark.requirement("PERM-7")
def test_who_agreed_before_the_delay_has_agreed_unless_more_are_needed_now() -> None:
    agent = later("ask", needed=2)
    asks = replace(agent.remit, approvals={post_note: 1})
    bench = begun(POST, agent=make_agent(post_note, remit=asks))
    bench.approve("boss")
    assert types(bench.wake(5 * MINUTE)) == ["ToolQueued", "ApprovalRequested"]
    bench.approve("boss")
    assert bench.call().status == "asking"
    bench.approve("carl")
    assert bench.call().status == "released"


@pytest.mark.requirement("TOOL-14", "STOP-1")
@pytest.mark.parametrize("target", ["tool:post_note", "agent:worker"])
def test_what_is_switched_off_does_not_leave(target: str) -> None:
    bench = begun(POST)
    bench.off(target)
    events = bench.wake(5 * MINUTE)
    assert "ToolRequested" not in types(events)
    assert ("ToolFailed" if "tool" in target else "RunStopping") in types(events)


@pytest.mark.requirement("TOOL-14", "STOP-1")
def test_nothing_leaves_while_the_switches_cannot_be_read() -> None:
    bench = begun(POST)
    bench.world = replace(bench.world, stale_switches=True)
    assert bench.wake(5 * MINUTE) == []
    bench.world = replace(bench.world, stale_switches=False)
    assert "ToolRequested" in types(bench.wake())


@pytest.mark.requirement("TOOL-14")
def test_a_plan_without_the_tool_keeps_it_from_leaving() -> None:
    agent = make_agent(post_note, remit=Remit(approvals={post_note: 0}))
    bench = Bench(agent, plan=PlanTerms(name="pro", number=1))
    bench.start()
    bench.answer("", POST)
    lower = PlanTerms(name="free", number=2, tools=("look_*",))
    bench.give(PlanChanged(plan=lower), "letter")
    assert bench.call().status == "delayed"
    events = bench.wake(5 * MINUTE)
    assert one(events, ToolFailed).rule == "plan.free"


@pytest.mark.requirement("TOOL-14", "BUD-7")
def test_its_price_is_held_when_it_leaves() -> None:
    remit = Remit(approvals={pay_bill: 1}, delays={pay_bill: "5m"})
    bench = begun(PAY, agent=make_agent(pay_bill, remit=remit))
    bench.approve()
    assert bench.call().holds == ()
    bench.world = replace(bench.world, refused={MONEY: 1})
    events = bench.wake(5 * MINUTE)
    assert types(events)[:4] == ["ToolQueued", "ClockResumed", "BudgetRefused", "ToolFailed"]


# ---------------------------------------------------------------- calling back


@pytest.mark.requirement("TOOL-14")
def test_a_delayed_call_is_called_back_and_the_model_is_told() -> None:
    bench = begun(POST)
    events = bench.recall("ann", reason="wrong text")
    assert types(events) == ["CallRecalled", "ToolFailed", "ClockResumed", "ModelRequested"]
    failed = one(events, ToolFailed)
    assert failed.kind == "cancelled"
    assert failed.text == "ann called it back before it was carried out: wrong text"
    other = begun(POST)
    assert one(other.recall("ann"), ToolFailed).text.endswith("carried out")


@pytest.mark.requirement("TOOL-14")
def test_a_call_back_that_comes_late_changes_nothing_and_points_to_undo() -> None:
    bench = begun(POST)
    bench.wake(5 * MINUTE)
    assert types(bench.recall("ann")) == ["InboxIgnored"]
    ignored = bench.last(InboxIgnored)
    assert (ignored.what, ignored.principal) == ("CallRecalled", "ann")
    assert "undo" in ignored.reason
    bench.cut()
    bench.resolved(happened=False)
    assert bench.call().status == "released"
    assert types(bench.recall("ann")) == ["InboxIgnored"]


def test_a_run_that_was_cancelled_lets_nothing_leave() -> None:
    bench = begun(POST)
    assert types(bench.cancel()) == ["CancelRequested", "RunStopping", "RunEnded"]


def test_nothing_leaves_when_a_driver_takes_over_before_it_has_read_the_letters() -> None:
    bench = begun(POST)
    bench.pass_ms(6 * MINUTE)
    assert types(bench.recover()) == ["RunRecovered"]
    assert types(bench.recall())[:2] == ["CallRecalled", "ToolFailed"]
    other = begun(POST)
    other.pass_ms(6 * MINUTE)
    other.recover()
    assert other.wakes_in_ms is not None
    assert other.wakes_in_ms < 0
    assert isinstance(other.wake()[0], ToolQueued)
