"""Calls are released in order, side by side where they may be; turns go on, stop or end."""

from dataclasses import replace

import pytest

from remit.journal.events import (
    CallJudged,
    ModelRequested,
    RunEnded,
    RuntimeSaid,
    SubrunRequested,
    ToolFailed,
    ToolRequested,
)
from remit.machine.agent import Agent, Remit
from remit.machine.ending import STOP_GRACE_MS
from remit.machine.schedule import wake_at_ms
from remit.policy.limits import backoff_ms
from remit.values.model import StopReason
from tests.machine.bench import START_MS, Bench, make_agent, one, types
from tests.machine.toolbox import look_up, read_doc, send_mail, write_doc, writer

MAIL = ("send_mail", '{"to":"x"}')
LOOK = ("look_up", '{"path":"a"}')


def read(path: str) -> tuple[str, str]:
    return ("read_doc", f'{{"path":"{path}"}}')


def write(path: str, text: str = "") -> tuple[str, str]:
    return ("write_doc", f'{{"path":"{path}","text":"{text}"}}')


def worker(remit: Remit | None = None) -> Agent[object]:
    plain = Remit(approvals={write_doc: 0, send_mail: 0}, parallel_calls=4)
    return make_agent(
        look_up, read_doc, write_doc, send_mail, agents=(writer,), remit=remit or plain
    )


def begun(*calls: tuple[str, str], remit: Remit | None = None) -> Bench:
    bench = Bench(worker(remit))
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def statuses(bench: Bench) -> list[str]:
    return [call.status for call in bench.state.calls]


# ---------------------------------------------------------------- releasing


@pytest.mark.requirement("TOOL-6")
def test_reads_go_side_by_side() -> None:
    assert statuses(begun(LOOK, read("a"), read("a"))) == ["released"] * 3


@pytest.mark.requirement("TOOL-6")
def test_writes_to_one_key_go_one_after_the_other_and_others_do_not_wait() -> None:
    bench = begun(write("a", "1"), write("a", "2"), write("b"))
    assert statuses(bench) == ["released", "queued", "released"]
    assert [event.call for event in bench.all_of(ToolRequested)] == ["c1-1", "c1-3"]
    assert types(bench.done(1)) == ["ToolCompleted", "ToolRequested"]


@pytest.mark.requirement("TOOL-6")
def test_a_read_waits_for_the_write_before_it_and_a_write_for_the_read() -> None:
    assert statuses(begun(write("a"), read("a"), read("b"))) == ["released", "queued", "released"]
    assert statuses(begun(read("a"), write("a"), write("b"))) == ["released", "queued", "released"]


@pytest.mark.requirement("TOOL-6")
def test_nothing_overtakes_a_call_it_conflicts_with_even_if_that_still_waits() -> None:
    bench = begun(read("a"), write("a"), read("a"))
    assert statuses(bench) == ["released", "queued", "queued"]
    bench.done(1)
    assert statuses(bench) == ["done", "released", "queued"]
    bench.done(2)
    assert statuses(bench) == ["done", "done", "released"]


@pytest.mark.requirement("TOOL-6")
def test_a_write_that_names_no_key_goes_alone() -> None:
    bench = begun(LOOK, MAIL, read("a"))
    assert statuses(bench) == ["released", "queued", "queued"]
    bench.done(1)
    assert statuses(bench) == ["done", "released", "queued"]


def test_no_more_calls_are_out_than_the_limit_allows() -> None:
    bench = begun(*[read(path) for path in "abcdef"])
    assert statuses(bench).count("released") == 4
    bench.failed(2)
    assert statuses(bench) == ["released", "done", "released", "released", "released", "queued"]


def test_the_model_is_asked_again_only_when_every_call_has_its_result() -> None:
    bench = begun(read("a"), read("b"))
    assert types(bench.done(2)) == ["ToolCompleted"]
    assert types(bench.done(1)) == ["ToolCompleted", "ModelRequested"]
    results = [part.call for part in bench.state.messages[-1].parts if part.kind == "result"]
    assert results == ["c1-1", "c1-2"]


@pytest.mark.requirement("DUR-7")
def test_a_tools_error_is_told_to_the_model_and_the_run_goes_on() -> None:
    bench = begun(LOOK)
    assert types(bench.failed(text="no such file")) == ["ToolFailed", "ModelRequested"]
    part = bench.state.messages[-1].parts[-1]
    assert part.kind == "result"
    assert (part.text, part.is_error) == ("no such file", True)


def test_a_call_is_cut_at_its_timeout_or_at_the_deadline() -> None:
    bench = begun(LOOK)
    assert bench.last(ToolRequested).until_ms == START_MS + 60_000
    late = Bench(worker())
    late.start(timeout_ms=1_000)
    late.answer("", LOOK)
    assert late.last(ToolRequested).until_ms == START_MS + 900  # a tenth is kept for an answer
    late = Bench(worker())
    late.start(timeout_ms=1_000)
    late.pass_ms(950)
    late.answer("", LOOK)
    assert late.all_of(ToolRequested) == []
    assert late.last(CallJudged).rule == "limits.wrap-up"


def test_calls_that_wait_are_refused_once_their_tool_is_off_and_hold_nobody_up() -> None:
    bench = begun(read("a"), write("a"), read("a"))
    bench.off("tool:write_doc")
    events = bench.done(1)
    assert types(events) == ["ToolCompleted", "ToolFailed", "ToolRequested"]
    assert one(events, ToolFailed).rule == "switch.tool:write_doc"


def test_nothing_is_released_while_the_switches_cannot_be_read() -> None:
    bench = begun(write("a", "1"), write("a", "2"))
    bench.world = replace(bench.world, stale_switches=True)
    assert types(bench.done(1)) == ["ToolCompleted"]
    assert wake_at_ms(bench.state, bench.world.now_ms, stale_switches=True) == START_MS + 1_000
    bench.world = replace(bench.world, stale_switches=False)
    assert types(bench.wake(1_000)) == ["ToolRequested"]


# ---------------------------------------------------------------- sub-runs


@pytest.mark.requirement("ORC-1")
def test_a_sub_run_gets_the_brief_and_nothing_else() -> None:
    bench = begun(("ask_writer", '{"brief":"Write a poem."}'))
    request = one(bench.log, SubrunRequested)
    assert (request.agent, request.child) == ("writer", "run_1.c1-1")
    assert request.brief == "Write a poem."
    assert set(type(request).model_fields) == {"type", "call", "agent", "child", "brief"}


@pytest.mark.requirement("ORC-4")
def test_the_other_answers_arrive_with_the_failed_sub_run_named() -> None:
    bench = begun(("ask_writer", '{"brief":"x"}'), ("ask_writer", '{"brief":"y"}'))
    bench.child_ends(1, text="a poem")
    events = bench.child_ends(2, completed=False, text="the agent writer did not finish: deadline")
    assert types(events)[-1] == "ModelRequested"
    first, second = [part for part in bench.state.messages[-1].parts if part.kind == "result"]
    assert (first.text, first.is_error, first.origin.kind) == ("a poem", False, "agent")
    assert (second.is_error, second.tool) == (True, "ask_writer")
    assert "did not finish" in second.text


# ---------------------------------------------------------------- turns


@pytest.mark.requirement("BUD-5", "STOP-3")
def test_an_endless_agent_ends_at_exactly_the_cap_with_the_reason() -> None:
    bench = begun(remit=Remit(turns=3, approvals={write_doc: 0, send_mail: 0}))
    while bench.state.phase != "ended":
        bench.answer("", ("unheard_of", "{}"))
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.reason, ended.detail) == ("stopped", "turn-limit", "3 turns")
    assert (ended.turns, len(bench.all_of(ModelRequested))) == (3, 3)


def test_retries_are_no_turns() -> None:
    bench = begun(remit=Remit(turns=1, approvals={write_doc: 0, send_mail: 0}))
    bench.model_fails("rate_limited")
    bench.wake(60_000)
    assert (bench.request.call, bench.request.attempt, bench.state.turns) == ("c1", 2, 1)


@pytest.mark.requirement("PROV-2")
def test_a_retry_waits_for_its_time() -> None:
    bench = begun()
    bench.model_fails("overloaded", retry_after_ms=9_000)
    assert bench.wakes_in_ms == max(9_000, backoff_ms(1, bench.world.jitter, None))
    assert bench.wake(8_999) == []
    assert types(bench.wake(1)) == ["ModelRequested"]


def test_text_ends_the_run_with_the_text_as_its_answer() -> None:
    bench = begun()
    ended = one(bench.answer('He said "hi".'), RunEnded)
    assert (ended.status, ended.reason) == ("completed", "answered")
    assert ended.output == '"He said \\"hi\\"."'


def test_an_answer_of_nothing_at_all_is_asked_for_again() -> None:
    bench = begun()
    assert types(bench.answer("")) == ["ModelCompleted", "ModelRequested"]


def test_a_paused_answer_is_continued() -> None:
    bench = begun()
    assert types(bench.answer("So far", stop="pause"))[-1] == "ModelRequested"
    bench.answer(", so good.")
    assert bench.state.output == '"So far, so good."'


@pytest.mark.parametrize(
    ("stop", "reason"), [("max_tokens", "output-limit"), ("refusal", "model-refused")]
)
def test_a_cut_answer_stops_the_run_and_is_kept(stop: StopReason, reason: str) -> None:
    bench = Bench(make_agent(remit=Remit(continuations=0), output_ceiling=1000))
    bench.start()
    bench.answer("Half a", stop=stop)
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.reason, ended.output) == ("stopped", reason, '"Half a"')


def test_a_call_that_was_cut_off_is_told_as_invalid_and_the_run_goes_on() -> None:
    bench = Bench(make_agent(look_up, output_ceiling=1000))
    bench.start()
    events = bench.answer("", ("look_up", '{"path":"a'), stop="max_tokens")
    assert one(events, ToolFailed).kind == "invalid"
    assert types(events)[-1] == "ModelRequested"


def test_an_agent_with_an_output_type_is_told_to_call_the_final_tool() -> None:
    bench = Bench(make_agent(output_type=int))
    bench.start()
    events = bench.answer("Five.")
    assert types(events) == ["ModelCompleted", "RuntimeSaid", "ModelRequested"]
    assert "final_answer" in one(events, RuntimeSaid).text
    assert bench.state.messages[-1].parts[-1].origin.kind == "runtime"
    bench.answer("", ("final_answer", '{"answer":5}'))
    assert (bench.state.reason, bench.state.output) == ("answered", "5")


def test_a_final_answer_of_the_wrong_type_is_mended() -> None:
    bench = Bench(make_agent(output_type=int))
    bench.start()
    events = bench.answer("", ("final_answer", '{"answer":"five"}'))
    assert "valid integer" in one(events, ToolFailed).text
    assert types(events)[-1] == "ModelRequested"


def test_calls_beside_the_final_answer_are_carried_out_first() -> None:
    bench = Bench(make_agent(look_up, output_type=int))
    bench.start()
    bench.answer("", ("final_answer", '{"answer":5}'), LOOK)
    assert bench.state.phase == "acting"
    bench.done(2)
    assert bench.state.output == "5"


# ---------------------------------------------------------------- waking


@pytest.mark.requirement("APR-1")
def test_a_run_wakes_for_the_clock_the_deadline_and_approvals() -> None:
    bench = begun()
    assert bench.wakes_in_ms == 480_000
    bench.wake(480_000)
    assert bench.wakes_in_ms == 120_000
    asking = begun(MAIL, remit=Remit(approvals={send_mail: 1, write_doc: 0}))
    assert asking.wakes_in_ms == asking.spec.limits.approval_ms


def test_a_run_that_waits_for_a_sub_run_needs_no_waking_and_an_ended_one_neither() -> None:
    assert begun(("ask_writer", '{"brief":"x"}')).wakes_in_ms is None
    done = begun()
    done.answer("Done.")
    assert done.wakes_in_ms is None


def test_a_stopping_run_wakes_when_its_grace_is_over() -> None:
    bench = begun(LOOK)
    bench.cancel()
    assert bench.wakes_in_ms == STOP_GRACE_MS
