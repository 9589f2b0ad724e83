"""Every proposed call gets one verdict, by the first rule that applies, and the model is told."""

import pytest

from remit.journal.events import (
    ApprovalRequested,
    CallJudged,
    ModelRequested,
    RunEnded,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
)
from remit.machine.agent import Agent, Remit
from remit.policy.permission import ArgumentPattern, Rule
from remit.policy.phase import Phase
from tests.machine.bench import Bench, make_agent, one, types
from tests.machine.toolbox import (
    commit_tree,
    look_up,
    pay_bill,
    read_doc,
    send_mail,
    set_flag,
    write_doc,
    writer,
)

MAIL = ("send_mail", '{"to":"x"}')
LOOK = ("look_up", '{"path":"a"}')
WRITE = ("write_doc", '{"path":"a"}')


def begun(agent: Agent[object], depth: int = 0) -> Bench:
    bench = Bench(agent, depth=depth)
    bench.start()
    return bench


def worker(**limits: int) -> Agent[object]:
    remit = Remit(approvals={send_mail: 0, write_doc: 0, set_flag: 0}, **limits)  # type: ignore[arg-type]  # only whole numbers are given
    return make_agent(look_up, read_doc, send_mail, write_doc, set_flag, remit=remit)


def verdicts(bench: Bench) -> list[tuple[str, str]]:
    return [(event.effect, event.rule) for event in bench.all_of(CallJudged)]


@pytest.mark.requirement("PERM-3")
def test_every_verdict_is_journalled_with_call_rule_principal_and_digest() -> None:
    bench = begun(worker())
    bench.answer("", LOOK, MAIL, ("unheard_of", "{}"), ("look_up", "{}"))
    judged = bench.all_of(CallJudged)
    assert [event.call for event in judged] == ["c1-1", "c1-2", "c1-3", "c1-4"]
    assert [event.tool for event in judged] == ["look_up", "send_mail", "unheard_of", "look_up"]
    assert verdicts(bench) == [
        ("allow", "builtin.read"),
        ("allow", "remit.approvals.send_mail"),
        ("deny", "builtin.unknown-tool"),
        ("deny", "builtin.schema"),
    ]
    assert {event.principal for event in judged} == {"ann"}
    assert [event.access for event in judged] == ["read", "write", "write", "read"]
    assert judged[0].digest
    assert judged[0].digest != judged[1].digest


@pytest.mark.requirement("TOOL-1")
def test_malformed_arguments_never_reach_the_tool_and_the_model_can_mend_them() -> None:
    bench = begun(worker())
    bench.answer("", ("look_up", '{"path":7}'))
    failed = one(bench.log, ToolFailed)
    assert (failed.kind, failed.rule) == ("invalid", "builtin.schema")
    assert "path: Input should be a valid string" in failed.text
    assert not bench.all_of(ToolRequested)
    assert isinstance(bench.log[-1], ModelRequested)
    assert bench.state.messages[-1].parts[-1].kind == "result"


def test_a_call_that_was_not_inspected_is_refused() -> None:
    bench = begun(worker())
    bench.answer("", LOOK, inspected=False)
    assert verdicts(bench) == [("deny", "builtin.schema")]
    assert "could not be inspected" in one(bench.log, ToolFailed).text


@pytest.mark.requirement("ORC-2")
def test_a_tool_outside_the_agents_own_set_is_denied_and_the_set_is_named() -> None:
    bench = begun(worker())
    bench.answer("", ("pay_bill", '{"amount":"1"}'))
    failed = one(bench.log, ToolFailed)
    assert failed.kind == "denied"
    assert "no tool 'pay_bill'; the tools are: look_up, read_doc" in failed.text
    bare = begun(make_agent())
    bare.answer("", LOOK)
    assert "the tools are: none" in one(bare.log, ToolFailed).text


@pytest.mark.requirement("STOP-5")
def test_the_third_identical_call_is_refused() -> None:
    bench = begun(worker())
    for _ in range(2):
        bench.answer("", LOOK)
        bench.done()
    events = bench.answer("", LOOK)
    failed = one(events, ToolFailed)
    assert (failed.kind, failed.rule) == ("limit", "limits.identical-calls")
    assert "made 2 times before" in failed.text


@pytest.mark.requirement("STOP-5")
def test_arguments_that_differ_only_in_spelling_are_identical() -> None:
    bench = begun(worker())
    bench.answer(
        "", ("write_doc", '{"path":"a","text":"b"}'), ("write_doc", ' {"text" : "b", "path":"a"}')
    )
    first, second = bench.all_of(CallJudged)
    assert first.digest == second.digest


@pytest.mark.requirement("STOP-5")
def test_a_write_that_was_done_makes_room_for_reading_again() -> None:
    bench = begun(worker())
    for _ in range(2):
        bench.answer("", LOOK)
        bench.done()
    bench.answer("", MAIL)
    bench.done()
    assert one(bench.answer("", LOOK), CallJudged).effect == "allow"


@pytest.mark.requirement("STOP-5")
def test_a_write_does_not_make_room_for_itself() -> None:
    bench = begun(worker())
    for _ in range(2):
        bench.answer("", MAIL)
        bench.done()
    assert one(bench.answer("", MAIL), CallJudged).rule == "limits.identical-calls"


def test_a_write_that_failed_or_was_only_recorded_makes_no_room() -> None:
    remit = Remit(approvals={send_mail: 0}, phase="shadow")
    bench = begun(make_agent(look_up, send_mail, remit=remit))
    for _ in range(2):
        bench.answer("", LOOK)
        bench.done()
    bench.answer("", MAIL)
    assert one(bench.answer("", LOOK), CallJudged).rule == "limits.identical-calls"


@pytest.mark.requirement("STOP-5")
def test_a_model_that_only_repeats_refused_calls_is_stopped() -> None:
    bench = begun(worker())
    for _ in range(2):
        bench.answer("", LOOK)
        bench.done()
    for _ in range(3):
        bench.answer("", LOOK)
    ended = one(bench.log, RunEnded)
    assert (ended.status, ended.reason) == ("stopped", "repeating")


def test_progress_in_between_is_no_repeating() -> None:
    bench = begun(worker(tool_calls=20))
    for path in "abcd":
        call = ("look_up", f'{{"path":"{path}"}}')
        for _ in range(2):
            bench.answer("", call)
            bench.done()
        bench.answer("", call)
    assert bench.state.phase == "thinking"
    assert bench.state.repeated == 1


@pytest.mark.requirement("TOOL-16")
def test_the_eleventh_tool_call_is_refused_with_the_reason() -> None:
    bench = begun(worker())
    calls = [("look_up", f'{{"path":"{number}"}}') for number in range(11)]
    bench.answer("", *calls)
    assert [effect for effect, _ in verdicts(bench)] == ["allow"] * 10 + ["deny"]
    failed = one(bench.log, ToolFailed)
    assert (failed.call, failed.rule) == ("c1-11", "limits.tool-calls")
    assert "10 tool calls" in failed.text


@pytest.mark.requirement("TOOL-16")
def test_the_cap_counts_over_turns_and_counts_what_still_waits() -> None:
    bench = begun(worker(tool_calls=2))
    bench.answer("", LOOK)
    bench.done()
    bench.answer("", MAIL, LOOK)
    assert verdicts(bench)[1:] == [
        ("allow", "remit.approvals.send_mail"),
        ("deny", "limits.tool-calls"),
    ]


def test_refused_calls_do_not_count_against_the_cap() -> None:
    bench = begun(worker(tool_calls=1))
    bench.answer("", ("unheard_of", "{}"), ("look_up", "{}"), LOOK)
    assert verdicts(bench)[2] == ("allow", "builtin.read")


@pytest.mark.requirement("STOP-7")
def test_an_agent_at_the_deepest_level_may_start_no_sub_run() -> None:
    agent = make_agent(look_up, agents=(writer,), remit=Remit(depth=2))
    brief = ("ask_writer", '{"brief":"x"}')
    allowed, refused = begun(agent, depth=1), begun(agent, depth=2)
    allowed.answer("", brief)
    refused.answer("", brief, LOOK)
    assert verdicts(allowed) == [("allow", "builtin.read")]
    assert verdicts(refused) == [("deny", "limits.depth"), ("allow", "builtin.read")]
    assert "2 deep" in one(refused.log, ToolFailed).text


def test_a_tool_that_is_switched_off_is_refused_and_others_are_not() -> None:
    bench = begun(worker())
    bench.off("tool:send_mail")
    bench.answer("", MAIL, LOOK)
    assert verdicts(bench) == [("deny", "switch.tool:send_mail"), ("allow", "builtin.read")]


def test_switches_that_cannot_be_read_refuse_everything() -> None:
    bench = begun(worker())
    bench.world = type(bench.world)(now_ms=bench.world.now_ms, stale_switches=True)
    bench.answer("", MAIL, LOOK)
    assert verdicts(bench) == [("deny", "switch.unreadable")] * 2


@pytest.mark.requirement("ROL-1", "ROL-2")
@pytest.mark.parametrize(
    ("phase", "follows"),
    [
        ("shadow", ["CallJudged", "ToolCompleted"]),
        ("supervised", ["CallJudged", "ApprovalRequested"]),
        ("autonomous", ["CallJudged", "ToolQueued"]),
    ],
)
def test_what_happens_to_a_write_in_each_phase(phase: Phase, follows: list[str]) -> None:
    bench = begun(make_agent(send_mail, remit=Remit(approvals={send_mail: 0}, phase=phase)))
    assert types(bench.answer("", MAIL))[1:3] == follows


@pytest.mark.requirement("ROL-1")
def test_in_shadow_a_write_is_recorded_and_the_model_goes_on() -> None:
    bench = begun(make_agent(send_mail, remit=Remit(approvals={send_mail: 2}, phase="shadow")))
    bench.answer("", MAIL)
    done = one(bench.log, ToolCompleted)
    assert done.recorded_only
    assert not bench.all_of(ToolRequested)
    assert not bench.all_of(ApprovalRequested)
    assert bench.state.phase == "thinking"


def test_an_agent_in_phase_off_asks_no_model() -> None:
    bench = Bench(make_agent(look_up, remit=Remit(phase="off")))
    assert types(bench.start()) == ["RunStarted", "RunStopping", "RunEnded"]
    assert (bench.state.reason, bench.state.detail) == (
        "switched-off",
        "agent worker is in phase off",
    )


@pytest.mark.requirement("PERM-1")
def test_a_deny_rule_on_the_arguments_wins_over_a_declared_permission() -> None:
    evil = Rule(
        id="no-evil",
        effect="deny",
        tool="send_*",
        arguments=(ArgumentPattern(name="to", pattern=r"@evil\.example$"),),
    )
    bench = begun(make_agent(send_mail, remit=Remit(approvals={send_mail: 0}, rules=[evil])))
    bench.answer("", ("send_mail", '{"to":"x@evil.example"}'), MAIL)
    assert verdicts(bench) == [("deny", "no-evil"), ("allow", "remit.approvals.send_mail")]


@pytest.mark.requirement("PERM-2")
def test_a_write_that_only_some_rule_covers_is_denied_where_none_does() -> None:
    good = Rule(
        id="good",
        effect="allow",
        tool="send_mail",
        arguments=(ArgumentPattern(name="to", pattern=r"@good\.example$"),),
    )
    bench = begun(make_agent(send_mail, remit=Remit(rules=[good])))
    bench.answer("", MAIL, ("send_mail", '{"to":"x@good.example"}'))
    assert verdicts(bench) == [("deny", "builtin.default-deny"), ("allow", "good")]


@pytest.mark.requirement("PERM-6", "TOOL-13")
def test_the_authority_says_how_many_humans_a_call_needs() -> None:
    remit = Remit(approvals={send_mail: 0, write_doc: 1, commit_tree: 2, pay_bill: 0})
    bench = begun(make_agent(send_mail, write_doc, commit_tree, pay_bill, remit=remit))
    bench.answer("", MAIL, WRITE, ("commit_tree", '{"name":"a"}'), ("pay_bill", '{"amount":"1"}'))
    assert [(event.effect, event.needed) for event in bench.all_of(CallJudged)] == [
        ("allow", 0),
        ("ask", 1),
        ("ask", 2),
        ("ask", 1),
    ]
    assert bench.all_of(CallJudged)[-1].rule == "builtin.high-risk"


def test_what_a_model_proposes_while_the_run_stops_is_judged_and_refused() -> None:
    bench = begun(worker())
    bench.cancel()
    events = bench.answer("", MAIL)
    assert types(events) == ["ModelCompleted", "CallJudged", "ToolFailed", "RunEnded"]
    assert one(events, CallJudged).rule == "builtin.stopping"
    assert one(events, ToolFailed).kind == "cancelled"
