"""Before the time is over the model is asked for what it has; tools are cut to leave it time."""

import pytest

from remit.journal.events import (
    CallJudged,
    ModelRequested,
    RetryPlanned,
    RunEnded,
    ToolFailed,
    ToolRequested,
    WrapUpAsked,
)
from remit.machine.agent import Remit
from tests.machine.bench import START_MS, Bench, make_agent, one, types
from tests.machine.toolbox import look_up

LOOK = ("look_up", '{"path":"a"}')
LATE_MS = 91_000
"""Of a run of a hundred seconds, ten of which are kept back."""


def begun(remit: Remit | None = None) -> Bench:
    bench = Bench(make_agent(look_up, remit=remit))
    bench.start(timeout_ms=100_000)
    return bench


@pytest.mark.requirement("STOP-1", "STOP-2")
def test_what_is_out_is_cut_while_there_is_time_for_an_answer() -> None:
    bench = begun()
    assert bench.request.until_ms == START_MS + 90_000
    bench.answer("", LOOK)
    assert bench.last(ToolRequested).until_ms == START_MS + 60_000
    bench.pass_ms(40_000)
    bench.done()
    bench.answer("", LOOK)
    assert bench.last(ToolRequested).until_ms == START_MS + 90_000


@pytest.mark.requirement("STOP-1", "STOP-2")
def test_the_last_answer_is_kept_as_what_there_was_at_the_deadline() -> None:
    bench = begun()
    bench.answer("", LOOK)
    bench.pass_ms(LATE_MS)
    events = bench.failed(text="timed out")
    assert types(events)[-2:] == ["WrapUpAsked", "ModelRequested"]
    assert "Give the best answer" in bench.state.messages[-1].text
    assert bench.request.until_ms is None
    bench.answer("All I know is this.")
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.reason) == ("stopped", "deadline")
    assert ended.output == '"All I know is this."'


@pytest.mark.requirement("STOP-1")
def test_no_tool_is_called_any_more_and_it_is_said_once() -> None:
    bench = begun()
    bench.answer("", LOOK)
    bench.pass_ms(LATE_MS)
    bench.done()
    bench.answer("", LOOK)
    assert bench.last(CallJudged).rule == "limits.wrap-up"
    assert bench.last(ToolFailed).kind == "limit"
    assert len(bench.all_of(WrapUpAsked)) == 1
    assert len(bench.all_of(ModelRequested)) == 3


@pytest.mark.requirement("STOP-2")
def test_a_model_that_hangs_leaves_time_for_another_try() -> None:
    bench = begun()
    bench.pass_ms(LATE_MS)
    events = bench.model_fails("timeout")
    assert "RetryPlanned" in types(events)
    assert bench.state.model is not None
    bench.wake(max(0, (bench.state.model.retry_at_ms or 0) - bench.world.now_ms))
    assert bench.state.wrapping
    bench.answer("Briefly: yes.")
    assert one(bench.log, RunEnded).output == '"Briefly: yes."'


@pytest.mark.requirement("STOP-1", "STOP-2")
@pytest.mark.parametrize("remit", [Remit(), Remit(model_attempts=1), Remit(model_retries=0)])
def test_the_time_kept_back_is_not_used_up_by_a_backoff(remit: Remit) -> None:
    bench = begun(remit)
    bench.pass_ms(90_000 - 50)  # where a call is cut
    bench.model_fails("timeout")
    assert bench.last(RetryPlanned).at_ms == START_MS + 90_000
    bench.wake(50)
    assert bench.state.wrapping
    bench.model_fails("timeout")
    assert bench.state.phase == "thinking" or bench.state.reason == "deadline"


@pytest.mark.requirement("STOP-1")
def test_a_call_that_is_cut_by_the_end_is_no_failure_of_the_provider() -> None:
    bench = begun(Remit(wrap_up="0s"))
    bench.pass_ms(100_000 - 50)
    bench.model_fails("timeout")
    assert bench.state.reason == "deadline"


@pytest.mark.requirement("STOP-2")
def test_a_provider_that_fails_then_is_no_other_end_than_the_deadline() -> None:
    bench = begun(Remit(model_attempts=1))
    bench.answer("So far.", LOOK)
    bench.pass_ms(LATE_MS)
    bench.done()
    bench.model_fails("overloaded")
    ended = one(bench.log, RunEnded)
    assert (ended.reason, ended.output) == ("deadline", '"So far."')


@pytest.mark.requirement("STOP-1")
def test_nothing_is_kept_back_where_that_is_not_wanted() -> None:
    bench = begun(Remit(wrap_up="0s"))
    assert bench.request.until_ms is None
    bench.answer("", LOOK)
    bench.pass_ms(99_999)
    bench.done()
    assert not bench.state.wrapping
    bench.wake(1)
    assert bench.state.stopping == "deadline"


@pytest.mark.requirement("STOP-1")
def test_time_spent_waiting_for_humans_moves_the_soft_deadline_too() -> None:
    bench = begun()
    assert bench.state.soft_ms == bench.state.deadline_ms - 10_000
