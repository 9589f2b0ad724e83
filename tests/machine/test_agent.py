"""Agents and remits are checked when they are declared, and become data that says it all."""

import json
from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from remit.errors import ArgumentError, ConfigError, SpecError
from remit.machine.agent import Agent, Prompt, Remit
from remit.machine.declaring import tool
from remit.machine.inputs import Inspection
from remit.machine.spec import FINAL_TOOL
from remit.machine.tools import AnyTool
from remit.policy.permission import Rule
from remit.policy.phase import Phase
from tests.machine.bench import MODEL, make_agent, settled
from tests.machine.toolbox import look_up, pay_bill, send_mail, write_doc, writer


class Receipt(BaseModel):
    """What was paid."""

    number: int
    lines: list["Receipt"] = []


def plain(**changes: object) -> Agent[object]:
    make: Callable[..., Agent[object]] = Agent
    return make(**{"name": "a", "model": MODEL, "instructions": "x", **changes})


def inspect(agent: Agent[object], name: str, text: str) -> Inspection:
    return settled(agent.inspect("c1-1", name, text))


# ---------------------------------------------------------------- declarations


@pytest.mark.requirement("PERM-6")
@pytest.mark.parametrize("rules", [(), (Rule(id="r", effect="allow", tool="look_*"),)])
def test_a_write_without_authority_is_refused_with_the_remedy(rules: tuple[Rule, ...]) -> None:
    with pytest.raises(SpecError, match=r"'send_mail' has no authority; say Remit\(approvals="):
        make_agent(look_up, send_mail, remit=Remit(rules=rules))


@pytest.mark.requirement("PERM-6")
@pytest.mark.parametrize(
    "remit",
    [
        Remit(approvals={send_mail: 0}),
        Remit(approvals={"send_mail": 2}),
        Remit(approvals={"send_*": 1}),
        Remit(rules=[Rule(id="r", effect="deny", tool="*")]),
    ],
)
def test_authority_is_an_approval_by_tool_name_or_glob_or_a_rule(remit: Remit) -> None:
    assert make_agent(send_mail, remit=remit).tools == (send_mail,)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "claude"}, "'claude' names no provider"),
        ({"model": ":x"}, "names no provider"),
        ({"model": "scripted:"}, "names no provider"),
        ({"tools": [look_up, look_up]}, "two tools are named look_up"),
        ({"agents": [writer, writer]}, "two tools are named ask_writer"),
        ({"max_output_tokens": 0}, "max_output_tokens, which is 0"),
        ({"thinking_tokens": 4096}, "thinking_tokens is 4096"),
        ({"thinking_tokens": -1}, "thinking_tokens is -1"),
        ({"effort": "much"}, "effort is 'much'; it is one of none, minimal, low"),
        ({"remit": Remit(cost_usd="much")}, "'much' is not an amount"),
        ({"remit": Remit(timeout="soon")}, "'soon' is not a duration"),
        ({"remit": Remit(turns=0)}, "turns: Input should be greater than or equal to 1"),
        ({"remit": Remit(approvals={"x": 3})}, "approvals['x'] is 3"),
        ({"remit": Remit(approvals={"x": 2}, approvers=["ann"])}, "there are 1 approvers"),
        ({"remit": Remit(approvals={"x": 2}, approvers=["ann", "ann"])}, "asks 2 different"),
    ],
)
def test_a_declaration_that_could_not_work_is_refused(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(SpecError) as refused:
        plain(**changes)
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "-a", "ä", "x" * 129])
def test_a_name_that_could_not_stand_in_an_address_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="agent"):
        plain(name=name)


def test_two_tools_of_one_name_are_found_across_kinds() -> None:
    @tool
    def ask_writer(brief: str) -> str:
        """Ask."""
        return brief

    @tool(access="read", name=FINAL_TOOL)
    def finish(text: str) -> str:
        """Finish."""
        return text

    with pytest.raises(SpecError, match="ask_writer"):
        plain(tools=[ask_writer], agents=[writer])
    with pytest.raises(SpecError, match="final_answer"):
        plain(tools=[finish], output_type=int)


@pytest.mark.parametrize(
    ("name", "tool_name"),
    [("Writer-2", "ask_writer_2"), ("a.b@c+d", "ask_a_b_c_d"), ("x" * 100, "ask_" + "x" * 60)],
)
def test_a_sub_agents_tool_has_a_name_that_providers_accept(name: str, tool_name: str) -> None:
    sub = Agent(name, model=MODEL, instructions="x")
    spec = plain(agents=[sub]).spec(str).tools[0]
    assert (spec.name, spec.agent, spec.kind) == (tool_name, name, "agent")
    assert spec.description == f"Hands a task to the agent {name}."


# ---------------------------------------------------------------- the declaration as data


def test_instructions_are_a_text_or_a_file_that_is_read_at_start() -> None:
    assert plain(instructions="Work.").spec(str).instructions == "Work."
    prompt = Prompt.file("prompts/a.md", version="7")
    spec = plain(instructions=prompt).spec(lambda path: f"text of {path}")
    assert (spec.instructions, spec.prompt) == ("text of prompts/a.md", "prompts/a.md 7")
    assert plain(instructions=Prompt("Hi.", name="greeting")).spec(str).prompt == "greeting"


def test_everything_declared_stands_in_the_spec() -> None:
    remit = Remit(owner="ops@acme", systems=["crm"], approvers=["ann"], success=bool)
    spec = plain(remit=remit, max_output_tokens=99, thinking_tokens=9).spec(str)
    assert (spec.name, spec.model, spec.owner, spec.systems) == ("a", MODEL, "ops@acme", ("crm",))
    assert (spec.approvers, spec.has_predicate) == (("ann",), True)
    assert (spec.max_output_tokens, spec.thinking_tokens) == (99, 9)
    assert (spec.output_schema, spec.tools) == (None, ())
    assert not plain().spec(str).has_predicate


@pytest.mark.requirement("ORC-2")
def test_a_sub_agent_keeps_its_own_tools() -> None:
    sub: Agent[object] = Agent("sub", model=MODEL, instructions="x", tools=[look_up])
    spec = plain(tools=[write_doc], agents=[sub], remit=Remit(approvals={write_doc: 0})).spec(str)
    assert [tool.name for tool in spec.tools] == ["write_doc", "read_result", "ask_sub"]
    assert [tool.name for tool in spec.agents[0].tools] == ["look_up", "read_result"]


@pytest.mark.requirement("ROL-1")
@pytest.mark.parametrize(
    ("mine", "own", "expected"),
    [
        ("shadow", "autonomous", "shadow"),
        ("supervised", "autonomous", "supervised"),
        ("autonomous", "shadow", "shadow"),
        ("autonomous", "autonomous", "autonomous"),
    ],
)
def test_a_sub_agent_is_trusted_no_further_than_the_agent_above(
    mine: Phase, own: Phase, expected: Phase
) -> None:
    lowest: Agent[object] = Agent("c", model=MODEL, instructions="x", remit=Remit(phase=own))
    middle: Agent[object] = Agent("b", model=MODEL, instructions="x", agents=[lowest])
    spec = plain(agents=[middle], remit=Remit(phase=mine)).spec(str)
    assert spec.agents[0].phase == ("autonomous" if mine == "autonomous" else mine)
    assert spec.agents[0].agents[0].phase == expected


@pytest.mark.requirement("STOP-7")
def test_a_sub_agent_nests_no_deeper_than_the_agent_above_allows() -> None:
    lowest: Agent[object] = Agent("c", model=MODEL, instructions="x", remit=Remit(depth=1))
    middle: Agent[object] = Agent("b", model=MODEL, instructions="x", agents=[lowest])
    spec = plain(agents=[middle], remit=Remit(depth=2)).spec(str)
    assert [each.limits.depth for each in (spec, spec.agents[0], spec.agents[0].agents[0])] == [
        2,
        2,
        1,
    ]


def test_tools_and_agents_are_found_by_name() -> None:
    agent = plain(tools=[look_up], agents=[writer])
    assert agent.tool("look_up") is look_up
    assert agent.agent("writer") is writer
    assert agent.tool("writer") is None
    assert agent.agent("look_up") is None


# ---------------------------------------------------------------- answers


def test_an_answer_of_text_needs_no_tool() -> None:
    agent = plain()
    assert agent.read_answer('"hi"') == "hi"
    assert agent.spec(str).tools == ()


def test_an_answer_type_becomes_the_final_tool_and_is_read_back() -> None:
    agent: Agent[Receipt] = Agent("a", model=MODEL, instructions="x", output_type=Receipt)
    spec = agent.spec(str)
    assert [(tool.name, tool.kind) for tool in spec.tools] == [(FINAL_TOOL, "final")]
    schema = json.loads(spec.tools[0].parameters)
    assert list(schema["properties"]) == ["answer"]
    assert schema["properties"]["answer"]["$ref"] == "#/$defs/Receipt"
    assert "Receipt" in schema["$defs"]
    assert spec.output_schema is not None
    assert agent.read_answer('{"number":3}') == Receipt(number=3)
    with pytest.raises(ArgumentError, match="number: Input should be a valid integer"):
        agent.read_answer('{"number":"x"}')


def test_an_answer_type_may_be_any_type() -> None:
    small = Annotated[int, Field(le=9)]
    agent: Agent[object] = plain(output_type=small)
    assert agent.read_answer("9") == 9
    with pytest.raises(ArgumentError, match="less than or equal to 9"):
        agent.read_answer("10")


# ---------------------------------------------------------------- inspecting


def test_a_function_tool_is_asked_itself() -> None:
    agent = plain(tools=[look_up])
    assert inspect(agent, "look_up", '{"path":"a"}') == settled(
        look_up.inspect("c1-1", '{"path":"a"}')
    )


def test_a_tool_that_is_not_there_is_an_error() -> None:
    assert inspect(plain(), "nope", "{}").error == "there is no tool 'nope'"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("ask_writer", "{}", "the text 'brief'"),
        ("ask_writer", '{"brief":"x","history":[]}', "the text 'brief'"),
        ("ask_writer", "not json", "not JSON"),
        ("ask_writer", '{"brief":"\\ud800"}', "surrogates"),
        ("ask_writer", "", "the text 'brief'"),
        (FINAL_TOOL, '{"answer":"x"}', "valid integer"),
        (FINAL_TOOL, "5", "one object with the key 'answer'"),
        (FINAL_TOOL, '{"answer":NaN}', "no JSON number"),
    ],
)
def test_briefs_and_answers_that_do_not_fit_are_told_to_the_model(
    name: str, text: str, says: str
) -> None:
    found = inspect(plain(agents=[writer], output_type=int), name, text)
    assert found.error is not None
    assert says in found.error


def test_briefs_and_answers_have_digests() -> None:
    agent = plain(agents=[writer], output_type=int)
    brief = inspect(agent, "ask_writer", '{ "brief": "x" }')
    assert brief.arguments == '{"brief":"x"}'
    assert brief.digest
    assert brief.digest != inspect(agent, "ask_writer", '{"brief":"y"}').digest
    assert inspect(agent, FINAL_TOOL, '{"answer":5}').error is None


def test_tools_of_every_signature_fit_one_declaration() -> None:
    tools: list[AnyTool] = [look_up, pay_bill, send_mail]
    agent: Agent[object] = Agent(
        "a",
        model=MODEL,
        instructions="x",
        tools=tools,
        remit=Remit(approvals={pay_bill: 1, send_mail: 0}),
    )
    assert agent.tools == tuple(tools)


@pytest.mark.requirement("PROV-9")
@pytest.mark.parametrize(
    ("model", "fallbacks", "ceiling", "text"),
    [
        ({"m:x": -1}, (), None, "'m:x' has weight -1"),
        ("m:x", ("m:x",), None, "'m:x' stands there twice"),
        ({}, (), None, "it has no model"),
        ("m:x", ("y",), None, "model 'y' names no provider"),
        ("m:x", (), 9, "output_ceiling is 9, below max_output_tokens"),
    ],
)
def test_models_that_make_no_sense_are_refused(
    model: str | dict[str, int], fallbacks: tuple[str, ...], ceiling: int | None, text: str
) -> None:
    with pytest.raises(SpecError, match=text):
        Agent("a", model=model, fallbacks=fallbacks, instructions="Go.", output_ceiling=ceiling)


@pytest.mark.requirement("PROV-9")
def test_several_models_have_their_weights() -> None:
    agent = Agent("a", model={"m:x": 3, "m:y": 1}, fallbacks=["n:z"], instructions="Go.")
    found = [(each.model, each.weight) for each in agent.spec(str).candidates]
    assert found == [("m:x", 3), ("m:y", 1), ("n:z", 0)]
