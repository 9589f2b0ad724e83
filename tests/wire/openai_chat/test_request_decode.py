"""Chat requests as they come in: every form the service takes, mistakes with their place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsBase,
    CompletionCreateParamsStreaming,
)

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import CallPart, DocumentPart, ResultPart, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.openai.asking import NO_LIMIT
from remit.wire.openai_chat.request import encode_request
from remit.wire.openai_chat.request_decode import KNOWN_MEMBERS, decode_request
from tests.wire.anthropic.turns import answered, called, request, said
from tests.wire.strategies import json_objects

clean = Clean.vouch


def decoded(**members: object) -> ModelRequest:
    body = {"model": "m", "messages": [], **members}
    return decode_request(json.dumps(body).encode(), clean)


def test_the_known_members_are_those_of_the_sdk() -> None:
    known = CompletionCreateParamsBase.__annotations__
    assert {*known, *CompletionCreateParamsStreaming.__annotations__} == KNOWN_MEMBERS


def test_short_forms_are_understood() -> None:
    function = {"name": "t", "arguments": "{}"}
    found = decoded(
        messages=[
            {"role": "system", "content": "one"},
            {"role": "developer", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "hi"},
            {"role": "user", "content": [{"type": "text", "text": "you"}]},
            {"role": "assistant", "content": "ho", "refusal": None},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "assistant", "refusal": "never", "reasoning": "hm"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "x", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "x", "content": [{"type": "text", "text": "a"}]},
            {"role": "tool", "tool_call_id": "y", "content": "[error] b"},
        ],
        tools=[{"type": "function", "function": {"name": "t"}}],
        max_tokens=5,
        response_format={"type": "json_object"},
    )
    assert found.system == "one\ntwo"
    first, second, third = found.messages
    assert first.text == "hiyou"
    assert second.text == "hononever"
    assert [part.text for part in second.parts if isinstance(part, ThinkingPart)] == ["hm"]
    assert [part.call for part in second.calls] == ["x"]
    results = [part for part in third.parts if isinstance(part, ResultPart)]
    assert [(part.call, part.text, part.tool, part.is_error) for part in results] == [
        ("x", "a", "t", False),
        ("y", "b", "", True),
    ]
    assert found.tools == (ToolSchema("t", "", '{"type":"object","properties":{}}'),)
    assert (found.max_output_tokens, found.stream) == (5, False)
    assert found.output_schema == '{"type":"object"}'


def test_what_is_not_said_has_a_default() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array"}}}
    assert decoded(response_format=form).output_schema == '{"type":"array"}'
    found = decoded(response_format={"type": "text"})
    assert (found.max_output_tokens, found.output_schema) == (NO_LIMIT, "")
    assert decoded(max_completion_tokens=3, max_tokens=5).max_output_tokens == 3


def test_images_and_files_come_with_their_bytes() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}}
    file = {"file_data": "data:text/plain;base64,aGk=", "filename": "n.txt"}
    found = decoded(messages=[{"role": "user", "content": [image, {"type": "file", "file": file}]}])
    picture, letter = found.messages[0].media
    assert isinstance(letter, DocumentPart)
    assert letter.name == "n.txt"
    assert found.media == {picture.digest: b"png", letter.digest: b"hi"}


def test_who_wants_counts_in_a_stream_says_so() -> None:
    assert not decoded(stream=True).stream_usage
    assert not decoded(stream=True, stream_options={}).stream_usage
    assert decoded(stream=True, stream_options={"include_usage": True}).stream_usage
    assert decoded(stream=False).stream_usage


def test_text_is_cleaned_on_its_way_in() -> None:
    body = encode_request(
        request(said("secret"), called('{"a":"secret"}'), answered("secret"), system="secret")
    )
    found = decode_request(body, lambda text: clean(text.replace("secret", "[gone]")))
    assert "secret" not in repr(found.messages)
    assert found.system == "secret"  # a plain text, cleaned by whoever makes a message of it


def one(role: str, **members: object) -> dict[str, object]:
    return {"messages": [{"role": role, **members}]}


WRONG: list[tuple[dict[str, object], str]] = [
    ({"foo": 1}, "foo: Extra inputs are not permitted"),
    ({"messages": {}}, "messages: Input should be a valid list"),
    ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
    (one("wizard", content="x"), "messages.0.role: Invalid value: 'wizard'. Supported values are"),
    (one("user"), "messages.0.content: Field required"),
    (one("user", content=[{"type": "input_audio"}]), "0.type: Invalid value: 'input_audio'"),
    (one("system", content=[{"type": "image_url"}]), "type: Invalid value: 'image_url'"),
    (one("assistant", content=[{"type": "image_url"}]), "type: Invalid value: 'image_url'"),
    (one("tool", content="x"), "messages.0.tool_call_id: Field required"),
    (
        one("user", content=[{"type": "image_url", "image_url": {"url": "https://x.test/a"}}]),
        "messages.0.content.0.image_url.url: only data URLs",
    ),
    (
        one("user", content=[{"type": "file", "file": {"file_id": "f"}}]),
        "messages.0.content.0.file.file_data: Field required",
    ),
    ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
    ({"tools": [{"type": "custom"}]}, "tools.0.type: tools of type 'custom' are not supported"),
    (
        {"tools": [{"type": "function", "function": {"name": "x", "parameters": []}}]},
        "tools.0.function.parameters: Input should be an object",
    ),
    ({"response_format": {"type": "xml"}}, "response_format: Invalid value: 'xml'"),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"reasoning_effort": "some"}, "reasoning_effort: Invalid value: 'some'"),
]


@pytest.mark.parametrize(("members", "words"), WRONG)
def test_a_wrong_request_is_refused_with_its_place(members: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decoded(**members)
    assert words in str(caught.value)
    assert caught.value.kind == "bad_request"


def test_a_call_is_known_by_its_id_on_the_wire() -> None:
    found = decode_request(encode_request(request(called(provider_id="call_1"))), clean)
    (part,) = found.messages[0].parts
    assert isinstance(part, CallPart)
    assert (part.call, part.provider_id) == ("call_1", "call_1")


@given(st.binary(max_size=100) | json_objects.map(str.encode))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_request(body, clean)
    assert caught.value.kind == "bad_request"
