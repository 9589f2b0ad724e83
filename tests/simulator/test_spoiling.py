"""Answers that are spoiled in what they say, and requests that make up calls."""

import json

import pytest
from typing_extensions import override

from remit.policy.specimen import planted
from remit.simulator.compose import compose
from remit.simulator.scenario import ECHO, Fault, FaultKind, Rule, Scenario, play
from remit.simulator.spoiling import SECRET, SPOILING, UNKNOWN_TOOL
from remit.values.model import (
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    ToolSchema,
)
from tests.simulator.conversations import answered, asked, called, user

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "flag": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "kind": {"enum": ["a", "b"]},
        "fixed": {"const": "c"},
        "inner": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        "odd": {"anyOf": [{"type": "string"}]},
        "left_out": {"type": "string"},
    },
    "required": ["name", "count", "flag", "tags", "kind", "fixed", "inner", "odd"],
}


def spoiled(
    kind: FaultKind, request: ModelRequest, *parts: RawPart, **flaw: str | int
) -> ModelAnswer:
    """What a script's answer becomes under a fault."""
    fault = Fault(kind=kind, model=str(flaw.get("model", "")))
    if "size_bytes" in flaw:
        fault = Fault(kind=kind, size_bytes=int(flaw["size_bytes"]))

    class Fixed(Scenario):
        @override
        def reply(self, request: ModelRequest) -> tuple[Rule, ModelAnswer]:
            return Rule(), compose(request, *parts)

    answer = play(Fixed(faults=(fault,)), request, "d", 0).answer
    assert answer is not None
    return answer


def offering(schema: object, *messages: str) -> ModelRequest:
    base = asked(*(user(text) for text in messages or ("go",)))
    tool = ToolSchema("find", "", json.dumps(schema))
    return ModelRequest(
        model=base.model, system="", messages=base.messages, tools=(tool,), max_output_tokens=99
    )


@pytest.mark.requirement("TST-3")
def test_arguments_are_cut_in_their_middle() -> None:
    answer = spoiled("cut_arguments", asked(), RawText("hm"), RawCall("", "find", '{"n":1}'))
    text, call = answer.parts
    assert text == RawText("hm")
    assert isinstance(call, RawCall)
    assert call.arguments == '{"n'
    assert answer.stop == "tools"
    (made,) = spoiled("cut_arguments", offering({})).parts
    assert isinstance(made, RawCall), "a call is made up where there is none"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(made.arguments)


@pytest.mark.requirement("TST-3")
def test_a_tool_that_nobody_offered() -> None:
    answer = spoiled("unknown_tool", offering({}), RawText("hm"), RawCall("", "find", "{}"))
    assert [part.tool for part in answer.parts if isinstance(part, RawCall)] == [UNKNOWN_TOOL]


@pytest.mark.requirement("TST-3")
def test_a_loop_calls_the_first_tool_with_arguments_that_its_schema_permits() -> None:
    request = offering(SCHEMA)
    (call,) = spoiled("tool_loop", request, RawText("done")).parts
    assert isinstance(call, RawCall)
    assert call.tool == "find"
    arguments = json.loads(call.arguments)
    assert set(arguments) == set(SCHEMA["required"])
    assert (arguments["count"], arguments["flag"], arguments["tags"]) == (0, True, [])
    assert (arguments["kind"], arguments["fixed"], arguments["inner"]) == ("a", "c", {"x": 0})
    assert arguments["odd"] is None


def test_a_loop_never_repeats_itself_and_prefers_the_answers_own_call() -> None:
    first = offering(SCHEMA)
    messages = (user("go"), called("1"), answered(("1", "x")))
    second = ModelRequest(
        model="m", system="", messages=messages, tools=first.tools, max_output_tokens=99
    )
    (one,), (two,) = (spoiled("tool_loop", each).parts for each in (first, second))
    assert isinstance(one, RawCall)
    assert isinstance(two, RawCall)
    assert one.arguments != two.arguments
    own = RawCall("i", "other", "{}")
    assert spoiled("tool_loop", first, RawText("x"), own).parts == (own,)
    (stray,) = spoiled("tool_loop", asked()).parts
    assert isinstance(stray, RawCall)
    assert stray.tool == UNKNOWN_TOOL, "no tool is offered"
    (bare,) = spoiled("tool_loop", offering("no schema")).parts
    assert isinstance(bare, RawCall)
    assert bare.arguments == "{}"


@pytest.mark.requirement("TST-3")
def test_nothing_is_said() -> None:
    answer = spoiled("empty", asked(), RawText("hm"))
    assert (answer.parts, answer.stop) == ((), "end")


@pytest.mark.requirement("TST-3")
def test_an_answer_is_cut_as_at_an_output_limit() -> None:
    thought = RawThinking("t", "s")
    answer = spoiled("max_tokens", asked(), thought, RawText("abcd"), RawCall("i", "f", '{"a":1}'))
    assert answer.parts == (thought, RawText("ab"), RawCall("i", "f", '{"a'))
    assert answer.stop == "max_tokens"


@pytest.mark.requirement("TST-3", "PROV-6")
def test_another_model_answers() -> None:
    assert spoiled("drift", asked(model="m")).model == "m-next"
    assert spoiled("drift", asked(model="m"), model="other").model == "other"


@pytest.mark.requirement("TST-3")
def test_a_secret_is_given_away_the_same_one_for_the_same_task() -> None:
    _, token = planted(SECRET, "go")
    answer = spoiled("secret", asked(user("go")), RawText("hm"), RawCall("i", "f", "{}"))
    assert token in "".join(part.text for part in answer.parts if isinstance(part, RawText))
    assert isinstance(answer.parts[-1], RawCall)
    (alone,) = spoiled("secret", asked(user("go"))).parts
    assert alone == RawText(planted(SECRET, "go")[0])
    assert token != planted(SECRET, "other")[1]


@pytest.mark.requirement("TST-3")
def test_a_giant_answer_bills_no_more_than_the_limit() -> None:
    request = asked(limit=77)
    answer = spoiled("giant", request, RawText("hm"), size_bytes=1001)
    (text,) = answer.parts
    assert isinstance(text, RawText)
    assert len(text.text) == 1001
    assert answer.usage.output == 77


@pytest.mark.parametrize("kind", SPOILING)
def test_counts_that_a_rule_gave_are_kept(kind: FaultKind) -> None:
    fault = Fault(kind=kind)
    base = compose(asked(), RawText("hm"), input_tokens=5)

    class Fixed(Scenario):
        @override
        def reply(self, request: ModelRequest) -> tuple[Rule, ModelAnswer]:
            return Rule(), base

    answer = play(Fixed(faults=(fault,)), asked(), "d", 0).answer
    assert answer is not None
    assert answer.usage.input == 5


def test_a_fault_of_a_script_spoils_an_echo() -> None:
    made = play(lambda _: Fault(kind="secret"), asked(user("go")), "d", 0)
    assert made.answer is not None
    assert made.answer.parts[0] == ECHO.reply(asked(user("go")))[1].parts[0]
