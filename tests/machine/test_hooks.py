"""Hooks: how they are declared, what they see, and that they only ever tighten."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from remit import Agent, Remit, after_tool, before_tool, tool
from remit.errors import SpecError
from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    HookAnswered,
    InboxIgnored,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
)
from remit.machine.hooks import (
    MAX_HOOKS,
    AfterAnswer,
    BeforeAnswer,
    Hook,
    HookedCall,
    HookedResult,
    changed_text,
    frozen,
    hooks_by_name,
    hooks_on,
    with_hooks,
)
from remit.machine.inputs import Inspection
from remit.machine.tools import AnyTool
from remit.policy.permission import ArgumentPattern, Rule
from tests.machine.bench import MODEL, Bench, make_agent, one
from tests.machine.hooked import changes, holds, holds_and_changes, lets_go, refuses
from tests.machine.toolbox import look_up, pay_bill, read_doc, send_mail, write_doc

MAIL = ("send_mail", '{"to":"x"}')
Says = Callable[[Bench, str, Inspection], Inspection]


def look_on(call: HookedCall) -> BeforeAnswer:
    """Look."""
    return call.go_on()


def keep_all(result: HookedResult) -> AfterAnswer:
    """Keep."""
    return result.keep()


guard = before_tool("send_*", name="guard")(look_on)


@after_tool(look_up, "crm/*", timeout="2s")
async def hide_numbers(result: HookedResult) -> AfterAnswer:
    """Hide."""
    return result.keep()


def a_hook(name: str, *tools: str) -> Hook:
    return before_tool(*tools, name=name)(look_on)


# ---------------------------------------------------------------- declarations


@pytest.mark.requirement("TOOL-11")
def test_a_hook_is_a_function_with_the_tools_it_looks_at() -> None:
    assert (guard.name, guard.spec.when, guard.spec.tools) == ("guard", "before", ("send_*",))
    assert guard.spec.timeout_ms == 5_000
    spec = hide_numbers.spec
    assert (spec.name, spec.when, spec.tools) == ("hide_numbers", "after", ("look_up", "crm/*"))
    assert spec.timeout_ms == 2_000


@pytest.mark.requirement("TOOL-11")
@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: before_tool()(look_on), "say which tools it looks at: @before_tool"),
        (lambda: after_tool("x", name="No Name")(keep_all), "a name is 2 to 64"),
        (lambda: before_tool("x", timeout="soon")(look_on), "'soon' is not a duration"),
        (lambda: before_tool("x", timeout="61s")(look_on), "above 60 s"),
        (lambda: before_tool("")(look_on), "'' is no tool and no glob"),
        (lambda: before_tool(look_on)(look_on), "is no tool and no glob"),  # type: ignore[arg-type]  # a decorator without its tools
        (lambda: hooks_by_name([look_on]), "is no hook: declare it"),  # type: ignore[list-item]  # the function alone
        (lambda: hooks_by_name([a_hook("a1", "x"), a_hook("a1", "y")]), "two hooks are named 'a1'"),
        (
            lambda: with_hooks((a_hook(f"h{n}", "x").spec for n in range(MAX_HOOKS + 1)), ()),
            "33 hooks look at one agent's calls",
        ),
    ],
)
def test_a_hook_that_cannot_work_is_refused(declare: Callable[[], object], words: str) -> None:
    with pytest.raises(SpecError, match=words.replace("(", r"\(")):
        declare()


@pytest.mark.requirement("TOOL-11")
def test_hooks_find_their_tools_by_name_or_server() -> None:
    served = look_up.spec.model_copy(update={"server": "crm", "name": "crm_look"})
    every, theirs = a_hook("every", "*").spec, a_hook("theirs", "crm/*").spec
    assert hooks_on((every, theirs), "before", served) == (every, theirs)
    assert hooks_on((every, theirs), "before", look_up.spec) == (every,)
    assert hooks_on((every,), "after", look_up.spec) == ()
    assert hooks_on((every,), "before", None) == ()
    from_server = before_tool(crm_tool())(look_on)
    assert from_server.spec.tools == ("crm/look_up",)


def crm_tool() -> AnyTool:
    """A tool of a server."""
    return replace(look_up, spec=look_up.spec.model_copy(update={"server": "crm"}))


@pytest.mark.requirement("TOOL-11")
def test_the_final_answer_and_reading_on_are_not_looked_at() -> None:
    spec = make_agent(look_up, output_type=int).spec(str)
    every = a_hook("every", "*").spec
    seen = [tool.name for tool in spec.tools if hooks_on((every,), "before", tool)]
    assert seen == ["look_up"]


@pytest.mark.requirement("TOOL-11")
def test_hooks_hold_below_and_those_of_wider_reach_come_last() -> None:
    mine, ours = a_hook("mine", "*"), a_hook("ours", "*")
    lowest: Agent[object] = Agent("c", model=MODEL, instructions="x", remit=Remit(hooks=[ours]))
    middle: Agent[object] = Agent(
        "b", model=MODEL, instructions="x", agents=[lowest], remit=Remit(hooks=[mine])
    )
    top: Agent[object] = Agent(
        "a", model=MODEL, instructions="x", agents=[middle], remit=Remit(hooks=[ours, guard])
    )
    spec = top.spec(str)
    assert [hook.name for hook in spec.hooks] == ["ours", "guard"]
    assert [hook.name for hook in spec.agents[0].hooks] == ["mine", "ours", "guard"]
    assert [hook.name for hook in spec.agents[0].agents[0].hooks] == ["ours", "mine", "guard"]


def test_a_declaration_without_hooks_keeps_its_digest() -> None:
    assert b"hooks" not in make_agent(look_up).spec(str).model_dump_json().encode()


@pytest.mark.requirement("APR-1", "TOOL-11")
def test_a_hook_may_have_approvers_of_its_own() -> None:
    bench = begun(holds, approvers={"hook.guard": ["boss"], "*": ["carl"]})
    bench.answer("", MAIL)
    assert bench.last(ApprovalRequested).approvers == ("boss",)


@pytest.mark.requirement("TOOL-11")
def test_what_sends_messages_is_a_write() -> None:
    @tool(access="write", sends=True)
    def write_letter(to: str) -> str:
        """Write."""
        return to

    assert write_letter.spec.sends
    with pytest.raises(SpecError, match="what sends messages is a write"):

        @tool(sends=True)
        def read_letter(to: str) -> str:
            """Read."""
            return to


# ---------------------------------------------------------------- what they see and answer


@pytest.mark.requirement("TOOL-11")
def test_the_arguments_cannot_be_changed_in_place() -> None:
    seen = frozen('{"to":["a",{"b":1.10}],"n":2}')
    assert seen["to"] == ("a", {"b": Decimal("1.10")})
    assert seen["n"] == 2  # as it was given
    with pytest.raises(TypeError):
        seen["to"] = "x"  # type: ignore[index]  # what the test shows
    assert frozen("") == {}
    assert changed_text(seen, {"n": 3}) == '{"to":["a",{"b":1.10}],"n":3}'
    with pytest.raises(ValueError, match="nothing that JSON can say"):
        changed_text(seen, {"n": object()})


def test_the_words_of_a_hook_are_values() -> None:
    call = HookedCall(
        tool="send_mail",
        server="",
        access="write",
        risk="low",
        arguments={"to": "x"},
        agent="a",
        tenant="acme",
        user="ann",
        roles=(),
        session="s",
        run="r",
        call="c1-1",
        labels=(),
        environment="dev",
    )
    assert call.go_on() == BeforeAnswer(word="go-on")
    assert call.change(to="y") == BeforeAnswer(word="change", arguments={"to": "y"})
    assert call.refuse("no") == BeforeAnswer(word="refuse", reason="no")
    assert call.hold("look") == BeforeAnswer(word="hold", reason="look")
    result = HookedResult(call=call, text="x", is_error=False)
    assert result.keep() == AfterAnswer(word="keep")
    assert result.change("y") == AfterAnswer(word="change", text="y")
    withheld = AfterAnswer(word="withhold", reason="no", keep_whole=True)
    assert result.withhold("no", keep_whole=True) == withheld


# ---------------------------------------------------------------- verdicts


FREE: dict[AnyTool | str, int] = {send_mail: 0, write_doc: 0, pay_bill: 1}


def begun(hook: Says, **words: object) -> Bench:
    """A run whose hook says this; `words` are those of the remit."""
    declared: dict[str, object] = {"approvals": FREE, "hooks": [guard], **words}
    make: Callable[..., Remit] = Remit
    tools = (look_up, read_doc, send_mail, write_doc, pay_bill)
    bench = Bench(make_agent(*tools, remit=make(**declared)))
    bench.hook = hook
    bench.start()
    return bench


@pytest.mark.requirement("PERM-3", "TOOL-11")
def test_a_refusal_is_journalled_as_the_rule_and_told() -> None:
    bench = begun(refuses)
    events = bench.answer("", MAIL)
    assert [event.type for event in events[1:4]] == ["HookAnswered", "CallJudged", "ToolFailed"]
    judged = one(events, CallJudged)
    assert (judged.effect, judged.rule, judged.reason) == ("deny", "hook.guard", "so")
    failed = one(events, ToolFailed)
    assert (failed.kind, failed.text) == ("denied", "refused: so (hook.guard)")
    assert not bench.all_of(ToolRequested)


@pytest.mark.requirement("TOOL-11", "APR-1")
def test_what_is_held_waits_for_a_human_where_the_rules_allow() -> None:
    bench = begun(holds)
    bench.answer("", MAIL)
    asked = bench.last(ApprovalRequested)
    assert (asked.rule, asked.needed, asked.reason) == ("hook.guard", 1, "so")
    assert not bench.all_of(ToolRequested)
    bench.approve()
    assert bench.all_of(ToolRequested)


@pytest.mark.requirement("TOOL-11")
def test_a_hook_lifts_nothing_that_the_rules_say() -> None:
    never = Rule(id="never", effect="deny", tool="send_mail")
    bench = begun(holds, rules=[never], approvals={**FREE, pay_bill: 2})
    bench.answer("", MAIL, ("pay_bill", '{"amount":"1"}'))
    denied, asked = bench.all_of(CallJudged)
    assert (denied.effect, denied.rule) == ("deny", "never")
    assert (asked.effect, asked.rule, asked.needed) == ("ask", "remit.approvals.pay_bill", 2)
    shadow = begun(holds, phase="shadow")
    shadow.answer("", MAIL)
    assert one(shadow.log, ToolCompleted).recorded_only


@pytest.mark.requirement("TOOL-11")
def test_what_a_hook_made_of_a_call_is_judged_as_if_the_model_had_asked_so() -> None:
    pattern = ArgumentPattern(name="to", pattern="made")
    outside = Rule(id="no-made", effect="deny", tool="send_mail", arguments=(pattern,))
    bench = begun(changes, rules=[outside])
    bench.answer("", MAIL)
    assert bench.last(CallJudged).rule == "no-made"
    free = begun(changes)
    free.answer("", MAIL)
    word, judged = free.last(HookAnswered), free.last(CallJudged)
    assert (word.word, word.arguments) == ("changed", '{"to":"made"}')
    assert word.before != word.after == judged.digest
    assert free.call().arguments == '{"to":"made"}'
    assert free.all_of(ToolRequested)


@pytest.mark.requirement("TOOL-11", "APR-2")
def test_what_a_human_wrote_goes_through_the_hooks_again() -> None:
    bench = begun(lets_go)
    bench.answer("", ("pay_bill", '{"amount":"1"}'))
    bench.hook = refuses
    bench.approve(arguments='{"amount":"2"}')
    assert "the changed call is refused: so (hook.guard)" in bench.last(InboxIgnored).reason
    assert bench.call().status == "asking"
    bench.hook = lets_go
    bench.approve()
    assert bench.all_of(ToolRequested)


@pytest.mark.requirement("TOOL-11", "APR-2")
def test_nobody_agreed_to_what_a_hook_made_of_what_they_wrote() -> None:
    bench = begun(lets_go)
    bench.answer("", ("pay_bill", '{"amount":"1"}'))
    bench.hook = changes
    bench.approve(arguments='{"amount":"2"}')
    given, asked = bench.last(ApprovalGiven), bench.last(ApprovalRequested)
    assert given.digest != asked.digest
    assert asked.reason == "the hook guard changed what boss wrote"
    assert (bench.call().status, bench.call().given) == ("asking", ())
    assert bench.call().arguments == '{"amount":"3"}'
    assert not bench.all_of(ToolRequested)
    bench.approve()
    assert bench.all_of(ToolRequested)


@pytest.mark.requirement("TOOL-11")
def test_a_changed_call_that_only_a_hook_holds_is_asked_for_by_its_rule() -> None:
    bench = begun(holds)
    bench.answer("", MAIL)
    bench.hook = holds_and_changes
    bench.approve(arguments='{"to":"y"}')
    assert [word.word for word in bench.all_of(HookAnswered)] == ["held", "held", "changed"]
    assert bench.last(ApprovalRequested).rule == "hook.first"
    bench.hook = changes
    bench.approve(arguments='{"to":"z"}')
    assert bench.last(ApprovalRequested).rule == "hook.guard"


@pytest.mark.requirement("TOOL-11")
def test_who_wrote_what_is_held_has_agreed_to_it() -> None:
    bench = begun(lets_go)
    bench.answer("", ("pay_bill", '{"amount":"1"}'))
    bench.hook = holds
    bench.approve(arguments='{"amount":"2"}')
    assert bench.all_of(ToolRequested)
    assert bench.last(HookAnswered).word == "held"
