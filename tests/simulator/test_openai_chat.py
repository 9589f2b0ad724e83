"""The simulated Chat Completions service refuses what the real one refuses."""

import json

import pytest
from hypothesis import given

from remit.errors import ProviderError
from remit.simulator.compose import tokens
from remit.simulator.openai_chat import OpenAIChatEndpoint
from remit.values.bound import input_bound
from remit.values.clean import Clean
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire.jsontext import Json, parse
from remit.wire.openai_chat.request import encode_request
from remit.wire.openai_chat.request_decode import decode_request
from tests.simulator.conversations import asked
from tests.wire.openai_chat.shapes import chat_requests

ENDPOINT = OpenAIChatEndpoint()
Body = dict[str, object]


def body(*messages: object, **members: object) -> Body:
    return {"model": "gpt-6-sol", "messages": list(messages) or [said("hi")], **members}


def said(text: str, role: str = "user") -> Body:
    return {"role": role, "content": text}


def call(*ids: str) -> Body:
    function = {"name": "find", "arguments": "{}"}
    calls = [{"id": one, "type": "function", "function": function} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str) -> Body:
    return {"role": "tool", "tool_call_id": call_id, "content": "x"}


def check(given_body: Body) -> None:
    text = json.dumps(given_body)
    root = parse(text)
    assert isinstance(root, dict)
    ENDPOINT.check({}, root, decode_request(text.encode(), Clean.vouch))


GOOD: dict[str, Body] = {
    "a question": body(),
    "a loop": body(said("a"), call("x", "y"), result("y"), result("x"), said("b")),
    "a default": body(temperature=1, top_p=1.0, presence_penalty=0),
    "another model": body(model="llama-4", max_tokens=5, temperature=0.5, reasoning_effort="low"),
    "an older model": body(model="gpt-4o", max_tokens=5, temperature=0.5),
    "a stream": body(stream=True, stream_options={"include_usage": True}),
    "a tool": body(tools=[{"type": "function", "function": {"name": "find"}}]),
}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("case", GOOD)
def test_what_the_service_takes(case: str) -> None:
    check(GOOD[case])


TOOL: Body = {"type": "function", "function": {"name": "a b"}}
WRONG: dict[str, Body] = {
    "Missing required parameter": body() | {"messages": []},
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use": body(max_tokens=5),
    "Unsupported parameter: 'temperature' is not supported with this model.": body(temperature=0.5),
    "Unsupported parameter: 'reasoning_effort' is not supported": body(
        model="gpt-4o", reasoning_effort="low"
    ),
    "The 'stream_options' parameter is only allowed": body(stream_options={"include_usage": True}),
    "Invalid 'tools[0].function.name'": body(tools=[TOOL]),
    "Invalid name of the response format": body(
        response_format={"type": "json_schema", "json_schema": {"schema": {}}}
    ),
    "An assistant message with 'tool_calls' must be followed by tool messages": body(
        said("a"), call("x", "y"), result("x"), said("b")
    ),
    "An assistant message with 'tool_calls' must be": body(said("a"), call("x")),
    "Invalid parameter: messages with role 'tool' must be a response": body(said("a"), result("x")),
}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("words", WRONG)
def test_what_the_service_refuses(words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        check(WRONG[words])
    assert str(caught.value).startswith(words)
    assert caught.value.kind == "bad_request"


def test_answers_look_like_the_services_own() -> None:
    answer = ModelAnswer(
        parts=(RawThinking("hm"), RawText("a"), RawCall("toolu_01abc", "f", "{}")),
        stop="tools",
        usage=Usage(),
        model="m",
        provider_id="msg_01xyz",
    )
    hidden = ENDPOINT.dress(answer, asked(model="gpt-6-sol"))
    assert hidden.parts == (RawText("a"), RawCall("call_abc", "f", "{}"))
    assert (hidden.provider_id, hidden.service_tier) == ("chatcmpl-xyz", "default")
    assert ENDPOINT.dress(answer, asked(model="llama-4")).parts[0] == RawThinking("hm")


def test_errors_have_their_kinds() -> None:
    assert ENDPOINT.unknown_model("x").kind == "not_found"
    assert ENDPOINT.too_long(5, 4).kind == "too_large"
    assert b'"error"' in ENDPOINT.stream_error("Overloaded")
    assert ENDPOINT.counted_root({"a": None}) == {"a": None}


@pytest.mark.requirement("BUD-7")
@given(chat_requests())
def test_no_request_counts_more_than_its_bound(given_request: ModelRequest) -> None:
    root: Json = parse(encode_request(given_request))
    assert isinstance(root, dict)
    found = ENDPOINT.segments(root)
    assert tokens(sum(len(segment.content) for segment in found)) <= input_bound(given_request)
