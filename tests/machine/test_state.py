"""What the state says of itself: what is out, what is free, who is waited for, what it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import UnpricedModel
from remit.machine.agent import Remit
from remit.machine.changing import replace
from remit.machine.spec import ToolSpec
from remit.machine.state import ANY, CallState, begin, conflicts, is_out
from remit.machine.transitions import CallStatus
from tests.machine.bench import MODEL, PRICE, Bench, make_agent
from tests.machine.toolbox import look_up, writer

READ = ToolSpec(name="read_doc", description="x", parameters="{}")
WRITE = ToolSpec(name="write_doc", description="x", parameters="{}", access="write")
KEYS = st.lists(st.sampled_from(["a", "b", ANY]), max_size=2, unique=True).map(tuple)


def call(
    spec: ToolSpec | None, *resources: str, status: CallStatus = "queued", child: str = ""
) -> CallState:
    return CallState(
        call="c1-1",
        spec=spec,
        tool="x",
        provider_id="",
        arguments="{}",
        status=status,
        resources=resources,
        child=child,
    )


@pytest.mark.requirement("TOOL-6")
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (call(READ, "a"), call(READ, "a"), False),
        (call(READ), call(READ), False),
        (call(WRITE, "a"), call(READ, "a"), True),
        (call(WRITE, "a"), call(READ, "b"), False),
        (call(WRITE, "a"), call(WRITE, "a", "b"), True),
        (call(WRITE, "a"), call(WRITE, "b"), False),
        (call(WRITE), call(READ, "b"), True),
        (call(WRITE), call(READ), True),
        (call(WRITE, "a"), call(READ), False),
        (call(READ, ANY), call(WRITE, "a"), True),
        (call(READ, ANY), call(READ, ANY), False),
        (call(None), call(READ), True),
    ],
)
def test_calls_conflict_when_one_writes_what_the_other_touches(
    first: CallState, second: CallState, expected: bool
) -> None:
    assert conflicts(first, second) is expected


@pytest.mark.requirement("TOOL-6")
@given(one=st.tuples(st.sampled_from([READ, WRITE]), KEYS), two=st.tuples(st.just(WRITE), KEYS))
def test_conflict_has_no_direction_and_a_write_conflicts_with_its_like(
    one: tuple[ToolSpec, tuple[str, ...]], two: tuple[ToolSpec, tuple[str, ...]]
) -> None:
    first, second = call(one[0], *one[1]), call(two[0], *two[1])
    assert conflicts(first, second) == conflicts(second, first)
    assert conflicts(second, second)


@pytest.mark.parametrize(
    ("status", "out"), [("released", True), ("probing", True), ("queued", False), ("doubt", False)]
)
def test_what_is_out_may_be_happening(status: CallStatus, out: bool) -> None:
    assert is_out(call(READ, status=status)) is out


def test_a_run_that_works_waits_for_nobody() -> None:
    bench = Bench(make_agent(look_up, agents=(writer,)))
    assert not bench.state.waits_for_others
    bench.start()
    assert not bench.state.waits_for_others
    assert bench.state.in_flight
    bench.answer("", ("look_up", '{"path":"a"}'), ("ask_writer", '{"brief":"x"}'))
    assert not bench.state.waits_for_others
    bench.done(1)
    assert bench.state.waits_for_others
    assert bench.state.in_flight
    assert [each.call for each in bench.state.unfinished] == ["c1-2"]


def test_the_price_is_that_of_the_agents_model() -> None:
    bench = Bench(make_agent())
    with pytest.raises(UnpricedModel, match="run_1: the run started without a price"):
        bench.state.price(MODEL)
    bench.start()
    assert bench.state.price(MODEL) == PRICE
    other = PRICE.model_copy(update={"model": "scripted:other"})
    assert replace(bench.state, prices=(other, PRICE)).price(MODEL) == PRICE
    with pytest.raises(UnpricedModel):
        replace(bench.state, prices=(other,)).price(MODEL)


@pytest.mark.requirement("DUR-6")
def test_only_what_has_no_journal_of_its_own_may_be_in_doubt() -> None:
    bench = Bench(make_agent(look_up, agents=(writer,), remit=Remit(success=bool)))
    assert not bench.state.may_be_in_doubt
    bench.start()
    assert bench.state.may_be_in_doubt
    bench.model_fails("rate_limited")
    assert not bench.state.may_be_in_doubt
    bench.wake(60_000)
    bench.answer("", ("look_up", '{"path":"a"}'), ("ask_writer", '{"brief":"x"}'))
    assert bench.state.may_be_in_doubt
    bench.done(1)
    assert not bench.state.may_be_in_doubt
    bench.child_ends(2)
    bench.answer("Done.")
    assert bench.state.checking
    assert bench.state.may_be_in_doubt


def test_a_run_begins_with_the_bounds_of_its_declaration_and_history() -> None:
    spec = make_agent(look_up).spec(str)
    bare, tooled = begin("t", "r", make_agent().spec(str)), begin("t", "r", spec)
    assert tooled.spec_bound > bare.spec_bound
    assert (tooled.context_bound, tooled.digest, tooled.messages) == (0, b"", ())
    assert tooled.spec_digest == spec.digest
