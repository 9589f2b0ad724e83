"""What can be undone is what took place; a plan is text, and reads back as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.journal.record import Header
from remit.machine.agent import Remit
from remit.machine.declaring import tool
from remit.projections.timeline import Pair
from remit.projections.undoing import Effect, Step, effects, plan_text, read_plan, step_of
from tests.machine.bench import Bench, make_agent
from tests.machine.toolbox import look_up, send_mail

TEXT = st.text(max_size=20)
STEPS = st.lists(st.builds(Step, of=TEXT, tool=TEXT, arguments=TEXT, doubt=TEXT), max_size=5)


@tool(access="write")
def drop_note(name: str) -> str:
    """Drop a note."""
    return name


@tool(access="write", undo=drop_note)
def keep_note(name: str) -> str:
    """Keep a note."""
    return name


FREE = Remit(approvals={keep_note: 1, send_mail: 0})


def pairs_of(bench: Bench) -> list[Pair]:
    return [
        (
            Header(tenant="acme", run="run_1", version=n, epoch=1, time_ms=n, engine="1"),
            body,
        )
        for n, body in enumerate(bench.bodies, start=1)
    ]


def effect(arguments: str, result: str = "ok") -> Effect:
    return Effect(
        run="run_1",
        call="c1-1",
        tool="keep_note",
        undo="drop_note",
        arguments=arguments,
        result=result,
        time_ms=5,
    )


@pytest.mark.requirement("TOOL-14")
def test_only_completed_writes_are_effects_with_the_arguments_they_had() -> None:
    bench = Bench(make_agent(look_up, keep_note, send_mail, remit=FREE))
    bench.start()
    bench.answer(
        "",
        ("look_up", '{"path":"a"}'),
        ("keep_note", '{"name":"a"}'),
        ("send_mail", '{"to":"x"}'),
        ("send_mail", '{"to":"y"}'),
    )
    bench.approve("boss", 2, arguments='{"name":"b"}')
    bench.done(1)
    bench.done(2, text="kept")
    bench.done(3)
    bench.failed(4)
    found = effects(bench.first, pairs_of(bench))
    assert [(each.tool, each.undo, each.arguments, each.result) for each in found] == [
        ("keep_note", "drop_note", '{"name":"b"}', "kept"),
        ("send_mail", "", '{"to":"x"}', "ok"),
    ]
    assert found[0].key == "run_1/c1-2"


@pytest.mark.requirement("TOOL-14")
def test_what_was_only_recorded_or_handed_over_is_no_effect() -> None:
    shadow = Bench(make_agent(keep_note, remit=Remit(approvals={keep_note: 0}, phase="shadow")))
    shadow.start()
    shadow.answer("", ("keep_note", '{"name":"a"}'))
    assert effects(shadow.first, pairs_of(shadow)) == []
    typed = Bench(make_agent(output_type=int))
    typed.start()
    typed.answer("", ("final_answer", '{"answer":1}'))
    assert effects(typed.first, pairs_of(typed)) == []


@pytest.mark.requirement("TOOL-14")
def test_a_write_of_which_nobody_heard_is_an_effect_in_doubt() -> None:
    bench = Bench(make_agent(look_up, keep_note, remit=Remit(approvals={keep_note: 0})))
    bench.start()
    bench.answer("", ("keep_note", '{"name":"a"}'), ("look_up", '{"path":"a"}'))
    bench.recover()
    (found,) = effects(bench.first, pairs_of(bench))
    assert (found.key, found.undo, found.result) == ("run_1/c1-1", "drop_note", "")
    assert found.doubt == "nobody knows whether keep_note took place"


@pytest.mark.requirement("TOOL-14")
def test_a_compensation_gets_what_it_names_digit_for_digit() -> None:
    given_ = effect('{"name":"a","amount":1.10,"more":[1]}', "receipt")
    assert step_of(given_, ("amount", "result")).arguments == '{"amount":1.10,"result":"receipt"}'
    assert step_of(given_, ()) == Step(of="run_1/c1-1", tool="drop_note", arguments="{}")
    assert step_of(effect("[1]"), ("name", "result")).arguments == '{"result":"ok"}'
    with pytest.raises(ProviderError, match="not JSON"):
        step_of(effect("{"), ())


@pytest.mark.requirement("TOOL-14")
@given(STEPS)
def test_a_plan_reads_back_as_it_was_written(steps: list[Step]) -> None:
    assert read_plan(plan_text(steps)) == tuple(steps)


def test_a_text_that_is_no_plan_has_no_steps() -> None:
    assert read_plan('{"of":1}') == ()
    assert read_plan('[1,{"of":"x"}]') == (
        Step(of="", tool="", arguments=""),
        Step(of="x", tool="", arguments=""),
    )
    with pytest.raises(ProviderError, match="not JSON"):
        read_plan("undo it all")
