"""Which model is asked: by health, by what failed before, by the plan; and what is said of it."""

import itertools
from dataclasses import replace

import pytest

from remit.journal.events import (
    ModelCompleted,
    ModelDrifted,
    ModelFailed,
    ModelRequested,
    ModelSwitched,
    RetryPlanned,
    RunEnded,
    ToolFailed,
)
from remit.machine.agent import Remit
from remit.machine.choosing import affordable_by_plan
from remit.machine.evolve import evolve
from remit.policy.breaker import Unwell
from remit.values.model import FailureKind
from tests.machine.bench import MODEL, Bench, make_agent, one, types
from tests.machine.toolbox import look_up

OTHER = "other:y"
LOOK = ("look_up", '{"path":"a"}')


def begun(*fallbacks: str, remit: Remit | None = None, **health: Unwell) -> Bench:
    bench = Bench(make_agent(look_up, fallbacks=fallbacks, remit=remit))
    names = {"first": MODEL, "other": OTHER}
    bench.world = replace(bench.world, health={names[k]: v for k, v in health.items()})
    bench.start()
    return bench


def well(bench: Bench, **health: Unwell) -> None:
    names = {"first": MODEL, "other": OTHER}
    bench.world = replace(bench.world, health={names[k]: v for k, v in health.items()})


@pytest.mark.requirement("PROV-1", "PROV-9")
@pytest.mark.parametrize("kind", ["overloaded", "timeout", "not_found", "auth", "billing"])
def test_another_model_takes_over_at_once(kind: FailureKind) -> None:
    bench = begun(OTHER)
    events = bench.model_fails(kind)
    assert types(events) == ["ModelFailed", "RetryPlanned", "ModelSwitched", "ModelRequested"]
    switched = one(events, ModelSwitched)
    assert (switched.model, switched.instead_of, switched.reason) == (OTHER, MODEL, kind)
    assert one(events, ModelFailed).model == MODEL
    assert bench.request.model == OTHER
    assert bench.request.attempt == 2
    bench.answer("Done.")
    assert bench.state.favourite == OTHER
    assert one(bench.log, RunEnded).reason == "answered"


@pytest.mark.requirement("PROV-1")
def test_the_run_stays_with_the_model_that_answered_until_that_is_unwell() -> None:
    bench = begun(OTHER)
    bench.model_fails("overloaded")
    bench.answer("", LOOK)
    bench.done()
    assert bench.request.model == OTHER
    assert len(bench.all_of(ModelSwitched)) == 1
    well(bench, other="open")
    bench.answer("", ("look_up", '{"path":"b"}'))
    bench.done()
    assert bench.request.model == MODEL
    last = bench.last(ModelSwitched)
    assert (last.instead_of, last.reason) == (OTHER, "open")


@pytest.mark.requirement("PROV-1")
def test_a_degraded_model_is_skipped_from_the_start() -> None:
    assert begun(OTHER, first="open").request.model == OTHER
    assert begun(OTHER, first="half_open").request.model == MODEL
    assert begun(first="open").request.model == MODEL  # there is no other


@pytest.mark.requirement("PROV-9")
def test_a_retired_model_is_not_asked_again_in_this_run() -> None:
    bench = begun(OTHER)
    bench.model_fails("not_found")
    bench.model_fails("overloaded")
    planned = bench.last(RetryPlanned)
    assert planned.at_ms > bench.world.now_ms  # the only one left is given time
    bench.wake(planned.at_ms - bench.world.now_ms)
    assert bench.request.model == OTHER
    assert bench.state.lost == (MODEL,)


@pytest.mark.requirement("PROV-9", "STOP-2")
def test_where_every_model_is_lost_the_run_says_so() -> None:
    bench = begun(OTHER)
    bench.model_fails("not_found")
    bench.model_fails("auth")
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.reason) == ("stopped", "provider.auth")


def test_a_later_turn_of_a_run_that_lost_its_models_ends() -> None:
    bench = begun()
    bench.answer("", LOOK)
    bench.state = replace(bench.state, lost=(MODEL,))
    bench.first = replace(bench.first, lost=(MODEL,))
    assert one(bench.done(), RunEnded).reason == "provider.none-left"


@pytest.mark.requirement("PROV-1", "PROV-2")
def test_models_take_turns_until_the_attempts_are_used() -> None:
    bench = begun(OTHER, remit=Remit(model_attempts=3))
    while not bench.all_of(RunEnded):
        bench.model_fails("server")
        if bench.state.model is not None and bench.state.model.retry_at_ms is not None:
            bench.wake(bench.state.model.retry_at_ms - bench.world.now_ms)
    asked = [event.model for event in bench.all_of(ModelRequested)]
    assert asked == [MODEL, OTHER, MODEL, OTHER]


@pytest.mark.requirement("PROV-1")
def test_a_switch_away_from_a_lost_model_says_lost() -> None:
    bench = begun(OTHER)
    bench.answer("", LOOK)
    bench.state = replace(bench.state, lost=(MODEL,))
    bench.first = replace(bench.first, lost=(MODEL,))
    assert one(bench.done(), ModelSwitched).reason == "lost"


@pytest.mark.requirement("PROV-4")
def test_an_answer_comes_whole_after_streams_kept_breaking() -> None:
    bench = begun()
    streams = [bench.request.stream]
    for _ in range(2):
        bench.model_fails("stream_broken")
        assert bench.state.model is not None
        bench.wake((bench.state.model.retry_at_ms or 0) - bench.world.now_ms)
        streams.append(bench.request.stream)
    assert streams == [True, True, False]
    bench.answer("", LOOK)
    bench.done()
    assert bench.request.stream


@pytest.mark.requirement("PROV-5")
def test_an_unattended_run_outlives_an_outage_and_shows_that_it_lives() -> None:
    remit = Remit(unattended=True, timeout="3h", model_attempts=1)
    bench = begun(remit=remit)
    began = bench.world.now_ms
    beats = [began]
    while bench.world.now_ms - began < 3_600_000:
        bench.model_fails("overloaded")
        assert bench.state.model is not None
        bench.wake((bench.state.model.retry_at_ms or 0) - bench.world.now_ms)
        beats.append(bench.world.now_ms)
    bench.answer("Back.")
    assert one(bench.log, RunEnded).reason == "answered"
    assert max(after - before for before, after in itertools.pairwise(beats)) <= 60_000
    assert len(beats) < 400


@pytest.mark.requirement("PROV-9")
def test_each_model_is_paid_at_its_own_price() -> None:
    bench = begun(OTHER)
    dear = bench.state.price(OTHER).model_copy(update={"output": 50_000_000})
    bench.state = replace(bench.state, prices=(bench.state.price(MODEL), dear))
    bench.first = replace(bench.first)
    bench.model_fails("overloaded")
    holds = bench.request.holds
    bench.answer("Done.")
    assert holds[0].amount > 50 * bench.request.max_output_tokens * 1000 // 1000
    assert bench.last(ModelCompleted).cost == dear.cost(bench.last(ModelCompleted).usage)


@pytest.mark.requirement("BIL-3")
def test_what_the_plan_does_not_include_is_not_asked() -> None:
    bench = begun(OTHER)
    assert affordable_by_plan(bench.state) == (MODEL, OTHER)


@pytest.mark.requirement("PROV-6")
def test_another_model_that_answers_is_told_once() -> None:
    bench = begun()
    events = bench.answer("", LOOK, answered="x-next")
    drift = one(events, ModelDrifted)
    assert (drift.asked, drift.answered) == (MODEL, "x-next")
    bench.done()
    bench.answer("", ("look_up", '{"path":"b"}'), answered="x-next")
    bench.done()
    bench.answer("Done.", answered="x-last")
    assert [each.answered for each in bench.all_of(ModelDrifted)] == ["x-next", "x-last"]


@pytest.mark.requirement("PROV-3", "TOOL-18")
def test_a_tool_that_is_broken_is_left_alone_and_the_model_is_told() -> None:
    bench = begun()
    bench.world = replace(bench.world, health={"tool:look_up": "open"})
    events = bench.answer("", LOOK)
    refused = one(events, ToolFailed)
    assert (refused.kind, refused.rule) == ("limit", "breaker.tool:look_up")
    assert "left alone for a while" in refused.text


def test_a_failure_of_a_call_that_is_gone_changes_no_model() -> None:
    state = replace(begun().state, phase="stopping", model=None)
    lost = ModelFailed(call="c1", kind="auth", model=MODEL)
    after = evolve(state, lost, 0)
    assert (after.model, after.lost, after.failures) == (None, (), state.failures + 1)
