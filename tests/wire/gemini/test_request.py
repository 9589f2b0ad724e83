"""Requests: what is sent is valid by the official SDK's types, and means what it should."""

import json

import pytest
from google.genai import types
from hypothesis import given

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import CallPart, Message, TextPart, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.gemini.request import (
    UNSIGNED,
    encode_request,
    headers,
    path,
    versionless_path,
)
from remit.wire.gemini.request_decode import decode_request
from tests.wire.anthropic.turns import answered, called, said
from tests.wire.gemini.turns import contents, proof, request, sent, signed_requests
from tests.wire.strategies import MODEL, USER

clean = Clean.vouch
TOOL = ToolSchema("find", "Finds.", '{"type":"object","properties":{"n":{"type":"integer"}}}')
MEMBERS = {"contents", "systemInstruction", "tools", "generationConfig"}


def is_valid_for_the_sdk(body: bytes) -> None:
    """The types forbid what they do not know, at every level."""
    given = json.loads(body)
    assert set(given) <= MEMBERS
    for content in given["contents"]:
        types.Content.model_validate(content)
        assert content["role"] in {"user", "model"}
    for tool in given.get("tools", []):
        types.Tool.model_validate(tool)
    if "systemInstruction" in given:
        types.Content.model_validate(given["systemInstruction"])
    types.GenerationConfig.model_validate(given["generationConfig"])


@given(signed_requests)
def test_the_official_types_accept_every_request(given: ModelRequest) -> None:
    is_valid_for_the_sdk(encode_request(given))


def test_the_validation_sees_what_is_wrong() -> None:
    good = json.loads(encode_request(request(called(), answered("x"), tools=(TOOL,))))
    for member, value in (
        ("nonsense", 1),
        ("generationConfig", {"maxOutputTokens": "x"}),
        ("generationConfig", {"nonsense": 1}),
        ("contents", [{"role": "user", "parts": [{"nonsense": 1}]}]),
        ("contents", [{"role": "user", "parts": [{"functionCall": {"name": "a", "args": "x"}}]}]),
        ("tools", [{"functionDeclarations": [{"name": 5}]}]),
    ):
        with pytest.raises((AssertionError, ValueError)):
            is_valid_for_the_sdk(json.dumps(good | {member: value}).encode())


# ---------------------------------------------------------------- encode


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123", "-0", "1E-7"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    text = f'{{"amount":{lexeme}}}'
    body = encode_request(request(said("pay"), called(text), answered("ok")))
    assert f'"args":{text}'.encode() in body
    part = decode_request(body, clean).messages[1].parts[0]
    assert isinstance(part, CallPart)
    assert part.arguments == text


@pytest.mark.parametrize("text", ['{"a":', "[1]", "nonsense", '"x"', '{"a":NaN}'])
def test_arguments_that_are_no_object_are_wrapped(text: str) -> None:
    assert contents(request(said("go"), called(text)))[1]["parts"] == [
        {"functionCall": {"name": "find", "args": {"INVALID_JSON": text}}}
    ]


def test_empty_arguments_are_an_empty_object() -> None:
    assert b'"args":{}' in encode_request(request(said("go"), called(" ")))


def test_a_signature_goes_back_on_the_part_it_came_with() -> None:
    parts = (
        ThinkingPart(text=clean("let me\n see"), signature="EqQB", origin=MODEL),
        ThinkingPart(text=clean("unsigned"), origin=MODEL),
        ThinkingPart(text=clean(""), redacted="of+/call", origin=MODEL),
        *called().parts,
        ThinkingPart(text=clean(""), redacted="oftext==", origin=MODEL),
        TextPart(text=clean("done"), origin=MODEL),
        ThinkingPart(text=clean(""), redacted="bare", origin=MODEL),
        ThinkingPart(text=clean(""), origin=MODEL),
        ThinkingPart(text=clean(""), redacted="last", origin=MODEL),
    )
    given = request(said("go"), Message(role="assistant", parts=parts), answered("x"))
    assert contents(given)[1] == {
        "role": "model",
        "parts": [
            {"text": "let me\n see", "thought": True, "thoughtSignature": "EqQB"},
            {"text": "unsigned", "thought": True},
            {"functionCall": {"name": "find", "args": {}}, "thoughtSignature": "of+/call"},
            {"text": "done", "thoughtSignature": "oftext=="},
            {"text": "", "thoughtSignature": "bare"},
            {"text": "", "thoughtSignature": "last"},
        ],
    }


@pytest.mark.parametrize("model", ["gemini-3-flash-preview", "tunedModels/gemini-3.8-flash-ours"])
def test_calls_of_others_are_marked_for_models_that_check_signatures(model: str) -> None:
    two = Message(role="assistant", parts=(*called(call="c1").parts, *called(call="c2").parts))
    own = ThinkingPart(text=clean(""), redacted=proof("own"), origin=MODEL)
    mine = Message(role="assistant", parts=(own, *called(call="c3").parts))
    given = request(
        said("a"), two, answered("x", "c1"), answered("y", "c2"), mine, answered("z", "c3")
    )
    for name, mark in ((model, UNSIGNED), ("gemini-2.5-pro", None)):
        body = contents(request(*given.messages, model=name))
        found = [
            part.get("thoughtSignature")
            for content in body
            for part in content["parts"]
            if "functionCall" in part
        ]
        assert found == [mark, None, proof("own")]
    read = decode_request(encode_request(request(*given.messages, model=model)), clean)
    assert len(read.messages[1].parts) == 2  # the mark is no thinking


def test_neighbours_are_one_turn_with_results_first_in_the_order_of_the_calls() -> None:
    two = Message(role="assistant", parts=(*called(call="c1").parts, *called(call="c2").parts))
    given = request(
        said("a"),
        said("b"),
        two,
        answered("two", "c2"),
        said("hurry"),
        answered("one"),
        answered("stray", "c9"),
    )
    call = {"functionCall": {"name": "find", "args": {}}}
    assert contents(given) == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [call, call]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "find", "response": {"output": "one"}}},
                {"functionResponse": {"name": "find", "response": {"output": "two"}}},
                {"functionResponse": {"name": "find", "response": {"output": "stray"}}},
                {"text": "hurry"},
            ],
        },
    ]


def test_blank_text_is_not_sent() -> None:
    nothing = Message(role="assistant", parts=(TextPart(text=clean(" "), origin=MODEL),))
    body = sent(request(said("a"), nothing, said(""), said("b"), system=" \n"))
    assert body["contents"] == [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]
    assert "systemInstruction" not in body


def test_an_empty_request_is_refused() -> None:
    with pytest.raises(ProviderError, match="nothing to send") as caught:
        encode_request(request(said(" ")))
    assert caught.value.kind == "bad_request"


def test_ids_travel_where_there_are_any_and_errors_are_told() -> None:
    given = request(said("a"), called(provider_id="fc_1"), answered("no", is_error=True))
    first = given.messages[2].parts[0].model_copy(update={"provider_id": "fc_1"})
    body = contents(request(*given.messages[:2], Message(role="user", parts=(first,))))
    assert body[1]["parts"] == [{"functionCall": {"id": "fc_1", "name": "find", "args": {}}}]
    assert body[2]["parts"] == [
        {"functionResponse": {"id": "fc_1", "name": "find", "response": {"error": "no"}}}
    ]


def test_instructions_tools_and_limits() -> None:
    body = sent(request(system="Be kind.", tools=(TOOL, ToolSchema("b", "", "{}"))))
    assert body["systemInstruction"] == {"parts": [{"text": "Be kind."}]}
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "find",
                    "description": "Finds.",
                    "parametersJsonSchema": {
                        "type": "object",
                        "properties": {"n": {"type": "integer"}},
                    },
                },
                {"name": "b", "parametersJsonSchema": {}},
            ]
        }
    ]
    assert body["generationConfig"] == {"maxOutputTokens": "5000"}


def test_a_schema_that_is_no_object_is_refused() -> None:
    with pytest.raises(ProviderError, match="tool 'find': its schema is not a JSON object"):
        encode_request(request(tools=(ToolSchema("find", "", "[]"),)))
    with pytest.raises(ProviderError, match="output_schema is not a JSON object"):
        encode_request(request(output_schema="[]"))


def test_structured_output() -> None:
    schema = '{"type":"object"}'
    config = sent(request(output_schema=schema))["generationConfig"]
    assert config == {
        "maxOutputTokens": "5000",
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
    }
    for model in ("gemini-3-flash-preview", "gemini-latest"):
        assert "tools" in sent(request(model=model, output_schema=schema, tools=(TOOL,)))
    with pytest.raises(ProviderError, match=r"gemini-2\.5-flash takes either tools or an output"):
        encode_request(request(output_schema=schema, tools=(TOOL,)))


def test_images_and_documents_travel_with_their_bytes() -> None:
    picture = image(b"png", "image/png", USER)
    letter = document(b"%PDF /Type /Page", PDF, USER, clean("letter.pdf"))
    note = document(b"hi", "text/csv", USER)
    asked = request(
        Message(role="user", parts=(picture, letter, note)),
        media={picture.digest: b"png", letter.digest: b"%PDF /Type /Page", note.digest: b"hi"},
    )
    is_valid_for_the_sdk(encode_request(asked))
    assert contents(asked)[0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "cG5n"}},
        {"inlineData": {"mimeType": PDF, "data": "JVBERiAvVHlwZSAvUGFnZQ=="}},
        {"inlineData": {"mimeType": "text/plain", "data": "aGk="}},
    ]
    with pytest.raises(ProviderError, match=r"the image .* of type image/png is not kept any more"):
        encode_request(request(*asked.messages))


def test_images_that_no_model_takes() -> None:
    picture = image(b"gif", "image/gif", USER)
    with pytest.raises(ProviderError, match="images of type image/gif are not taken by gemini-2"):
        encode_request(request(Message(role="user", parts=(picture,))))


@pytest.mark.parametrize(
    ("model", "stream", "expected"),
    [
        ("gemini-2.5-flash", False, "/models/gemini-2.5-flash:generateContent"),
        ("gemini-2.5-flash", True, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("tunedModels/mine", False, "/tunedModels/mine:generateContent"),
        ("a b?c", False, "/models/a%20b%3Fc:generateContent"),
    ],
)
def test_headers_and_path(model: str, expected: str, *, stream: bool) -> None:
    given = request(model=model, stream=stream)
    assert path(given) == f"/v1beta{expected}"
    assert versionless_path(given) == expected
    assert headers("k")["x-goog-api-key"] == "k"
