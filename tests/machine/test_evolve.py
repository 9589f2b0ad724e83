"""evolve folds what may follow and refuses what cannot; folding a journal gives the same state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import StoreCorrupt
from remit.journal.events import (
    BudgetWarned,
    CancelRequested,
    CheckCompleted,
    CheckRequested,
    ClockPaused,
    ClockResumed,
    Event,
    InboxIgnored,
    ModelRequested,
    RetryPlanned,
    RunEnded,
    RunRecovered,
    RunStopping,
    RuntimeSaid,
)
from remit.journal.record import Body, Cause
from remit.machine.evolve import evolve, fold
from remit.machine.transitions import RUN, RUN_EVENTS, Phase
from tests.machine.bench import START_MS, Bench, make_agent
from tests.machine.people import clean
from tests.machine.toolbox import look_up

SAMPLES: dict[str, Event] = {
    event.type: event
    for event in (
        RunRecovered(epoch=2),
        RunStopping(reason="cancelled"),
        CheckRequested(call="k1"),
        CheckCompleted(call="k1", passed=True),
        RunEnded(status="stopped", reason="cancelled"),
        RetryPlanned(call="c1", attempt=2, at_ms=5),
        ModelRequested(
            call="c2", model="m", messages=1, digest="d", max_output_tokens=1, input_bound=1
        ),
    )
}


def begun(*calls: tuple[str, str]) -> Bench:
    bench = Bench(make_agent(look_up))
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def in_phase(phase: Phase) -> Bench:
    match phase:
        case "new":
            return Bench(make_agent(look_up))
        case "thinking":
            return begun()
        case "acting":
            return begun(("look_up", '{"path":"a"}'))
        case "stopping":
            bench = begun()
            bench.cancel()
            return bench
        case "ended":
            bench = begun()
            bench.answer("Done.")
            return bench
        case _:
            raise AssertionError(phase)


PHASES: tuple[Phase, ...] = ("new", "thinking", "acting", "stopping", "ended")


@pytest.mark.parametrize("kind", sorted(SAMPLES))
@pytest.mark.parametrize("phase", PHASES)
def test_an_event_that_cannot_follow_a_phase_is_refused(phase: Phase, kind: str) -> None:
    bench = in_phase(phase)
    assert bench.state.phase == phase
    if (phase, kind) in RUN:
        after = evolve(bench.state, SAMPLES[kind], START_MS)
        assert after.phase == RUN[phase, kind]
        return
    with pytest.raises(StoreCorrupt, match=f"run_1: {kind} cannot"):
        evolve(bench.state, SAMPLES[kind], START_MS)


@pytest.mark.parametrize(
    "event",
    [CancelRequested(principal="ann"), ClockPaused(at_ms=1), RuntimeSaid(text=clean("x"))],
    ids=lambda event: event.type,
)
def test_nothing_but_an_ignored_letter_follows_the_end_and_nothing_comes_before_the_start(
    event: Event,
) -> None:
    assert event.type not in RUN_EVENTS
    with pytest.raises(StoreCorrupt, match="cannot follow the run's end"):
        evolve(in_phase("ended").state, event, START_MS)
    with pytest.raises(StoreCorrupt, match="cannot come before RunStarted"):
        evolve(in_phase("new").state, event, START_MS)
    ended = in_phase("ended").state
    ignored = InboxIgnored(what="x", ref="y", reason=clean("late"))
    assert evolve(ended, ignored, START_MS) == ended


def test_a_retry_belongs_to_a_model_call() -> None:
    bench = begun()
    ready = evolve(evolve(bench.first, bench.log[0], 0), RuntimeSaid(text=clean("x")), 0)
    with pytest.raises(StoreCorrupt, match="a retry is planned for no model call"):
        evolve(ready, SAMPLES["RetryPlanned"], 0)


def test_a_pause_moves_start_and_deadline_alike() -> None:
    state = begun().state
    paused = evolve(state, ClockPaused(at_ms=START_MS + 5), 0)
    assert paused.paused_ms == START_MS + 5
    resumed = evolve(paused, ClockResumed(deadline_ms=state.deadline_ms + 100), 0)
    assert resumed.paused_ms is None
    assert resumed.started_ms == state.started_ms + 100
    assert resumed.deadline_ms - resumed.started_ms == state.deadline_ms - state.started_ms


def test_only_a_warning_of_the_clock_is_one_of_the_clock() -> None:
    state = begun().state
    assert not evolve(state, BudgetWarned(account="x", used=8, limit=10), 0).clock_warned
    assert evolve(state, BudgetWarned(account="clock", used=8, limit=10), 0).clock_warned


@pytest.mark.requirement("AUD-5")
@given(cuts=st.lists(st.integers(1, 20), max_size=4))
def test_a_journal_folds_to_the_same_state_however_its_records_are_cut(cuts: list[int]) -> None:
    bench = begun(("look_up", '{"path":"a"}'), ("look_up", "{}"))
    bench.asks()
    bench.pass_ms(5)
    bench.says("1")
    bench.done()
    bench.answer("Done.")
    state, rest = bench.first, list(bench.bodies)
    for cut in cuts:
        state, rest = fold(state, rest[:cut]), rest[cut:]
    assert fold(state, rest) == bench.state


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_record_whose_causes_do_not_count_its_events_is_refused(count: int) -> None:
    bench = begun()
    events = tuple(bench.log)
    assert len(events) == 2
    causes = (Cause(kind="start", count=count, now_ms=START_MS),)
    with pytest.raises(StoreCorrupt, match="other events than its causes count"):
        fold(bench.first, [Body(causes=causes, events=events)])


def test_each_event_is_folded_at_the_time_of_its_cause() -> None:
    bench = begun()
    bench.pass_ms(700)
    bench.cancel()
    assert bench.state.stopping_ms == START_MS + 700
    assert bench.replayed().stopping_ms == START_MS + 700
