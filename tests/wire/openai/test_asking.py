"""Effort, schemas, results and files as both OpenAI protocols ask for them."""

import json
from dataclasses import replace
from typing import Literal, get_args

import pytest
from openai.types.shared.reasoning_effort import ReasoningEffort

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, document
from remit.values.message import Message, Origin, ResultPart, TextPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.jsontext import parse
from remit.wire.node import Node
from remit.wire.openai.asking import (
    EFFORTS,
    check_document,
    conversation_key,
    effort_of,
    file_name,
    image_detail,
    is_strict,
    merged,
    output_schema,
    read_effort,
    read_name,
    result_text,
    schema_of,
)
from tests.wire.strategies import MODEL, USER

clean = Clean.vouch
ASKED = ModelRequest(model="gpt-6-sol", system="", messages=(), max_output_tokens=1)


def test_the_efforts_are_those_of_the_sdk() -> None:
    (literal, _none) = get_args(ReasoningEffort)
    assert get_args(literal) == EFFORTS


@pytest.mark.parametrize(
    ("model", "tokens", "effort"),
    [
        ("gpt-6-sol", 0, None),
        ("gpt-6-sol", 1024, "low"),
        ("gpt-6-sol", 1025, "medium"),
        ("gpt-5.2-2025-12-11", 8193, "high"),
        ("o3-2025-04-16", 1, "low"),
        ("codex-mini", 1, "low"),
        ("gpt-10", 1, "low"),
        ("gpt-5-chat-latest", 1, None),
        ("gpt-4o-2024-11-20", 1, None),
        ("llama-4", 1, None),
    ],
)
def test_a_budget_becomes_an_effort_for_models_that_reason(
    model: str, tokens: int, effort: str | None
) -> None:
    assert effort_of(replace(ASKED, model=model, thinking_tokens=tokens)) == effort


@pytest.mark.parametrize("model", ["gpt-6-sol", "llama-4"])
def test_an_effort_that_was_asked_for_is_sent(model: str) -> None:
    assert effort_of(replace(ASKED, model=model, effort="max", thinking_tokens=5)) == "max"


def test_efforts_are_read() -> None:
    assert read_effort(None) is None
    assert read_effort(Node("xhigh", "bad_request")) == "xhigh"
    with pytest.raises(ProviderError, match=r"Invalid value: 'some'\. Supported"):
        read_effort(Node("some", "bad_request"))


def strict(**members: object) -> dict[str, object]:
    names = list(members)
    return {
        "type": "object",
        "properties": members,
        "required": names,
        "additionalProperties": False,
    }


TEXT = {"type": "string", "description": "x"}
STRICT: dict[str, object] = {
    "flat": strict(a=TEXT, b={"type": ["integer", "null"]}),
    "empty": strict(),
    "nested": strict(a=strict(b=TEXT), c={"type": "array", "items": strict(d=TEXT)}),
    "choice": strict(a={"anyOf": [TEXT, {"type": "null"}]}),
    "by reference": strict(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": {"enum": ["a"]}}},
}
LOOSE: dict[str, object] = {
    "open": {"type": "object", "properties": {}, "required": []},
    "without properties": {"type": "object", "additionalProperties": False},
    "an optional member": strict(a=TEXT) | {"required": []},
    "a strange requirement": strict(a=TEXT) | {"required": "a"},
    "a length": strict(a={"type": "string", "minLength": 3}),
    "an open member": strict(a={"type": "object"}),
    "an open choice": strict(a={"anyOf": [{"type": "object"}]}),
    "an open item": strict(a={"type": "array", "items": {"format": "date"}}),
    "an open definition": strict() | {"$defs": {"x": {"type": "object"}}},
    "no object": {"type": "array", "items": strict()},
    "no schema within": strict(a=True),
}


@pytest.mark.parametrize("case", STRICT)
def test_schemas_that_can_be_enforced(case: str) -> None:
    text = json.dumps(STRICT[case])
    assert output_schema(replace(ASKED, output_schema=text)) == (text, True)


@pytest.mark.parametrize("case", LOOSE)
def test_schemas_that_cannot(case: str) -> None:
    text = json.dumps(LOOSE[case])
    assert output_schema(replace(ASKED, output_schema=text)) == (text, False)


def test_a_schema_that_is_no_object_is_refused() -> None:
    with pytest.raises(ProviderError, match="output_schema is not a JSON object"):
        output_schema(replace(ASKED, output_schema="[]"))
    with pytest.raises(ProviderError, match="tool 'find': its schema is not a JSON object"):
        schema_of(ToolSchema("find", "", "[]"))
    assert schema_of(ToolSchema("find", "", '{"maximum":1.10}')) == '{"maximum":1.10}'
    assert not is_strict(parse("[]"))


def test_errors_are_marked() -> None:
    result = ResultPart(call="c", tool="t", text=clean("gone"), origin=Origin(kind="tool"))
    assert result_text(result) == "gone"
    assert result_text(result.model_copy(update={"is_error": True})) == "[error] gone"


@pytest.mark.parametrize(
    ("media_type", "name", "sent"),
    [
        (PDF, "", "document.pdf"),
        ("text/csv", "", "document.txt"),
        (PDF, "letter.pdf", "letter.pdf"),
    ],
)
def test_files_always_have_a_name(
    media_type: Literal["application/pdf", "text/csv"], name: str, sent: str
) -> None:
    assert file_name(document(b"%PDF", media_type, USER, clean(name))) == sent
    assert read_name(Node(sent, "bad_request")) == name


def test_a_missing_name() -> None:
    assert read_name(None) == ""


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"])
def test_the_model_to_which_images_are_dear(model: str) -> None:
    assert image_detail(model) == "low"
    with pytest.raises(ProviderError, match="over 30,000 tokens for a page"):
        check_document(model)


def test_other_models_see_whole_images() -> None:
    assert image_detail("gpt-4o-2024-11-20") == "auto"
    check_document("gpt-4o-2024-11-20")


def test_neighbours_become_one_turn() -> None:
    a, b = TextPart(text=clean("a"), origin=USER), TextPart(text=clean("b"), origin=USER)
    c = TextPart(text=clean("c"), origin=MODEL)
    assert merged([]) == ()
    assert merged(
        [
            Message(role="user", parts=(a,)),
            Message(role="user", parts=(b,)),
            Message(role="assistant", parts=(c,)),
        ]
    ) == (Message(role="user", parts=(a, b)), Message(role="assistant", parts=(c,)))


def test_the_key_of_a_conversation_stays_and_is_its_own() -> None:
    first, other = conversation_request("hello"), conversation_request("good day")
    later = replace(first, messages=(*first.messages, *other.messages), max_output_tokens=9)
    key = conversation_key(first)
    assert len(key) == 32
    assert conversation_key(later) == key
    tools = (ToolSchema("find", "Finds.", "{}"),)
    changed = (other, replace(first, system="x"), replace(first, tools=tools))
    assert len({key, *map(conversation_key, changed)}) == 4
    assert conversation_key(replace(first, messages=())) != key
    assert "hello" not in key


def conversation_request(text: str) -> ModelRequest:
    part = TextPart(text=Clean.vouch(text), origin=Origin(kind="user"))
    message = Message(role="user", parts=(part,))
    return ModelRequest(model="m", system="", messages=(message,), max_output_tokens=100)
