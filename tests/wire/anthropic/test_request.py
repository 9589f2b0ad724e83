"""Requests: what is sent is valid by the official SDK's types, and reads back the same."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import get_args

import pytest
from anthropic.types import MessageCreateParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from hypothesis import given
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import CallPart, Message, TextPart, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.anthropic.request import (
    VERSION,
    encode_request,
    headers,
    path,
    takes_budget,
)
from remit.wire.anthropic.request_decode import decode_request
from tests.wire.anthropic.turns import answered, called, request, said
from tests.wire.strategies import MODEL, USER, requests

clean = Clean.vouch
PARAMS: TypeAdapter[object] = TypeAdapter(MessageCreateParams)


TOOL = ToolSchema("find", "Finds.", '{"type":"object","properties":{"n":{"type":"integer"}}}')


def sent(given: ModelRequest) -> dict[str, object]:
    body: dict[str, object] = json.loads(encode_request(given), parse_int=str, parse_float=str)
    return body


def plain(value: object) -> object:
    """The SDK's types leave iterables lazy: walking them is what validates them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return value
    return [plain(item) for item in value]


def is_valid_for_the_sdk(body: bytes) -> None:
    given = json.loads(body)
    # A member the types do not know is dropped, so the result would differ.
    assert plain(PARAMS.validate_python(given)) == given


@given(requests())
def test_a_request_reads_back_the_same(given: ModelRequest) -> None:
    body = encode_request(given)
    assert decode_request(body, clean) == given


@given(requests())
def test_the_official_types_accept_every_request(given: ModelRequest) -> None:
    is_valid_for_the_sdk(encode_request(given))


def test_the_validation_sees_what_is_wrong() -> None:
    good = json.loads(encode_request(request(called(), answered("x"), tools=(TOOL,))))
    for member, value in (("nonsense", 1), ("max_tokens", "x"), ("messages", [{"role": "user"}])):
        with pytest.raises((AssertionError, ValueError)):
            is_valid_for_the_sdk(json.dumps(good | {member: value}).encode())
    good["messages"][0]["content"][0]["input"] = "text"
    with pytest.raises(ValueError, match="input"):
        is_valid_for_the_sdk(json.dumps(good).encode())


def test_the_known_members_are_those_of_the_sdk() -> None:
    known = MessageCreateParamsNonStreaming.__annotations__
    body = {"model": "m", "max_tokens": 5, "messages": []}
    for name in known:
        # These travel as headers, not in the body.
        if name not in {"workspace_id", *body}:
            decode_request(json.dumps(body | {name: None}).encode(), clean)
    assert get_args(MessageCreateParams)


# ---------------------------------------------------------------- encode


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123", "-0", "1E-7"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    text = f'{{"amount":{lexeme}}}'
    body = encode_request(request(said("pay"), called(text), answered("ok")))
    assert f'"input":{text}'.encode() in body
    part = decode_request(body, clean).messages[1].parts[0]
    assert isinstance(part, CallPart)
    assert part.arguments == text


@pytest.mark.parametrize("text", ['{"a":', "[1]", "nonsense", '"x"', '{"a":NaN}'])
def test_arguments_that_are_no_object_are_wrapped(text: str) -> None:
    message = sent(request(said("go"), called(text)))["messages"]
    assert isinstance(message, list)
    assert message[1]["content"][0]["input"] == {"INVALID_JSON": text}


def test_empty_arguments_are_an_empty_object() -> None:
    assert b'"input":{}' in encode_request(request(said("go"), called(" ")))


def test_thinking_goes_back_byte_for_byte() -> None:
    parts = (
        ThinkingPart(text=clean("let me\n see"), signature="EqQB+/==", origin=MODEL),
        ThinkingPart(text=clean(""), signature="only", origin=MODEL),
        ThinkingPart(text=clean(""), redacted="a+/b==", origin=MODEL),
        ThinkingPart(text=clean("unsigned"), origin=MODEL),
        *called().parts,
    )
    body = sent(request(said("go"), Message(role="assistant", parts=parts), answered("x")))
    messages = body["messages"]
    assert isinstance(messages, list)
    assert messages[1]["content"][:-1] == [
        {"type": "thinking", "thinking": "let me\n see", "signature": "EqQB+/=="},
        {"type": "thinking", "thinking": "", "signature": "only"},
        {"type": "redacted_thinking", "data": "a+/b=="},
    ]


EPHEMERAL = {"type": "ephemeral"}
MARKED = {"cache_control": EPHEMERAL}


def test_neighbours_are_one_turn_with_results_first() -> None:
    two = Message(role="assistant", parts=(*called(call="c1").parts, *called(call="c2").parts))
    body = sent(
        request(said("a"), said("b"), two, answered("one"), said("hurry"), answered("two", "c2"))
    )
    assert body["messages"] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"} | MARKED],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "find", "input": {}},
                {"type": "tool_use", "id": "c2", "name": "find", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
                {"type": "text", "text": "hurry"} | MARKED,
            ],
        },
    ]


def test_what_the_service_refuses_is_not_sent() -> None:
    nothing = Message(role="assistant", parts=(TextPart(text=clean(" "), origin=MODEL),))
    body = sent(request(said("a"), nothing, said(""), said("b"), system=" \n"))
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]
    assert "system" not in body


def test_an_empty_request_is_refused() -> None:
    with pytest.raises(ProviderError, match="nothing to send") as caught:
        encode_request(request(said(" ")))
    assert caught.value.kind == "bad_request"


def test_results_carry_their_error_and_may_be_empty() -> None:
    body = sent(request(said("a"), called(provider_id="toolu_1"), answered("", is_error=True)))
    messages = body["messages"]
    assert isinstance(messages, list)
    assert messages[1]["content"][0]["id"] == "toolu_1"
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "is_error": True} | MARKED
    ]


def test_caching_is_asked_for_where_the_prefix_is_stable() -> None:
    without_tools = sent(request(system="Be kind."))
    assert without_tools["system"] == [
        {"type": "text", "text": "Be kind.", "cache_control": EPHEMERAL}
    ]
    assert "cache_control" not in json.dumps(without_tools["messages"])
    looping = sent(
        request(said("a"), called(), answered("x"), tools=(TOOL, replace(TOOL, name="b")))
    )
    tools, messages = looping["tools"], looping["messages"]
    assert isinstance(tools, list)
    assert isinstance(messages, list)
    assert ["cache_control" in tool for tool in tools] == [False, True]
    assert ["cache_control" in block for message in messages for block in message["content"]] == [
        True,
        False,
        True,
    ]
    both = sent(request(tools=(TOOL,), system="Be kind."))
    assert "cache_control" not in json.dumps(both["tools"])
    prefilled = sent(request(said("a"), said("b", "assistant"), tools=(TOOL,)))
    assert "cache_control" not in json.dumps(prefilled["messages"])


def test_a_tool_without_a_description() -> None:
    tools = sent(request(tools=(replace(TOOL, description=""),)))["tools"]
    assert isinstance(tools, list)
    assert "description" not in tools[0]


def test_a_schema_that_is_no_object_is_refused() -> None:
    with pytest.raises(ProviderError, match="tool 'find': its schema is not a JSON object"):
        encode_request(request(tools=(ToolSchema("find", "", "[]"),)))


@pytest.mark.parametrize(
    ("model", "budget"),
    [
        ("claude-3-7-sonnet-20250219", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-sonnet-4-5-20250929", True),
        ("claude-haiku-4-5", True),
        ("claude-opus-4-6", False),
        ("claude-opus-4-7", False),
        ("claude-opus-4.8", False),
        ("claude-sonnet-5", False),
        ("claude-sonnet-5-20260701", False),
        ("claude-fable-5-1", False),
        ("claude-mythos-preview", False),
        ("kimi-k3", True),
    ],
)
def test_which_models_take_a_thinking_budget(model: str, *, budget: bool) -> None:
    assert takes_budget(model) is budget
    thinking = sent(replace(request(), model=model, thinking_tokens=2000))["thinking"]
    assert thinking == (
        {"type": "enabled", "budget_tokens": "2000"} if budget else {"type": "adaptive"}
    )


@pytest.mark.parametrize("budget", [1, 1023, 5000])
def test_a_budget_the_service_refuses_is_not_sent(budget: int) -> None:
    with pytest.raises(ProviderError, match=rf"thinking_tokens={budget}: .* at least 1024"):
        encode_request(replace(request(), thinking_tokens=budget))


def test_images_and_documents_travel_with_their_bytes() -> None:
    picture = image(b"png", "image/png", USER)
    letter = document(b"%PDF /Type /Page", PDF, USER, clean("letter.pdf"))
    note = document(b"hi", "text/csv", USER)
    given = replace(
        request(Message(role="user", parts=(picture, letter, note))),
        media={picture.digest: b"png", letter.digest: b"%PDF /Type /Page", note.digest: b"hi"},
    )
    is_valid_for_the_sdk(encode_request(given))
    messages = sent(given)["messages"]
    assert isinstance(messages, list)
    assert messages[0]["content"] == [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"},
        },
        {
            "type": "document",
            "source": {"type": "base64", "media_type": PDF, "data": "JVBERiAvVHlwZSAvUGFnZQ=="},
            "title": "letter.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
    ]
    with pytest.raises(ProviderError, match=r"the image .* of type image/png is not kept any more"):
        encode_request(replace(given, media={}))


def test_effort_and_schema_of_the_answer() -> None:
    asked = replace(request(), effort="minimal", output_schema='{"type":"object"}')
    assert sent(asked)["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }
    assert "output_config" not in sent(request())
    with pytest.raises(ProviderError, match="output_schema is not a JSON object"):
        encode_request(replace(request(), output_schema="[]"))


def test_headers_and_path() -> None:
    found = headers("k")
    assert found["x-api-key"] == "k"
    assert found["anthropic-version"] == VERSION
    assert headers("k", "2023-06-01")["anthropic-version"] == "2023-06-01"
    assert path(request()) == "/v1/messages"


def test_a_conversation_that_goes_on_is_cached_without_tools() -> None:
    answer = Message(role="assistant", parts=(TextPart(text=clean("b"), origin=MODEL),))
    body = sent(request(said("a"), answer, said("c"), system="Be kind."))
    messages = body["messages"]
    assert isinstance(messages, list)
    marked = ["cache_control" in message["content"][-1] for message in messages]
    assert marked == [True, False, True]
    alone = sent(request(said("a"), system="Be kind."))
    assert "cache_control" not in json.dumps(alone["messages"])
