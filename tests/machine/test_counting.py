"""A provider's count, asked for by choice, holds less than the bound and never stops a run."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import SpecError
from remit.journal.events import (
    ContinuationAsked,
    CountRequested,
    InputCounted,
    ModelCompleted,
    ModelRequested,
    RunEnded,
)
from remit.machine.count_folds import COUNT_FOLDS
from remit.machine.counting import COUNT_MS, counted_bound
from remit.machine.ending import STOP_GRACE_MS
from remit.machine.spec import InputCount
from remit.machine.state import begin
from remit.values.usage import Usage
from tests.machine.bench import MONEY, START_MS, Bench, make_agent, one, types
from tests.machine.people import clean
from tests.machine.toolbox import look_up

LOOK = ("look_up", '{"path":"a"}')


def begun(how: InputCount = "always", *, room: int | None = None) -> Bench:
    bench = Bench(make_agent(look_up, input_count=how))
    if room is not None:
        bench.world = replace(bench.world, refused={MONEY: room})
    bench.start("Go. " * 200)
    return bench


# ---------------------------------------------------------------- when


@pytest.mark.requirement("BUD-1")
def test_without_the_choice_nothing_is_counted() -> None:
    assert begun("bound").all_of(CountRequested) == []
    assert begun("bound", room=5_000).all_of(CountRequested) == []


@pytest.mark.requirement("BUD-1")
def test_always_counts_before_every_new_request_and_reserves_nothing_for_it() -> None:
    bench = begun()
    (asked,) = bench.all_of(CountRequested)
    assert types(bench.log) == ["RunStarted", "CountRequested"]
    assert (asked.call, asked.messages, asked.until_ms) == ("c1", 1, START_MS + COUNT_MS)
    assert bench.state.phase == "counting"
    assert bench.state.in_flight
    assert bench.state.may_be_in_doubt
    request = one(bench.counted(400), ModelRequested)
    assert request.input_bound == 400 + 20 + 64
    bench.answer("", LOOK)
    bench.done()
    assert bench.last(CountRequested) == CountRequested(
        call="c2", model=asked.model, messages=3, until_ms=START_MS + COUNT_MS
    )
    assert one(bench.counted(1_000), ModelRequested).input_bound == 1_000 + 50 + 64


@pytest.mark.requirement("BUD-1")
def test_when_short_counts_only_where_the_bound_does_not_fit() -> None:
    free = begun("when-short")
    bound = free.request.input_bound
    assert free.all_of(CountRequested) == []
    assert begun("when-short", room=bound + 2 + 2_000).all_of(CountRequested) == []
    short = begun("when-short", room=bound + 2 + 1_999)
    assert types(short.log) == ["RunStarted", "CountRequested"]
    request = one(short.counted(100), ModelRequested)
    assert (request.input_bound, request.max_output_tokens) == (100 + 5 + 64, 1_000)
    assert request.holds[0].amount < bound + 2 + 1_999


def test_a_retry_holds_by_the_same_count() -> None:
    bench = begun()
    bench.counted(400)
    bench.model_fails("rate_limited")
    again = one(bench.wake(60_000), ModelRequested)
    assert (again.attempt, again.input_bound) == (2, 484)
    assert len(bench.all_of(CountRequested)) == 1


def test_a_retry_that_does_not_fit_is_counted_too() -> None:
    bench = begun("when-short")
    bench.model_fails("timeout")
    bench.world = replace(bench.world, refused={MONEY: bench.request.input_bound})
    assert types(bench.wake(60_000)) == ["CountRequested"]
    assert bench.state.phase == "thinking"
    assert bench.wakes_in_ms is not None
    assert bench.wakes_in_ms > 0, "what waits for a count is not due"
    assert bench.wake() == []
    request = one(bench.counted(100), ModelRequested)
    assert (request.attempt, request.input_bound) == (2, 169)


@pytest.mark.requirement("BUD-1", "PROV-9")
def test_of_several_models_the_one_that_was_counted_is_asked() -> None:
    bench = Bench(make_agent(look_up, input_count="always", fallbacks=("other:y",)))
    both = tuple(each.model_copy(update={"weight": 1}) for each in bench.spec.models)
    bench.spec = bench.spec.model_copy(update={"models": both})
    bench.first = bench.state = begin("acme", "run_1", bench.spec)
    bench.world = replace(bench.world, jitter=0)
    bench.start()
    counted = bench.last(CountRequested).model
    bench.world = replace(bench.world, jitter=999_999)
    assert one(bench.counted(400), ModelRequested).model == counted
    bench.model_fails("overloaded")
    assert bench.last(CountRequested).model != counted, "another takes over, and is counted too"
    assert one(bench.counted(400), ModelRequested).model == bench.last(CountRequested).model


def test_another_limit_of_time_ends_before() -> None:
    bench = Bench(make_agent(input_count="always"))
    bench.start(timeout_ms=2_000)
    assert bench.last(CountRequested).until_ms == START_MS + 2_000


def test_an_answer_that_goes_on_is_asked_to_do_so_once() -> None:
    bench = begun()
    bench.counted()
    bench.answer("Half", stop="pause")
    assert types(bench.counted()) == ["InputCounted", "ModelRequested"]
    assert len(bench.all_of(ContinuationAsked)) == 1


def test_a_paused_answer_is_no_answer_after_a_crash_while_it_was_counted() -> None:
    bench = begun()
    bench.counted()
    bench.answer("Half. ", stop="pause")
    assert types(bench.recover()) == ["RunRecovered", "CountRequested"]
    bench.counted()
    bench.answer("Whole.")
    assert one(bench.log, RunEnded).output == '"Half. Whole."'


# ---------------------------------------------------------------- what is made of it


@pytest.mark.requirement("BUD-1")
def test_without_a_number_the_bound_holds_and_the_journal_says_why() -> None:
    plain = begun("bound").request
    bench = begun()
    events = bench.counted(None, "no count within 5 s")
    assert one(events, InputCounted).detail == "no count within 5 s"
    assert one(events, ModelRequested).input_bound == plain.input_bound


def test_what_does_not_fit_by_count_either_is_cut_or_refused() -> None:
    bench = begun("when-short", room=1_000)
    request = one(bench.counted(100), ModelRequested)
    assert request.input_bound == 169
    assert request.max_output_tokens == (1_000 - 169 - 2) // 2
    broke = begun("when-short", room=100)
    assert types(broke.counted(100))[:3] == ["InputCounted", "BudgetRefused", "RunStopping"]
    assert broke.state.reason == "budget"


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_count_is_raised_by_its_margin_never_above_the_bound(bound: int, tokens: int) -> None:
    held = counted_bound(bound, tokens)
    assert held >= tokens
    assert held <= max(bound, tokens)
    assert held == tokens or held <= tokens + tokens * 5 // 100 + 65


@pytest.mark.requirement("BUD-1")
def test_a_provider_that_counted_too_little_is_posted_in_full_and_flagged() -> None:
    bench = begun()
    bench.counted(10)
    done = one(bench.answer("So.", usage=Usage(input=800, output=1_000)), ModelCompleted)
    assert done.over_hold
    assert done.cost == 800 + 2_000
    assert done.posts[0].amount == done.cost


# ---------------------------------------------------------------- what may come between


@pytest.mark.requirement("DUR-6")
def test_after_a_crash_a_request_is_counted_again() -> None:
    bench = begun()
    assert types(bench.recover()) == ["RunRecovered", "CountRequested"]
    assert one(bench.counted(400), ModelRequested).input_bound == 484
    bench.recover()
    again = bench.last(ModelRequested)
    assert (again.attempt, again.input_bound) == (2, 484)
    assert len(bench.all_of(CountRequested)) == 2


def test_a_count_that_nobody_waits_for_is_dropped() -> None:
    bench = begun()
    late = InputCounted(call="c9", tokens=5)
    assert bench.give(late) == []
    bench.counted()
    assert bench.give(late.model_copy(update={"call": "c1"})) == []
    assert COUNT_FOLDS["InputCounted"](begun("bound").state, late, 0).count is None


@pytest.mark.requirement("STOP-1")
def test_a_stopped_run_waits_for_the_count_and_no_longer_than_its_grace() -> None:
    bench = begun()
    assert types(bench.cancel()) == ["CancelRequested", "RunStopping"]
    assert types(bench.counted()) == ["InputCounted", "RunEnded"]
    silent = begun()
    silent.cancel()
    events = silent.wake(STOP_GRACE_MS)
    assert types(events) == ["InputCounted", "RunEnded"]
    assert one(events, InputCounted).tokens is None
    assert silent.last(RunEnded).cost == 0


def test_unreadable_switches_hold_the_request_back_not_the_count() -> None:
    bench = begun()
    bench.world = replace(bench.world, stale_switches=True)
    assert types(bench.counted(400)) == ["InputCounted"]
    bench.world = replace(bench.world, stale_switches=False)
    assert one(bench.wake(1_000), ModelRequested).input_bound == 484


def test_a_choice_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SpecError, match=r"input_count is 'provider'; it is one of bound, when-"):
        make_agent(input_count="provider")  # type: ignore[arg-type]  # what is refused


def test_the_text_of_a_declaration_is_as_before_unless_it_is_chosen() -> None:
    plain, always = (make_agent(input_count=how).spec(str) for how in ("bound", "always"))
    assert "input_count" not in plain.model_dump()
    assert plain.digest != always.digest
    assert clean("x") == "x"
