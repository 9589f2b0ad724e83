"""The simulated Responses service refuses what the real one refuses."""

import json

import pytest
from hypothesis import given

from remit.errors import ProviderError
from remit.simulator.compose import redacted, redacted_is_genuine, signature, tokens
from remit.simulator.openai_responses import OpenAIResponsesEndpoint
from remit.values.bound import input_bound
from remit.values.clean import Clean
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire.jsontext import Json, parse
from remit.wire.openai_responses.request import encode_request
from remit.wire.openai_responses.request_decode import decode_request
from tests.simulator.conversations import asked
from tests.wire.openai_responses.shapes import response_requests

ENDPOINT = OpenAIResponsesEndpoint()
Body = dict[str, object]


def body(*items: object, **members: object) -> Body:
    return {"model": "gpt-6-sol", "input": list(items) or [said("hi")], **members}


def said(text: str) -> Body:
    return {"role": "user", "content": text}


def call(one: str = "c") -> Body:
    return {"type": "function_call", "call_id": one, "name": "find", "arguments": "{}"}


def result(one: str = "c") -> Body:
    return {"type": "function_call_output", "call_id": one, "output": "x"}


def reasoning(hidden: str = "", *texts: str, item: str = "rs_1") -> Body:
    made: Body = {
        "type": "reasoning",
        "id": item,
        "summary": [{"type": "summary_text", "text": text} for text in texts],
    }
    return made | {"encrypted_content": hidden} if hidden else made


def check(given_body: Body) -> None:
    text = json.dumps(given_body)
    root = parse(text)
    assert isinstance(root, dict)
    ENDPOINT.check({}, root, decode_request(text.encode(), Clean.vouch))


STRICT: Body = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
GOOD: dict[str, Body] = {
    "a question": body(),
    "a loop": body(said("a"), call("a"), call("b"), result("b"), result("a"), said("b")),
    "reasoning": body(
        said("a"),
        reasoning(signature("hm"), "h", "m", item="rs_1"),
        reasoning(redacted("hm"), item="rs_2"),
        call(),
        result(),
    ),
    "encrypted reasoning": body(include=["reasoning.encrypted_content"]),
    "of an unknown model": body(model="llama-4", include=["reasoning.encrypted_content"]),
    "a strict tool": body(tools=[{"type": "function", "name": "find", "parameters": STRICT}]),
    "a schema": body(
        text={"format": {"type": "json_schema", "name": "x", "schema": STRICT, "strict": True}}
    ),
}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("case", GOOD)
def test_what_the_service_takes(case: str) -> None:
    check(GOOD[case])


WRONG: dict[str, Body] = {
    "Missing required parameter": body() | {"input": []},
    "Unsupported parameter: 'temperature' is not supported with this model.": body(temperature=0.5),
    "Unsupported parameter: 'reasoning.effort' is not supported with this model.": body(
        model="gpt-4o", reasoning={"effort": "low"}
    ),
    "Encrypted content is not supported with this model.": body(
        model="gpt-4o", include=["reasoning.encrypted_content"]
    ),
    "Invalid schema for function 'find'": body(
        tools=[{"type": "function", "name": "find", "parameters": {"type": "object"}}]
    ),
    "Invalid name of the response format": body(
        text={"format": {"type": "json_schema", "schema": {}}}
    ),
    "No tool output found for function call c.": body(said("a"), call(), said("b")),
    "No tool call found for function call output with call_id c.": body(said("a"), result()),
    "No tool call found for function call output with call_id b.": body(call(), result("b")),
    "Item with id 'rs_1' not found.": body(said("a"), reasoning("", "hm"), said("b")),
    "The encrypted content for item rs_1 could not be verified.": body(
        said("a"), reasoning(signature("hm"), "changed"), said("b")
    ),
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
        parts=(
            RawThinking("hm", signature("hm")),
            RawThinking("ho"),
            RawThinking("", redacted="x", item="rs_own"),
            RawText("a"),
            RawCall("toolu_01abc", "f", "{}"),
        ),
        stop="tools",
        usage=Usage(),
        model="m",
        provider_id="msg_01xyz",
    )
    found = ENDPOINT.dress(answer, asked())
    signed, plain, own, *rest = found.parts
    assert isinstance(signed, RawThinking)
    assert isinstance(plain, RawThinking)
    assert signed.redacted == signature("hm")
    assert redacted_is_genuine(plain.redacted)
    assert signed.item.startswith("rs_")
    assert signed.item != plain.item
    assert own == RawThinking("", redacted="x", item="rs_own")
    assert rest == [RawText("a"), RawCall("call_abc", "f", "{}")]
    assert (found.provider_id, found.service_tier) == ("resp_xyz", "default")


def test_errors_have_their_kinds() -> None:
    assert ENDPOINT.unknown_model("x").kind == "not_found"
    assert ENDPOINT.too_long(5, 4).kind == "too_large"
    assert b'"code":"server_error"' in ENDPOINT.stream_error("Overloaded")
    assert ENDPOINT.counted_root({"a": None}) == {"a": None}


@pytest.mark.requirement("BUD-7")
@given(response_requests())
def test_no_request_counts_more_than_its_bound(given_request: ModelRequest) -> None:
    root: Json = parse(encode_request(given_request))
    assert isinstance(root, dict)
    found = ENDPOINT.segments(root)
    assert tokens(sum(len(segment.content) for segment in found)) <= input_bound(given_request)
