"""An event about a call needs that call, in a status it may follow, and the agreement it needs."""

import pytest

from remit.errors import StoreCorrupt
from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    CallRecalled,
    Event,
    HookAnswered,
    InputReceived,
    InputRequested,
    ProbeCompleted,
    ProbeRequested,
    StandInInspected,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolDegraded,
    ToolDelayed,
    ToolFailed,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.machine.agent import Remit
from remit.machine.evolve import evolve
from remit.machine.transitions import CALL, CALL_EVENTS
from tests.machine.bench import START_MS, Bench, make_agent
from tests.machine.people import clean
from tests.machine.toolbox import look_up, read_doc, send_mail

NAME = "c1-1"
LOOK = ("look_up", '{"path":"a"}')
MAIL = ("send_mail", '{"to":"x"}')
GIVEN = ApprovalGiven(approval=f"run_1:{NAME}", digest="d", principal="ann", channel="cli")
SAMPLES: list[Event] = [
    ToolDegraded(call=NAME, tool="look_up", reason=clean("x"), since_ms=1),
    StandInInspected(call=NAME, tool="look_up"),
    HookAnswered(call=NAME, hook="guard", word="held"),
    CallJudged(
        call=NAME,
        tool="look_up",
        digest="d",
        effect="allow",
        rule="r",
        reason=clean("x"),
        principal="ann",
        access="read",
        risk="low",
    ),
    ToolQueued(call=NAME),
    ToolDelayed(call=NAME, until_ms=1),
    ToolPostponed(call=NAME, until_ms=1, account="rate:x|minute:y|calls"),
    CallRecalled(call=NAME, principal="ann"),
    ToolRequested(call=NAME, until_ms=1),
    ToolCompleted(call=NAME, text=clean("x")),
    ToolFailed(call=NAME, kind="error", text=clean("x")),
    ToolUnknown(call=NAME, reason=clean("x")),
    ToolResolved(call=NAME, happened=True, principal="ann"),
    ProbeRequested(call=NAME),
    ProbeCompleted(call=NAME, verdict="absent"),
    SubrunRequested(call=NAME, agent="writer", child="run_1.c1-1", brief=clean("x")),
    SubrunEnded(call=NAME, child="run_1.c1-1", status="completed", reason="x", text=clean("x")),
    ApprovalRequested(
        approval=f"run_1:{NAME}",
        call=NAME,
        tool="look_up",
        digest="d",
        needed=1,
        rule="r",
        reason=clean("x"),
        expires_ms=1,
    ),
    GIVEN,
    ApprovalDenied(approval=f"run_1:{NAME}", principal="ann", channel="cli"),
    ApprovalExpired(approval=f"run_1:{NAME}"),
    InputRequested(question="q", call=NAME, key="k", text=clean("?"), answer_schema="{}"),
    InputReceived(question="q", principal="ann", channel="cli", value=clean("1")),
]


def begun(*calls: tuple[str, str]) -> Bench:
    remit = Remit(approvals={send_mail: 1})
    bench = Bench(make_agent(look_up, read_doc, send_mail, remit=remit))
    bench.start()
    bench.answer("", *calls)
    return bench


def test_there_is_a_sample_of_every_event_about_a_call() -> None:
    assert {event.type for event in SAMPLES} == CALL_EVENTS


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_an_event_about_an_unknown_call_is_refused(event: Event) -> None:
    bench = begun(("unheard_of", "{}"))
    with pytest.raises(StoreCorrupt, match="cannot follow"):
        evolve(bench.state, event, START_MS)


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_an_event_that_cannot_follow_the_calls_status_is_refused(event: Event) -> None:
    bench = begun(LOOK)
    assert bench.call().status == "released"
    if ("released", event.type) in CALL:
        assert evolve(bench.state, event, START_MS).calls[0].status == CALL["released", event.type]
        return
    with pytest.raises(StoreCorrupt, match="cannot follow"):
        evolve(bench.state, event, START_MS)


@pytest.mark.requirement("PERM-7")
def test_a_journal_in_which_a_call_goes_on_without_agreement_is_refused() -> None:
    bench = begun(MAIL)
    with pytest.raises(StoreCorrupt, match="without the agreement it needs"):
        evolve(bench.state, ToolQueued(call=NAME), START_MS)
    agreed = evolve(bench.state, GIVEN, START_MS)
    assert evolve(agreed, ToolQueued(call=NAME), START_MS).calls[0].status == "queued"


@pytest.mark.requirement("PERM-7")
def test_a_journal_in_which_a_refused_call_goes_on_is_refused() -> None:
    bench = Bench(make_agent(look_up))
    bench.start()
    bench.answer("", LOOK)
    judged = bench.last(CallJudged)
    state = bench.inputs[1][0]
    state = evolve(state, bench.inputs[1][3][0], START_MS)
    state = evolve(state, judged.model_copy(update={"effect": "deny"}), START_MS)
    with pytest.raises(StoreCorrupt, match="without the agreement it needs"):
        evolve(state, ToolQueued(call=NAME), START_MS)


def test_the_same_human_twice_in_a_journal_is_one_human() -> None:
    bench = Bench(make_agent(send_mail, remit=Remit(approvals={send_mail: 2})))
    bench.start()
    bench.answer("", MAIL)
    state = evolve(evolve(bench.state, GIVEN, 0), GIVEN, 0)
    with pytest.raises(StoreCorrupt, match="without the agreement it needs"):
        evolve(state, ToolQueued(call=NAME), 0)


def test_only_the_call_an_event_is_about_changes() -> None:
    bench = begun(LOOK, ("read_doc", '{"path":"b"}'))
    before = bench.call(1)
    bench.done(2, "b")
    assert bench.call(1) is before
    assert (bench.call(2).status, bench.call(2).result) == ("done", "b")


def test_labels_of_a_result_stay_with_it() -> None:
    bench = begun(LOOK, LOOK)
    bench.give(ToolCompleted(call=NAME, text=clean("x"), labels=("web",)))
    assert bench.call().labels == ("web",)
