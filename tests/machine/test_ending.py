"""A run ends with its answer, or stopped with the reason, what there is so far and the doubts."""

import pytest

from remit.journal.events import (
    CheckCompleted,
    CheckRequested,
    ModelFailed,
    RunEnded,
    ToolFailed,
    ToolUnknown,
)
from remit.machine.agent import Agent, Remit
from remit.machine.ending import STOP_GRACE_MS
from tests.machine.bench import Bench, make_agent, one, types
from tests.machine.people import clean
from tests.machine.toolbox import look_up, send_mail, write_doc, writer

LOOK = ("look_up", '{"path":"a"}')
WRITE = ("write_doc", '{"path":"a"}')
BRIEF = ("ask_writer", '{"brief":"x"}')


def worker() -> Agent[object]:
    remit = Remit(approvals={send_mail: 1, write_doc: 0})
    return make_agent(look_up, send_mail, write_doc, agents=(writer,), remit=remit)


def begun(*calls: tuple[str, str], text: str = "") -> Bench:
    bench = Bench(worker())
    bench.start()
    if calls:
        bench.answer(text, *calls)
    return bench


def checking() -> Bench:
    bench = Bench(make_agent(remit=Remit(success=bool)))
    bench.start()
    bench.answer("Three.")
    return bench


@pytest.mark.requirement("ORC-6")
@pytest.mark.parametrize("passed", [True, False])
def test_the_predicate_is_evaluated_when_the_run_ends_and_its_answer_is_kept(passed: bool) -> None:
    bench = checking()
    assert one(bench.log, CheckRequested).call == bench.state.checking
    assert not bench.all_of(RunEnded)
    events = bench.give(CheckCompleted(call=bench.state.checking, passed=passed))
    assert types(events) == ["CheckCompleted", "RunEnded"]
    ended = one(events, RunEnded)
    assert (ended.status, ended.success, ended.output) == ("completed", passed, '"Three."')


def test_without_a_predicate_nothing_is_said_of_success() -> None:
    bench = begun()
    bench.answer("Done.")
    assert one(bench.log, RunEnded).success is None


def test_a_check_that_is_lost_is_made_again() -> None:
    bench = checking()
    assert types(bench.recover()) == ["RunRecovered", "CheckRequested"]


def test_a_check_that_is_lost_while_the_run_stops_is_not_waited_for() -> None:
    bench = checking()
    bench.cancel()
    assert types(bench.recover()) == ["RunRecovered", "RunEnded"]


def test_an_answer_of_another_check_is_dropped() -> None:
    bench = checking()
    assert bench.give(CheckCompleted(call="k9", passed=True)) == []
    bench.give(CheckCompleted(call=bench.state.checking, passed=True))
    assert bench.give(CheckCompleted(call="k1", passed=False)) == []


@pytest.mark.requirement("STOP-2")
def test_a_stopped_run_keeps_what_it_said_last() -> None:
    bench = begun(LOOK, text="I have read one half.")
    bench.wake(600_000)
    bench.failed()
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.reason) == ("stopped", "deadline")
    assert ended.output == '"I have read one half."'
    assert (ended.turns, ended.tool_calls) == (1, 1)


def test_a_run_that_said_nothing_ends_without_output() -> None:
    bench = begun(LOOK)
    bench.cancel()
    bench.failed()
    assert one(bench.log, RunEnded).output is None


def test_an_answer_that_was_given_is_kept_although_its_check_was_cut() -> None:
    bench = Bench(make_agent(output_type=int, remit=Remit(success=bool)))
    bench.start()
    bench.answer("Almost.", ("final_answer", '{"answer":3}'))
    bench.cancel()
    bench.wake(STOP_GRACE_MS)
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.output, ended.success) == ("stopped", "3", False)


@pytest.mark.requirement("TOOL-7")
def test_a_stopping_run_waits_for_what_is_in_flight_but_not_for_ever() -> None:
    bench = begun(LOOK, LOOK, BRIEF)
    assert types(bench.cancel()) == ["CancelRequested", "RunStopping"]
    assert types(bench.done(1)) == ["ToolCompleted"]
    assert bench.wake(STOP_GRACE_MS - 1) == []
    events = bench.wake(1)
    assert types(events) == ["ToolFailed", "ToolFailed", "RunEnded"]
    assert {event.kind for event in events if isinstance(event, ToolFailed)} == {"cancelled"}


def test_a_stopping_run_ends_as_soon_as_everything_has_answered() -> None:
    bench = begun(LOOK, WRITE)
    bench.cancel()
    bench.done(1)
    assert types(bench.cut(2)) == ["ToolUnknown", "RunEnded"]
    assert one(bench.log, RunEnded).detail == "by ann; in doubt: write_doc"


@pytest.mark.requirement("DUR-6")
def test_a_write_that_did_not_answer_is_named_as_in_doubt() -> None:
    bench = begun(WRITE)
    bench.wake(600_000)
    events = bench.wake(STOP_GRACE_MS)
    assert types(events) == ["ToolUnknown", "RunEnded"]
    assert "did not answer" in one(events, ToolUnknown).reason
    assert one(bench.log, RunEnded).detail == "after 600 s; in doubt: write_doc"


def test_a_model_that_did_not_answer_is_paid_in_full() -> None:
    bench = begun()
    hold = bench.request.holds[0].amount
    bench.cancel()
    events = bench.wake(STOP_GRACE_MS)
    assert types(events) == ["ModelFailed", "RunEnded"]
    assert one(events, ModelFailed).cost == one(events, RunEnded).cost == hold


def test_a_model_call_that_waited_for_its_retry_is_nothing_in_flight() -> None:
    bench = begun()
    bench.model_fails("overloaded", retry_after_ms=5_000)
    assert types(bench.cancel()) == ["CancelRequested", "RunStopping", "RunEnded"]


def test_a_check_that_did_not_answer_counts_as_no() -> None:
    bench = checking()
    bench.cancel()
    assert types(bench.wake(STOP_GRACE_MS)) == ["CheckCompleted", "RunEnded"]
    assert bench.state.success is False


@pytest.mark.requirement("STOP-1")
def test_after_the_end_nothing_has_an_effect_any_more() -> None:
    bench = begun(LOOK)
    bench.cancel()
    bench.wake(STOP_GRACE_MS)
    assert bench.state.phase == "ended"
    assert bench.give(ToolFailed(call="c1-1", kind="error", text=clean(""))) == []
    assert types(bench.cancel()) == ["InboxIgnored"]
    assert bench.wake(10**9) == []
    assert bench.recover() == []
