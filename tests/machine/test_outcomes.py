"""Outcomes count only for what is out now; warnings are told once."""

import pytest

from remit.journal.events import (
    BudgetWarned,
    InboxIgnored,
    InputRequested,
    SubrunEnded,
    ToolCompleted,
    ToolFailed,
)
from tests.machine.bench import MONEY, Bench, make_agent, one, types
from tests.machine.people import clean
from tests.machine.toolbox import look_up, writer

LOOK = ("look_up", '{"path":"a"}')
BRIEF = ("ask_writer", '{"brief":"x"}')


def begun(*calls: tuple[str, str]) -> Bench:
    bench = Bench(make_agent(look_up, agents=(writer,)))
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def test_an_outcome_of_an_attempt_given_up_long_ago_is_dropped() -> None:
    bench = begun(LOOK)
    bench.recover()
    late = ToolCompleted(call="c1-1", attempt=1, text=clean("late"))
    asked = InputRequested(
        question="q", call="c1-1", attempt=1, key="k", text=clean("?"), answer_schema="{}"
    )
    assert bench.give(late) == []
    assert bench.give(asked) == []
    assert types(bench.done()) == ["ToolCompleted", "ModelRequested"]


@pytest.mark.parametrize("call", ["c1-1", "c9-9"])
def test_an_outcome_of_what_is_not_out_is_dropped(call: str) -> None:
    bench = begun(LOOK, LOOK)
    bench.done(1)
    assert bench.give(ToolFailed(call=call, kind="error", text=clean("late"))) == []


@pytest.mark.requirement("ORC-4")
def test_the_end_of_a_sub_run_is_the_calls_result_and_its_use_is_counted() -> None:
    bench = begun(BRIEF)
    before = bench.state.usage.total, bench.state.cost
    events = bench.child_ends(text="a poem")
    assert types(events) == ["SubrunEnded", "ClockResumed", "ModelRequested"]
    assert (bench.state.usage.total, bench.state.cost) == (before[0] + 10, before[1] + 11)
    assert bench.state.messages[-1].parts[-1].kind == "result"


@pytest.mark.parametrize("call", ["c1-1", "c1-2", "c9-9"])
def test_the_end_of_a_sub_run_that_nobody_waits_for_changes_nothing(call: str) -> None:
    bench = begun(BRIEF, LOOK)
    stranger = SubrunEnded(
        call=call, child="run_9", status="completed", reason="answered", text=clean("x")
    )
    events = bench.give(stranger, "letter")
    assert types(events) == ["InboxIgnored"]
    assert one(events, InboxIgnored).ref == "run_9"


@pytest.mark.requirement("BUD-4")
def test_a_warning_is_told_once_for_each_limit() -> None:
    bench = begun()
    warning = BudgetWarned(account=MONEY, used=80, limit=100)
    assert types(bench.give(warning, "letter")) == ["BudgetWarned"]
    assert bench.give(warning.model_copy(update={"used": 90}), "letter") == []
    raised = warning.model_copy(update={"limit": 1000, "used": 900})
    assert types(bench.give(raised, "letter")) == ["BudgetWarned"]
    assert bench.state.warned == ((MONEY, 80, 100), (MONEY, 900, 1000))
    assert not bench.state.clock_warned


def test_a_letter_that_could_not_be_read_is_written_down() -> None:
    bench = begun()
    unread = InboxIgnored(what="?", ref="k", reason=clean("the letter cannot be read"))
    assert bench.give(unread, "letter") == [unread]
