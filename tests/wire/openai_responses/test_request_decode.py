"""Lists of items as they come in: short forms, nothing stored, mistakes with their place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses.response_create_params import (
    ResponseCreateParamsBase,
    ResponseCreateParamsStreaming,
)

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import DocumentPart, ImagePart, ResultPart, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.openai.asking import NO_LIMIT
from remit.wire.openai_responses.request import encode_request
from remit.wire.openai_responses.request_decode import KNOWN_MEMBERS, decode_request
from tests.wire.anthropic.turns import answered, called, request, said
from tests.wire.strategies import json_objects

clean = Clean.vouch


def decoded(**members: object) -> ModelRequest:
    body = {"model": "m", "input": [], **members}
    return decode_request(json.dumps(body).encode(), clean)


def test_the_known_members_are_those_of_the_sdk() -> None:
    known = ResponseCreateParamsBase.__annotations__
    assert {*known, *ResponseCreateParamsStreaming.__annotations__} == KNOWN_MEMBERS


def test_a_plain_text_is_a_conversation() -> None:
    found = decoded(input="hi")
    assert found.messages == (said("hi"),)
    assert (found.max_output_tokens, found.stream, found.effort) == (NO_LIMIT, False, None)


def test_short_forms_are_understood() -> None:
    found = decoded(
        instructions="one",
        input=[
            {"role": "system", "content": "two"},
            {"role": "developer", "content": [{"type": "input_text", "text": "three"}]},
            {"role": "user", "content": "hi"},
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_1",
                "status": "completed",
                "content": [
                    {"type": "output_text", "text": "ho", "annotations": []},
                    {"type": "refusal", "refusal": "no"},
                ],
            },
            {"type": "function_call", "call_id": "x", "name": "t", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "x", "output": "[error] a"},
        ],
        tools=[{"type": "function", "name": "t", "parameters": None, "strict": None}],
        reasoning={"effort": "high"},
        text={"format": {"type": "json_object"}},
    )
    assert found.system == "one\ntwo\nthree"
    first, second, third = found.messages
    assert (first.text, second.text) == ("hi", "hono")
    (result,) = third.parts
    assert isinstance(result, ResultPart)
    assert (result.call, result.text, result.tool, result.is_error) == ("x", "a", "t", True)
    assert found.tools == (ToolSchema("t", "", '{"type":"object","properties":{}}'),)
    assert (found.effort, found.output_schema) == ("high", '{"type":"object"}')
    form = {"type": "json_schema", "name": "x", "schema": {"type": "array"}}
    assert decoded(text={"format": form}).output_schema == '{"type":"array"}'
    assert decoded(text={"format": {"type": "text"}}).output_schema == ""
    assert decoded(text={"verbosity": "low"}, reasoning={}).output_schema == ""


def test_what_a_tool_shows_stands_after_its_result() -> None:
    output = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "data:image/png;base64,cG5n"},
        {"type": "input_file", "file_data": "data:text/plain;base64,aGk=", "filename": "n.txt"},
    ]
    item = {"type": "function_call_output", "call_id": "x", "output": output}
    found = decoded(input=[item])
    result, picture, document = found.messages[0].parts
    assert isinstance(result, ResultPart)
    assert isinstance(picture, ImagePart)
    assert isinstance(document, DocumentPart)
    assert result.text == "see"
    assert (document.name, document.origin.kind) == ("n.txt", "tool")
    assert found.media == {picture.digest: b"png", document.digest: b"hi"}


def test_reasoning_keeps_its_id_and_its_encrypted_form() -> None:
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    content = [{"type": "reasoning_text", "text": "c"}]
    item = {"type": "reasoning", "id": "rs_1"}
    found = decoded(
        input=[
            item | {"summary": summary, "encrypted_content": "x"},
            item | {"summary": [], "content": content},
            item | {"summary": []},
        ]
    )
    parts = [part for part in found.messages[0].parts if isinstance(part, ThinkingPart)]
    assert [(part.text, part.redacted) for part in parts] == [
        ("a", "x"),
        ("b", ""),
        ("c", ""),
        ("", ""),
    ]
    assert {part.item for part in parts} == {"rs_1"}


def test_text_is_cleaned_on_its_way_in() -> None:
    body = encode_request(
        request(said("secret"), called('{"a":"secret"}'), answered("secret"), system="secret")
    )
    found = decode_request(body, lambda text: clean(text.replace("secret", "[gone]")))
    assert "secret" not in repr(found.messages)
    assert found.system == "secret"  # a plain text, cleaned by whoever makes a message of it


def one(role: str, *content: object) -> dict[str, object]:
    return {"input": [{"role": role, "content": list(content)}]}


WRONG: list[tuple[dict[str, object], str]] = [
    ({"foo": 1}, "foo: Extra inputs are not permitted"),
    ({"input": {}}, "input: Input should be a valid list"),
    ({"input": [{"type": "message"}]}, "input.0.role: Field required"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "Invalid value: 'item_reference'"),
    ({"previous_response_id": "resp_1"}, "previous_response_id: nothing is stored here"),
    ({"conversation": "conv_1"}, "conversation: nothing is stored here"),
    (one("wizard"), "input.0.role: Invalid value: 'wizard'"),
    (one("user", {"type": "input_audio"}), "input.0.content.0.type: Invalid value: 'input_audio'"),
    (one("assistant", {"type": "input_image"}), "Invalid value: 'input_image'"),
    (one("assistant", {"type": "input_file"}), "Invalid value: 'input_file'"),
    (
        one("user", {"type": "input_image", "image_url": "https://x.test/a"}),
        "input.0.content.0.image_url: only data URLs",
    ),
    (one("user", {"type": "input_file", "file_id": "f"}), "content.0.file_data: Field required"),
    ({"input": [{"type": "reasoning", "summary": []}]}, "input.0.id: Field required"),
    ({"max_output_tokens": 15}, "max_output_tokens: Input should be greater than or equal to 16"),
    ({"tools": [{"type": "web_search"}]}, "tools of type 'web_search' are not supported"),
    (
        {"tools": [{"type": "function", "name": "x", "parameters": []}]},
        "tools.0.parameters: Input should be an object",
    ),
    ({"text": {"format": {"type": "xml"}}}, "text.format: Invalid value: 'xml'"),
    (
        {"text": {"format": {"type": "json_schema", "schema": 1}}},
        "text.format.schema: Input should be an object",
    ),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"reasoning": {"effort": "some"}}, "reasoning.effort: Invalid value: 'some'"),
]


@pytest.mark.parametrize(("members", "words"), WRONG)
def test_a_wrong_request_is_refused_with_its_place(members: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decoded(**members)
    assert words in str(caught.value)
    assert caught.value.kind == "bad_request"


@given(st.binary(max_size=100) | json_objects.map(str.encode))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_request(body, clean)
    assert caught.value.kind == "bad_request"
