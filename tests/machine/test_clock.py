"""The run's clock stands still while only others are waited for, warns once, and stops the run."""

import pytest

from remit.journal.events import BudgetWarned, ClockPaused, ClockResumed, RunEnded, RunStopping
from remit.machine.agent import Agent, Remit
from tests.machine.bench import START_MS, Bench, make_agent, one, types
from tests.machine.toolbox import look_up, read_doc, send_mail, write_doc, writer

MINUTE = 60_000
MAIL = ("send_mail", '{"to":"x"}')
LOOK = ("look_up", '{"path":"a"}')
BRIEF = ("ask_writer", '{"brief":"x"}')


def worker() -> Agent[object]:
    remit = Remit(approvals={send_mail: 1, write_doc: 0}, parallel_calls=2)
    return make_agent(look_up, read_doc, send_mail, write_doc, agents=(writer,), remit=remit)


def begun(*calls: tuple[str, str]) -> Bench:
    bench = Bench(worker())
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


@pytest.mark.requirement("BUD-4")
def test_the_clock_warns_once_at_four_fifths() -> None:
    bench = begun()
    assert bench.wake(8 * MINUTE - 1) == []
    warned = one(bench.wake(1), BudgetWarned)
    assert (warned.account, warned.used, warned.limit) == ("clock", 8 * MINUTE, 10 * MINUTE)
    assert bench.wake(1) == []
    bench.answer("", LOOK)
    bench.done()
    assert len(bench.all_of(BudgetWarned)) == 1


@pytest.mark.requirement("BUD-4", "BUD-6", "STOP-1")
def test_at_the_deadline_the_run_stops() -> None:
    bench = begun()
    assert types(bench.wake(10 * MINUTE)) == ["BudgetWarned", "RunStopping"]
    assert bench.last(BudgetWarned).used == 10 * MINUTE
    stopping = bench.last(RunStopping)
    assert (stopping.reason, stopping.detail) == ("deadline", "after 600 s")
    bench.model_fails("cancelled")
    assert bench.state.reason == "deadline"


@pytest.mark.requirement("APR-1")
def test_waiting_for_a_human_costs_no_time() -> None:
    bench = begun(MAIL)
    assert bench.wake(60 * MINUTE) == []
    events = bench.approve()
    assert one(events, ClockResumed).deadline_ms == START_MS + 70 * MINUTE
    assert bench.state.started_ms == START_MS + 60 * MINUTE
    assert bench.wakes_in_ms == 8 * MINUTE
    assert types(bench.wake(8 * MINUTE)) == ["BudgetWarned"]


def test_time_used_before_the_wait_still_counts() -> None:
    bench = begun()
    bench.pass_ms(4 * MINUTE)
    bench.answer("", MAIL)
    bench.pass_ms(60 * MINUTE)
    bench.approve()
    bench.pass_ms(MINUTE)
    bench.done()
    assert types(bench.wake(3 * MINUTE)) == ["BudgetWarned"]
    bench.answer("Done.")
    assert one(bench.log, RunEnded).active_ms == 8 * MINUTE


def test_the_clock_runs_while_anything_is_out_beside_the_wait() -> None:
    bench = begun(LOOK, MAIL)
    assert bench.state.paused_ms is None
    assert types(bench.done(1)) == ["ToolCompleted", "ClockPaused"]


def test_a_call_that_is_queued_behind_a_human_does_not_keep_the_clock_running() -> None:
    bench = begun(MAIL, LOOK)
    assert [call.status for call in bench.state.calls] == ["asking", "queued"]
    assert bench.state.paused_ms == START_MS
    bench.pass_ms(60 * MINUTE)
    bench.approve()
    assert [call.status for call in bench.state.calls] == ["released", "queued"]


def test_calls_that_wait_for_room_behind_sub_runs_do_not_keep_the_clock_running() -> None:
    bench = begun(BRIEF, BRIEF, LOOK)
    assert [call.status for call in bench.state.calls] == ["released", "released", "queued"]
    assert bench.state.paused_ms == START_MS
    assert types(bench.child_ends(1))[-2:] == ["ClockResumed", "ToolRequested"]


@pytest.mark.requirement("STOP-1")
def test_after_an_approval_expired_the_clock_bounds_the_run_again() -> None:
    bench = begun(MAIL)
    bench.wake(bench.spec.limits.approval_ms)
    assert bench.state.phase == "thinking"
    assert bench.state.paused_ms is None
    assert types(bench.wake(10 * MINUTE)) == ["BudgetWarned", "RunStopping"]


def test_a_sub_runs_own_time_counts_and_its_waits_do_not() -> None:
    bench = begun(BRIEF)
    assert types(bench.log)[-1] == "ClockPaused"
    bench.pass_ms(30 * MINUTE)
    events = bench.child_ends(active_ms=3 * MINUTE)
    assert one(events, ClockResumed).deadline_ms == START_MS + 37 * MINUTE
    bench.answer("Done.")
    assert one(bench.log, RunEnded).active_ms == 3 * MINUTE


def test_of_sub_runs_side_by_side_the_longest_counts() -> None:
    bench = begun(BRIEF, BRIEF)
    bench.pass_ms(30 * MINUTE)
    bench.child_ends(1, active_ms=3 * MINUTE)
    events = bench.child_ends(2, active_ms=2 * MINUTE)
    assert one(events, ClockResumed).deadline_ms == START_MS + 37 * MINUTE


def test_a_sub_run_that_worked_before_the_pause_gives_no_time_back() -> None:
    bench = begun(BRIEF, LOOK)
    bench.pass_ms(5 * MINUTE)
    bench.done(2)
    bench.pass_ms(MINUTE)
    events = bench.child_ends(1, active_ms=6 * MINUTE)
    assert one(events, ClockResumed).deadline_ms == START_MS + 10 * MINUTE


@pytest.mark.parametrize(
    "target", ["all", "agent:worker", "tenant:acme", "tenant:acme/agent:worker"]
)
def test_a_switched_off_run_stops_at_the_next_decision(target: str) -> None:
    bench = begun(MAIL)
    bench.off(target)
    assert types(bench.wake()) == ["RunStopping", "RunEnded"]
    assert (bench.state.reason, bench.state.detail) == ("switched-off", target)


def test_a_switched_off_tool_stops_no_run() -> None:
    bench = begun(MAIL)
    bench.off("tool:look_up", "tool:send_mail")
    assert bench.wake() == []


def test_a_cancel_stops_a_run_that_waits_for_a_human() -> None:
    bench = begun(MAIL)
    bench.pass_ms(60 * MINUTE)
    assert types(bench.cancel()) == ["CancelRequested", "RunStopping", "RunEnded"]
    assert one(bench.log, RunEnded).active_ms == 0
    assert len(bench.all_of(ClockPaused)) == 1
