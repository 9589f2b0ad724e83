"""A tool that does not work: another stands in, judged anew; else its last good answer; else no."""

from dataclasses import replace

import pytest

from remit import Remit, tool
from remit.journal.events import (
    ApprovalRequested,
    CallJudged,
    Event,
    ModelRequested,
    RunRecovered,
    StandInInspected,
    ToolCompleted,
    ToolDegraded,
    ToolFailed,
    ToolRequested,
)
from remit.machine.inputs import Inspection
from remit.machine.tools import AnyTool
from remit.policy.permission import Rule
from remit.values.message import ResultPart
from tests.machine.bench import Bench, make_agent, one, types
from tests.machine.people import clean


@tool
def read_copy(query: str) -> str:
    """Search the copy."""
    return query


@tool(fallback=read_copy)
def read_mirror(query: str) -> str:
    """Search the mirror."""
    return query


@tool(fallback=read_mirror, last_good="1h")
def read_page(query: str) -> str:
    """Search."""
    return query


@tool(last_good="1h")
def read_old(query: str) -> str:
    """Search what rarely changes."""
    return query


@tool(access="write", price_usd="0.001")
def mail_slowly(to: str) -> str:
    """Send another way."""
    return to


@tool(access="write", fallback=mail_slowly)
def mail_fast(to: str) -> str:
    """Send."""
    return to


PAGE = ("read_page", '{"query":"x"}')
MAIL = ("mail_fast", '{"to":"x"}')


def begun(*tools: AnyTool, **words: object) -> Bench:
    remit = Remit(**words)  # type: ignore[arg-type]  # words of a remit
    bench = Bench(make_agent(*(tools or (read_page, read_old)), remit=remit))
    bench.start()
    return bench


def breaks(bench: Bench, **words: object) -> list[Event]:
    """The call that is out fails through a fault."""
    call = bench.call()
    fields = {"fault": True, "kind": "error", "text": clean("no route"), **words}
    fact = {"type": "ToolFailed", "call": call.call, "attempt": call.attempt, **fields}
    return bench.give(ToolFailed.model_validate(fact))


def stands_in(bench: Bench) -> list[Event]:
    """The tool that is to stand in was asked."""
    call = bench.call()
    found = bench.inspect(call.call, call.tool, call.arguments)
    return bench.give(
        StandInInspected(call=call.call, tool=call.tool), inspections={call.call: found}
    )


def opened(bench: Bench, *tools: str, since_ms: int = 500_000) -> None:
    names = [f"tool:{name}" for name in tools]
    bench.world = replace(
        bench.world, health=dict.fromkeys(names, "open"), since=dict.fromkeys(names, since_ms)
    )


def told(bench: Bench) -> ResultPart:
    """What the model is told of the call."""
    part = bench.state.messages[-1].parts[-1]
    assert isinstance(part, ResultPart)
    return part


@pytest.mark.requirement("TOOL-18")
def test_after_a_fault_the_fallback_is_judged_and_called() -> None:
    bench = begun()
    bench.answer("", PAGE)
    events = breaks(bench)
    assert types(events) == ["ToolFailed", "ToolDegraded"]
    down = one(events, ToolDegraded)
    assert (down.tool, down.to, down.reason) == ("read_page", "read_mirror", "no route")
    assert down.since_ms == bench.world.now_ms
    events = stands_in(bench)
    assert types(events) == ["StandInInspected", "CallJudged", "ToolQueued", "ToolRequested"]
    first, judged = bench.all_of(CallJudged)
    assert (judged.tool, judged.instead_of, judged.effect) == ("read_mirror", "read_page", "allow")
    assert first.digest != judged.digest
    assert one(events, ToolRequested).attempt == 2  # its holds have names of their own
    bench.done(text="found")
    part = told(bench)
    assert part.text == "[read_page does not work; read_mirror stands in for it]\nfound"
    assert (part.tool, part.origin.name) == ("read_page", "read_mirror")
    assert bench.state.tool_calls == 1


@pytest.mark.requirement("TOOL-18")
def test_while_the_breaker_is_open_the_tool_is_not_called_at_all() -> None:
    bench = begun()
    opened(bench, "read_page")
    bench.answer("", PAGE)
    down = bench.last(ToolDegraded)
    assert (down.to, down.since_ms) == ("read_mirror", 500_000)
    assert "this tool fails since 1970-01-01T00:08:20Z" in down.reason
    assert not bench.all_of(ToolRequested)
    opened(bench, "read_page", "read_mirror")
    stands_in(bench)
    assert [event.to for event in bench.all_of(ToolDegraded)] == ["read_mirror", "read_copy"]
    stands_in(bench)
    assert bench.last(ToolRequested).attempt == 1
    bench.done(text="found")
    assert bench.state.tool_calls == 1


@pytest.mark.requirement("TOOL-18")
def test_what_is_tried_comes_to_an_end() -> None:
    bench = begun()
    bench.answer("", PAGE)
    for _ in range(2):
        breaks(bench)
        stands_in(bench)
    breaks(bench, kind="timeout", fault=False)
    assert [event.to for event in bench.all_of(ToolDegraded)] == ["read_mirror", "read_copy", ""]
    call = bench.call()
    assert (call.tool, call.tried) == ("read_page", ("read_page", "read_mirror", "read_copy"))
    no = ToolFailed(call=call.call, attempt=3, kind="error", text=clean("nothing"), fault=True)
    bench.give(no)
    assert told(bench).text == "nothing"
    assert isinstance(bench.log[-1], ModelRequested)


@pytest.mark.requirement("TOOL-18")
def test_the_last_good_answer_is_the_last_resort() -> None:
    bench = begun()
    bench.answer("", ("read_old", '{"query":"x"}'))
    digest = bench.call().digest
    breaks(bench)
    call = bench.call()
    assert (call.status, call.proposed_digest) == ("degraded", digest)
    bench.give(
        ToolCompleted(call=call.call, attempt=call.attempt, text=clean("[not fresh] x"), age_ms=5)
    )
    assert told(bench).text == "[not fresh] x"
    assert not told(bench).is_error


@pytest.mark.requirement("TOOL-18")
def test_a_tool_that_says_no_works() -> None:
    bench = begun()
    bench.answer("", PAGE)
    bench.failed(text="no such page")
    assert not bench.all_of(ToolDegraded)
    assert told(bench).text == "no such page"


@pytest.mark.requirement("TOOL-18", "DUR-6")
def test_a_write_that_may_have_happened_is_not_done_another_way() -> None:
    bench = begun(mail_fast, approvals={mail_fast: 0, mail_slowly: 0})
    bench.answer("", MAIL)
    breaks(bench)  # a fault, and nobody says that nothing was done
    assert not bench.all_of(ToolDegraded)
    bench.answer("", MAIL)
    bench.cut()
    bench.resolved(happened=True)
    assert not bench.all_of(ToolDegraded)
    bench.answer("", ("mail_fast", '{"to":"y"}'))
    breaks(bench, untouched=True)
    assert bench.last(ToolDegraded).to == "mail_slowly"


@pytest.mark.requirement("TOOL-18", "APR-1", "BUD-1")
def test_what_stands_in_has_its_own_approvals_and_its_own_price() -> None:
    bench = begun(mail_fast, approvals={mail_fast: 0, mail_slowly: 1})
    opened(bench, "mail_fast")
    bench.answer("", MAIL)
    stands_in(bench)
    asked = bench.last(ApprovalRequested)
    assert (asked.tool, asked.digest) == ("mail_slowly", bench.last(CallJudged).digest)
    assert not bench.all_of(ToolRequested)
    bench.approve()
    assert [hold.amount for hold in bench.last(ToolRequested).holds] == [1_000_000]


@pytest.mark.requirement("TOOL-18")
def test_what_rules_refuse_does_not_stand_in() -> None:
    never = Rule(id="never", effect="deny", tool="read_mirror")
    bench = begun(rules=[never])
    opened(bench, "read_page")
    bench.answer("", PAGE)
    stands_in(bench)
    assert bench.last(CallJudged).rule == "never"
    assert [event.to for event in bench.all_of(ToolDegraded)] == ["read_mirror", "read_copy"]
    assert "refused" in bench.last(ToolDegraded).reason
    found = Inspection(call=bench.call().call, error="the copy is gone")
    bench.give(
        StandInInspected(call=bench.call().call, tool="read_copy"),
        inspections={bench.call().call: found},
    )
    assert bench.last(ToolDegraded).to == ""


@pytest.mark.requirement("TOOL-18")
def test_a_tool_that_was_not_inspected_does_not_stand_in() -> None:
    bench = begun(mail_fast, approvals={mail_fast: 0, mail_slowly: 0})
    opened(bench, "mail_fast")
    bench.answer("", MAIL)
    bench.give(StandInInspected(call=bench.call().call, tool="mail_slowly"))
    assert told(bench).text.endswith("not inspected")


@pytest.mark.requirement("TOOL-18", "DUR-3")
def test_after_a_crash_what_may_stand_in_is_looked_at_again() -> None:
    bench = begun()
    opened(bench, "read_page")
    bench.answer("", PAGE)
    assert bench.state.may_be_in_doubt
    assert not bench.state.waits_for_others
    events = bench.recover()
    assert types(events) == ["RunRecovered", "ToolDegraded"]
    assert one(events, RunRecovered).in_doubt == ()
    stands_in(bench)
    assert bench.all_of(ToolRequested)


@pytest.mark.requirement("TOOL-18", "STOP-1")
def test_a_run_that_stops_tries_nothing_more() -> None:
    bench = begun()
    opened(bench, "read_page")
    bench.answer("", PAGE)
    state = bench.state
    bench.cancel()
    assert bench.state.phase == "ended"
    bench.state = replace(state, phase="stopping")
    call = bench.call()
    stale = bench.give(StandInInspected(call=call.call, tool="read_mirror"))
    assert "StandInInspected" not in types(stale)
    recovering = begun(read_old)
    recovering.answer("", ("read_old", '{"query":"x"}'))
    recovering.state = replace(recovering.state, phase="stopping", stopping="cancelled")
    assert not [e for e in breaks(recovering) if isinstance(e, ToolDegraded)]


@pytest.mark.requirement("TOOL-18")
def test_words_about_another_resort_are_dropped() -> None:
    bench = begun()
    opened(bench, "read_page")
    bench.answer("", PAGE)
    call = bench.call()
    assert bench.give(StandInInspected(call="c9-9", tool="read_mirror")) == []
    assert bench.give(StandInInspected(call=call.call, tool="read_copy")) == []
    assert bench.give(ToolCompleted(call=call.call, attempt=call.attempt, text=clean("x"))) == []


@pytest.mark.requirement("TOOL-18")
def test_what_only_stands_in_cannot_be_called_by_the_model() -> None:
    bench = begun()
    bench.answer("", ("read_copy", '{"query":"x"}'))
    judged = bench.last(CallJudged)
    assert judged.rule == "builtin.unknown-tool"
    assert judged.reason.endswith("the tools are: read_page, read_old, read_result")
