"""Answers that are cut: a larger limit first, then continuing, as long as it gets on."""

from dataclasses import replace

import pytest

from remit.errors import StoreCorrupt
from remit.journal.events import (
    ContinuationAsked,
    ModelCompleted,
    OutputEscalated,
    RetryPlanned,
    RunEnded,
)
from remit.machine.agent import Remit
from remit.machine.evolve import evolve
from remit.values.usage import Usage
from tests.machine.bench import MONEY, Bench, make_agent, one, types
from tests.machine.test_turns import BOTH, afresh
from tests.machine.toolbox import look_up

LOOK = ("look_up", '{"path":"a"}')


def begun(*, ceiling: int = 16_000, remit: Remit | None = None) -> Bench:
    bench = Bench(make_agent(look_up, output_ceiling=ceiling, remit=remit))
    bench.start()
    return bench


def cut(bench: Bench, text: str, tokens: int = 1_000) -> list[str]:
    return types(bench.answer(text, stop="max_tokens", usage=Usage(input=100, output=tokens)))


# ---------------------------------------------------------------- a larger limit


@pytest.mark.requirement("STOP-6")
def test_a_cut_answer_is_asked_for_again_with_a_larger_limit() -> None:
    bench = begun()
    before = bench.state
    assert cut(bench, "Half an ans") == ["ModelCompleted", "OutputEscalated", "ModelRequested"]
    assert bench.request.max_output_tokens == 4_000
    assert bench.state.messages == before.messages
    assert bench.state.digest == before.digest
    assert bench.state.context_bound == before.context_bound
    assert cut(bench, "Half an answer, lon") == [
        "ModelCompleted",
        "OutputEscalated",
        "ModelRequested",
    ]
    assert bench.request.max_output_tokens == 16_000
    bench.answer("The whole answer.")
    assert one(bench.log, RunEnded).output == '"The whole answer."'
    assert [event.max_output_tokens for event in bench.all_of(OutputEscalated)] == [4_000, 16_000]
    assert bench.state.turns == 1
    assert bench.state.cost == sum(event.cost for event in bench.all_of(ModelCompleted))


@pytest.mark.requirement("STOP-6")
def test_nothing_comes_of_what_was_cut() -> None:
    bench = begun()
    events = bench.answer("", LOOK, stop="max_tokens")
    assert types(events) == ["ModelCompleted", "OutputEscalated", "ModelRequested"]
    assert bench.state.calls == ()
    assert bench.state.last_text == ""
    bench.model_fails("overloaded")
    bench.wake(bench.last(RetryPlanned).at_ms - bench.world.now_ms)
    assert bench.request.max_output_tokens == 4_000


@pytest.mark.requirement("STOP-6", "BUD-1")
def test_a_limit_that_money_set_is_not_raised() -> None:
    bench = Bench(make_agent(remit=Remit(continuations=0), output_ceiling=16_000), accounts=BOTH)
    bench.start()
    room = bench.request.input_bound + 2 * 500 + 2
    afresh(bench, {MONEY: room})
    assert bench.request.max_output_tokens == 500
    bench.answer("Half", stop="max_tokens")
    assert one(bench.log, RunEnded).reason == "output-limit"
    assert bench.all_of(OutputEscalated) == []


def test_a_raised_limit_belongs_to_a_cut_answer() -> None:
    bench = begun()
    event = OutputEscalated(call="c1", max_output_tokens=4_000)
    with pytest.raises(StoreCorrupt, match="no answer was cut"):
        evolve(replace(bench.state, phase="ready"), event, 0)
    with pytest.raises(StoreCorrupt, match="OutputEscalated cannot follow the phase thinking"):
        evolve(bench.state, event, 0)


# ---------------------------------------------------------------- going on


@pytest.mark.requirement("STOP-4", "OBS-6")
def test_an_answer_that_stays_too_long_is_continued_and_becomes_one() -> None:
    bench = begun(ceiling=1_000)
    assert cut(bench, "One, two, ") == ["ModelCompleted", "ContinuationAsked", "ModelRequested"]
    assert "Go on exactly where it stopped" in bench.state.messages[-1].text
    cut(bench, "three, ")
    bench.answer("four.")
    ended = one(bench.log, RunEnded)
    assert (ended.reason, ended.output) == ("answered", '"One, two, three, four."')
    asked = bench.all_of(ContinuationAsked)
    assert [(event.number, event.tokens) for event in asked] == [(1, 1_000), (2, 1_000)]


@pytest.mark.requirement("STOP-4")
def test_a_model_that_does_not_get_on_is_stopped() -> None:
    bench = begun(ceiling=1_000, remit=Remit(continuations=50))
    cut(bench, "a" * 4_000)
    cut(bench, "b", 499)
    assert not bench.all_of(RunEnded)
    cut(bench, "c", 10)
    ended = one(bench.log, RunEnded)
    assert ended.reason == "diminishing-returns"
    assert "499 and 10 tokens" in ended.detail
    assert ended.output is not None
    assert ended.output.endswith('abc"')


@pytest.mark.requirement("STOP-4", "BUD-5")
def test_continuing_is_bounded_and_belongs_to_one_answer() -> None:
    bench = begun(ceiling=1_000, remit=Remit(continuations=1))
    cut(bench, "One, ")
    bench.answer("", LOOK)
    bench.done()  # another answer begins
    assert bench.state.kept == ""
    cut(bench, "Two, ")
    cut(bench, "three, ")
    ended = one(bench.log, RunEnded)
    assert (ended.reason, ended.output) == ("output-limit", '"Two, three, "')


@pytest.mark.requirement("STOP-4", "STOP-6")
def test_a_continuation_may_be_given_a_larger_limit_too() -> None:
    bench = begun(ceiling=4_000)
    cut(bench, "dropped")
    cut(bench, "One, ", 4_000)
    assert bench.request.max_output_tokens == 4_000
    bench.answer("two.")
    assert one(bench.log, RunEnded).output == '"One, two."'


def test_an_answer_of_a_type_is_not_put_together() -> None:
    bench = Bench(make_agent(output_type=int, output_ceiling=1_000))
    bench.start()
    bench.answer("The answer is", stop="max_tokens")
    assert one(bench.log, RunEnded).reason == "output-limit"


@pytest.mark.requirement("STOP-4")
def test_a_turn_that_pauses_goes_on_in_the_same_message() -> None:
    bench = begun()
    events = bench.answer("Searching. ", stop="pause")
    assert types(events) == ["ModelCompleted", "ContinuationAsked", "ModelRequested"]
    assert len(bench.state.messages) == 2
    bench.answer("Found.")
    assert one(bench.log, RunEnded).output == '"Searching. Found."'


@pytest.mark.requirement("STOP-6")
def test_a_turn_that_paused_and_then_was_cut_is_asked_for_again() -> None:
    bench = begun(ceiling=4_000)
    bench.answer("Searching. ", stop="pause")
    events = bench.answer("dropped", stop="max_tokens")
    assert types(events) == ["ModelCompleted", "OutputEscalated", "ModelRequested"]
    bench.answer("Found.")
    assert one(bench.log, RunEnded).output == '"Searching. Found."'
