"""The conversation grows turn by turn; no call is left unanswered, and no doubt is left unsaid."""

import pytest

from remit.machine.agent import Remit
from remit.machine.conversation import answer_of, history_of, json_text, say
from remit.machine.measure import measured
from remit.values.message import Origin, ResultPart, TextPart
from tests.machine.bench import Bench, make_agent
from tests.machine.people import clean
from tests.machine.toolbox import look_up, send_mail, set_flag, write_doc, writer

LOOK = ("look_up", '{"path":"a"}')
USER = Origin(kind="user")


def begun(*calls: tuple[str, str]) -> Bench:
    remit = Remit(approvals={send_mail: 1, set_flag: 0, write_doc: 0})
    agent = make_agent(look_up, send_mail, set_flag, write_doc, agents=(writer,), remit=remit)
    bench = Bench(agent)
    bench.start()
    if calls:
        bench.answer("Well.", *calls)
    return bench


def results(bench: Bench) -> dict[str, ResultPart]:
    last = history_of(bench.state)[-1]
    return {part.call: part for part in last.parts if isinstance(part, ResultPart)}


def test_one_sides_turn_stays_one_message() -> None:
    bench = begun()
    parts = (TextPart(text=clean("And."), origin=USER),)
    assert len(say(bench.state, "user", parts).messages) == 1
    assert len(say(bench.state, "assistant", parts).messages) == 2
    assert say(bench.state, "user", ()) is bench.state


def test_digest_and_bound_follow_the_conversation() -> None:
    bench = begun(LOOK)
    bench.done()
    assert bench.state.digest != bench.first.digest
    assert bench.state.context_bound >= measured(bench.state.messages)[1]


@pytest.mark.requirement("DUR-8")
def test_a_later_run_continues_with_every_call_answered() -> None:
    bench = begun(LOOK, ("unheard_of", "{}"))
    bench.done(1, "found")
    bench.answer("Done.")
    messages = history_of(bench.state)
    assert [message.role for message in messages] == ["user", "assistant", "user", "assistant"]
    proposed = [part.call for message in messages for part in message.calls]
    answered = [
        part.call for message in messages for part in message.parts if isinstance(part, ResultPart)
    ]
    assert proposed == answered == ["c1-1", "c1-2"]


@pytest.mark.requirement("DUR-8", "DUR-6")
def test_what_a_stopped_run_left_open_is_told_as_it_is() -> None:
    bench = begun(LOOK, ("write_doc", '{"path":"b"}'), ("send_mail", '{"to":"x"}'))
    bench.done(1, "found")
    bench.cut(2)
    bench.cancel()
    assert bench.state.phase == "ended"
    told = results(bench)
    assert (told["c1-1"].text, told["c1-1"].is_error) == ("found", False)
    assert told["c1-2"].text == "it is not known whether this was carried out: the run was stopped"
    assert told["c1-3"].text == "not carried out: the run was stopped"
    assert told["c1-2"].is_error
    assert told["c1-3"].is_error


def test_a_write_queued_again_that_may_have_happened_is_not_called_undone() -> None:
    bench = begun(LOOK, ("set_flag", '{"name":"x"}'))
    bench.done(1)
    bench.pass_ms(600_000)
    bench.cut(2)
    assert bench.state.reason == "deadline"
    assert "not known" in results(bench)["c1-2"].text


def test_a_result_says_where_it_came_from() -> None:
    bench = begun(LOOK, ("ask_writer", '{"brief":"x"}'))
    bench.done(1)
    bench.child_ends(2)
    first, second = bench.state.messages[-1].parts
    assert (first.origin.kind, first.origin.name) == ("tool", "look_up")
    assert (second.origin.kind, second.origin.name) == ("agent", "ask_writer")


def test_the_answer_is_the_text_the_model_ended_with() -> None:
    bench = begun()
    assert answer_of(bench.first) is None
    assert answer_of(bench.state) is None
    bench.answer('Grüße "x"')
    assert answer_of(bench.state) == json_text('Grüße "x"') == '"Grüße \\"x\\""'


def test_a_text_is_no_answer_where_an_output_type_is_declared() -> None:
    bench = Bench(make_agent(output_type=int))
    bench.start()
    bench.answer("Five.")
    assert answer_of(bench.state) is None
    bench.answer("", ("final_answer", '{"answer": 5 }'))
    assert answer_of(bench.state) == "5"
