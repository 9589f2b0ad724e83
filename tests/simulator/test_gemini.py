"""The simulated Gemini service refuses what the real one refuses, and counts what it reads."""

import json

import pytest
from hypothesis import given

from remit.errors import ProviderError
from remit.simulator.compose import redacted, signature, tokens
from remit.simulator.gemini import GeminiEndpoint
from remit.values.bound import input_bound
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from remit.wire.gemini.request import UNSIGNED, encode_request, headers
from remit.wire.gemini.request_decode import decode_request, located
from remit.wire.jsontext import Json, parse
from tests.wire.gemini.kept import kept_requests

ENDPOINT = GeminiEndpoint()
FLASH, PRO, THIRD = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview"
Body = dict[str, object]


def said(role: str, *parts: str | Body) -> Body:
    texts = [{"text": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "parts": texts}


def body(*contents: Body, **members: object) -> Body:
    return {"contents": list(contents) or [said("user", "hi")], **members}


def call(name: str = "find", mark: str = "", **more: object) -> Body:
    signed: Body = {"thoughtSignature": mark} if mark else {}
    return {"functionCall": {"name": name, "args": {}, **more}, **signed}


def result(name: str = "find", **more: object) -> Body:
    return {"functionResponse": {"name": name, "response": {"output": "x"}, **more}}


def thinking(**config: object) -> Body:
    return body(generationConfig={"thinkingConfig": config})


def declared(*names: str, **more: object) -> Body:
    return body(tools=[{"functionDeclarations": [{"name": name} for name in names]}], **more)


def tree(given_body: Body) -> dict[str, Json]:
    found = parse(json.dumps(given_body))
    assert isinstance(found, dict)
    return found


def check(given_body: Body, model: str) -> None:
    request = decode_request(json.dumps(given_body).encode(), Clean.vouch)
    request = located(request, f"/v1beta/models/{model}:generateContent")
    ENDPOINT.check(headers("k"), tree(given_body), request)


ASK, CALL = said("user", "a"), said("model", call())
SIGNED = call(mark=redacted("x"))
GOOD: dict[str, tuple[str, Body]] = {
    "a question": (FLASH, body()),
    "a loop": (FLASH, body(ASK, CALL, said("user", result()))),
    "results, then text": (FLASH, body(ASK, CALL, said("user", result(), "go on"))),
    "parallel calls in two contents": (
        FLASH,
        body(ASK, said("model", call(), call()), said("user", result()), said("user", result())),
    ),
    "ids": (FLASH, body(ASK, said("model", call(id="i")), said("user", result(id="i")))),
    "a prefill": (FLASH, body(ASK, said("model", "It is"))),
    "signatures": (
        FLASH,
        body(
            ASK,
            said("model", {"text": "hm", "thought": True, "thoughtSignature": signature("hm")}),
            said("model", SIGNED),
            said("user", result()),
        ),
    ),
    "a signed call": (
        THIRD,
        body(ASK, said("model", SIGNED, call()), said("user", result(), result())),
    ),
    "a call of another model": (
        THIRD,
        body(ASK, said("model", call(mark=UNSIGNED)), said("user", result())),
    ),
    "an unsigned call before the last question": (
        THIRD,
        body(ASK, CALL, said("user", result()), said("model", "done"), said("user", "b")),
    ),
    "a budget": (FLASH, thinking(thinkingBudget=1024)),
    "no thinking": (FLASH, thinking(thinkingBudget=0)),
    "as the model likes": (PRO, thinking(thinkingBudget=-1)),
    "a budget for a newer model": (THIRD, thinking(thinkingBudget=50)),
    "a level": (THIRD, thinking(thinking_level="minimal")),
    "a level for a model of another name": ("other", thinking(thinkingLevel="XHIGH")),
    "tools": (FLASH, declared("a", "_b.c:d-e")),
    "a schema and tools": (
        THIRD,
        declared("a", generationConfig={"responseMimeType": "application/json"}),
    ),
    "a picture": (
        FLASH,
        body(said("user", {"inlineData": {"mimeType": "image/png", "data": ""}})),
    ),
}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("case", GOOD)
def test_what_the_service_takes(case: str) -> None:
    model, given_body = GOOD[case]
    check(given_body, model)


NAMES = "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name."
NUMBER = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)
AFTER = "Please ensure that function response turn comes immediately after a function call turn."
MISSING = "Function call is missing a thought_signature in functionCall parts."
DEGRADED = (
    "This is required for tools to work correctly, and missing thought_signature may lead to "
    "degraded model performance."
)
WRONG: list[tuple[str, str, Body]] = [
    ("* GenerateContentRequest.contents: contents is not", FLASH, {"contents": []}),
    (
        "* GenerateContentRequest.contents[1].parts: contents.parts must not be empty.",
        FLASH,
        body(ASK, said("model")),
    ),
    ("Please ensure that function call turn comes immediately after a user", FLASH, body(CALL)),
    (AFTER, FLASH, body(said("user", result()))),
    (AFTER, FLASH, body(ASK, said("model", "b"), said("user", result()))),
    (NUMBER, FLASH, body(ASK, CALL, said("user", "b"))),
    (NUMBER, FLASH, body(ASK, CALL, said("user", result(), result()))),
    (
        "Function response 'other' (id '') does not match any function call",
        FLASH,
        body(ASK, CALL, said("user", result("other"))),
    ),
    (
        "Unsupported MIME type: image/gif",
        FLASH,
        body(said("user", {"inlineData": {"mimeType": "image/gif", "data": ""}})),
    ),
    (
        "Corrupted thought signature.",
        FLASH,
        body(ASK, said("model", {"text": "a", "thoughtSignature": "eHh4"})),
    ),
    (
        "Corrupted thought signature.",
        FLASH,
        body(ASK, said("model", {"text": "a", "thought": True, "thoughtSignature": "eHh4"})),
    ),
    (MISSING, THIRD, body(ASK, CALL, said("user", result()))),
    (
        f"{MISSING} {DEGRADED} Additional data, function call `default_api:find` , position 4.",
        THIRD,
        body(
            ASK,
            said("model", SIGNED),
            said("user", result()),
            said("model", "so", call(), SIGNED),
            said("user", result(), result()),
        ),
    ),
    ("Thinking level is not supported for this model.", FLASH, thinking(thinkingLevel="LOW")),
    (
        "Thinking level MINIMAL is not supported",
        "gemini-3-pro-preview",
        thinking(thinkingLevel="minimal"),
    ),
    (
        "Thinking level MINIMAL is not supported",
        "gemini-3.8-flash",
        thinking(thinkingLevel="MINIMAL"),
    ),
    ("Thinking level XHIGH is not supported", THIRD, thinking(thinkingLevel="XHIGH")),
    ("Budget 0 is invalid. This model only works in th", PRO, thinking(thinkingBudget=0)),
    (
        "The thinking budget 50 is invalid. Please choose a value between 128 and 32768.",
        PRO,
        thinking(thinkingBudget=50),
    ),
    (NAMES, FLASH, declared("1a")),
    ("Duplicate function declaration found: a", FLASH, declared("a", "a")),
    (
        "Function calling with a response mime type: 'application/json' is unsupported",
        FLASH,
        declared("a", generationConfig={"responseMimeType": "application/json"}),
    ),
]


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize(("words", "model", "given_body"), WRONG)
def test_what_the_service_refuses(words: str, model: str, given_body: Body) -> None:
    with pytest.raises(ProviderError) as caught:
        check(given_body, model)
    assert str(caught.value).startswith(words)
    assert caught.value.kind == "bad_request"


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ({"x-goog-api-key": " k "}, "k"),
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer k", "x-goog-api-key": "first"}, "first"),
    ],
)
def test_keys_come_in_two_headers(found: dict[str, str], key: str) -> None:
    assert ENDPOINT.key_of(found) == key


@pytest.mark.parametrize("found", [{}, {"x-goog-api-key": ""}, {"authorization": "Basic k"}])
def test_a_missing_key(found: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match="Method doesn't allow unregistered callers") as caught:
        ENDPOINT.key_of(found)
    assert (caught.value.kind, caught.value.status) == ("auth", 403)


def test_segments_are_what_the_model_reads_in_order() -> None:
    full = body(ASK, said("model", "b"), system_instruction=said("user", "Be kind."), tools=[{}])
    found = ENDPOINT.segments(tree(full))
    assert [segment.is_breakpoint for segment in found] == [False, False, True, True]
    assert [segment.content.split(b"\n")[0] for segment in found] == [
        b"systemInstruction",
        b"tools",
        b"user",
        b"model",
    ]
    assert not ENDPOINT.segments(tree({"contents": "x"}))


def test_errors_in_a_stream_and_headers() -> None:
    assert b'"status":"UNAVAILABLE"' in ENDPOINT.stream_error("Overloaded")
    assert ENDPOINT.limit_headers(10**6, 0, window_left_ms=5) == {}


def test_models_are_listed() -> None:
    listed = json.loads(ENDPOINT.model_list(["a", "b"]))
    assert [row["name"] for row in listed["models"]] == ["models/a", "models/b"]
    assert "countTokens" in listed["models"][0]["supportedGenerationMethods"]


@pytest.mark.requirement("BUD-7")
@given(kept_requests)
def test_no_request_counts_more_than_its_bound(given: ModelRequest) -> None:
    root = parse(encode_request(given))
    assert isinstance(root, dict)
    segments = ENDPOINT.segments(root)
    assert tokens(sum(len(segment.content) for segment in segments)) <= input_bound(given)
