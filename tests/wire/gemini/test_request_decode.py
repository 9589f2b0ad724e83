"""Requests as they come in: every form the API takes, and clear words for what it refuses."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import CallPart, DocumentPart, ImagePart, ResultPart, TextPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.gemini.request import path
from remit.wire.gemini.request_decode import DEFAULT_LIMIT, camel, decode_request, located
from remit.wire.jsontext import MAX_DEPTH, Json
from tests.wire.gemini.turns import request

clean = Clean.vouch
HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def decoded(**members: object) -> ModelRequest:
    return decode_request(json.dumps(HI | members).encode(), clean)


def turn(role: str, *parts: object) -> dict[str, object]:
    return {"role": role, "parts": list(parts)}


def call(name: str, **more: object) -> dict[str, object]:
    return {"functionCall": {"name": name, "args": {}, **more}}


def result(name: str, **more: object) -> dict[str, object]:
    return {"functionResponse": {"name": name, "response": {"output": "x"}, **more}}


def test_the_least_that_is_taken() -> None:
    found = decode_request(b'{"contents":[{"parts":[{"text":"hi"}]}]}', clean)
    assert found == ModelRequest(
        model="",
        system="",
        messages=found.messages,
        max_output_tokens=DEFAULT_LIMIT,
        stream=False,
    )
    assert [message.role for message in found.messages] == ["user"]
    assert decoded(systemInstruction={"parts": [{"text": "a"}, {"text": "b"}]}).system == "a\nb"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "tunedModels/mine", "a b"])
def test_the_path_says_the_model_and_the_manner(model: str, *, stream: bool) -> None:
    asked = request(model=model, stream=stream)
    found = located(decoded(), path(asked))
    assert (found.model, found.stream) == (model, stream)
    vertex = "/v1/projects/p/locations/l/publishers/google/models/m:generateContent"
    assert located(decoded(), vertex).model == "m"


def test_members_may_be_written_in_either_case() -> None:
    body = {
        "system_instruction": {"parts": [{"text": "Be kind."}]},
        "generation_config": {
            "max_output_tokens": 5,
            "response_mime_type": "application/json",
            "response_json_schema": {"a_b": {"c_d": 1}},
        },
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"a_b": 1}}]}],
        "contents": [
            turn("user", {"text": "a"}),
            turn("model", {"function_call": {"name": "f", "args": {"a_b": 1}}}),
            turn("user", {"function_response": {"name": "f", "response": {"a_b": 1}}}),
        ],
    }
    found = decoded(**body)
    assert found.system == "Be kind."
    assert (found.max_output_tokens, found.output_schema) == (5, '{"a_b":{"c_d":1}}')
    assert found.tools == (ToolSchema("f", "", '{"a_b":1}'),)
    asked, answered = found.messages[1].parts[0], found.messages[2].parts[0]
    assert isinstance(asked, CallPart)
    assert isinstance(answered, ResultPart)
    assert (asked.arguments, answered.text) == ('{"a_b":1}', '{"a_b":1}')


def test_what_is_nested_too_deep_is_refused_not_walked() -> None:
    deep: Json = "end"
    for _ in range(MAX_DEPTH + 5):
        deep = {"a_b": deep}
    assert camel(deep)
    with pytest.raises(ProviderError, match="aB: Extra inputs are not permitted"):
        decode_request(json.dumps(deep).encode(), clean)
    with pytest.raises(ProviderError, match="JSON nested deeper than 100 levels"):
        decoded(tools=[{"functionDeclarations": [{"name": "f", "parameters": deep}]}])


def test_calls_without_ids_are_answered_by_name_and_order() -> None:
    found = decoded(
        contents=[
            turn("user", {"text": "a"}),
            turn("model", call("f"), call("g"), call("f"), call("f", id="own")),
            turn("user", result("g"), result("f"), result("f", id="own"), result("f")),
            turn("function", result("f"), result("h", id="stray")),
        ]
    )
    calls = [part.call for part in found.messages[1].parts if isinstance(part, CallPart)]
    assert calls == ["call-1", "call-2", "call-3", "own"]
    answers = [
        (part.call, part.provider_id)
        for message in found.messages[2:]
        for part in message.parts
        if isinstance(part, ResultPart)
    ]
    assert answers == [
        ("call-2", ""),
        ("call-1", ""),
        ("own", "own"),
        ("call-3", ""),
        ("call-4", ""),
        ("stray", "stray"),
    ]


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "x"}, "x", False),
        ({"error": "x"}, "x", True),
        ({"output": {"a": 1}}, '{"a":1}', False),
        ({"result": "x"}, '{"result":"x"}', False),
        ({"output": "x", "more": 1}, '{"output":"x","more":1}', False),
        ({}, "{}", False),
    ],
)
def test_results_in_every_form(response: object, text: str, *, is_error: bool) -> None:
    part = {"functionResponse": {"name": "f", "response": response}}
    found = decoded(contents=[turn("user", part)]).messages[0].parts[0]
    assert isinstance(found, ResultPart)
    assert (found.text, found.is_error, found.tool) == (text, is_error, "f")


def test_what_a_tool_shows_stands_after_its_result() -> None:
    shown = [
        {"inlineData": {"mimeType": "image/png", "data": "cG5n"}},
        {"inlineData": {"mimeType": "text/plain", "data": "aGk="}},
    ]
    found = decoded(contents=[turn("user", result("f", parts=shown))])
    answer, picture, note = found.messages[0].parts
    assert isinstance(answer, ResultPart)
    assert isinstance(picture, ImagePart)
    assert isinstance(note, DocumentPart)
    assert picture.origin.kind == "tool"
    assert found.media == {picture.digest: b"png", note.digest: b"hi"}


def test_older_schemas_are_read_as_json_schema() -> None:
    older = {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "nullable": True},
            "b": {"type": "ARRAY", "items": {"anyOf": [{"type": "NUMBER"}]}},
        },
        "required": ["a"],
    }
    newer = {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "array", "items": {"anyOf": [{"type": "number"}]}},
        },
        "required": ["a"],
    }
    declared = [{"name": "f", "description": "F.", "parameters": older}, {"name": "g"}]
    config = {"responseMimeType": "application/json", "responseSchema": older}
    found = decoded(tools=[{"functionDeclarations": declared}, {}], generationConfig=config)
    first, second = found.tools
    assert json.loads(first.schema_json) == newer
    assert (first.description, second.schema_json) == ("F.", '{"type":"object","properties":{}}')
    assert json.loads(found.output_schema) == newer


def test_json_without_a_schema() -> None:
    assert decoded(generationConfig={"responseMimeType": "application/json"}).output_schema == "{}"
    assert not decoded(generationConfig={"responseMimeType": "text/plain"}).output_schema


def test_a_lone_signature_and_empty_text() -> None:
    parts = ({"thoughtSignature": "s"}, {"text": ""}, {"text": "", "thoughtSignature": "t"})
    found = decoded(contents=[turn("model", *parts)]).messages[0].parts
    assert [part.kind for part in found] == ["thinking", "text", "thinking"]
    assert isinstance(found[1], TextPart)


def test_a_call_without_arguments() -> None:
    found = decoded(contents=[turn("model", {"functionCall": {"name": "f"}})])
    part = found.messages[0].parts[0]
    assert isinstance(part, CallPart)
    assert part.arguments == "{}"


def test_text_is_cleaned_on_its_way_in() -> None:
    body = {
        "contents": [
            turn("user", {"text": "secret"}),
            turn("model", {"text": "secret", "thought": True}, {"text": "secret"}, call("f")),
            turn("user", {"functionResponse": {"name": "f", "response": {"output": "secret"}}}),
        ]
    }
    found = decode_request(json.dumps(body).encode(), lambda text: clean(text.upper()))
    assert "secret" not in str(found)
    assert str(found).count("SECRET") == 4  # text, thought, text, result


BOTH = {"name": "f", "parameters": {}, "parametersJsonSchema": {}}
WRONG: list[tuple[dict[str, object], str]] = [
    ({"nonsense": 1}, "nonsense: Extra inputs are not permitted"),
    ({"contents": None}, "contents: Input should be a valid list"),
    ({"contents": [{"role": "system", "parts": []}]}, "contents.0: Please use a valid role: user"),
    ({"contents": [{"role": "user"}]}, "contents.0.parts: Field required"),
    (
        {"contents": [turn("user", {"fileData": {}})]},
        "contents.0.parts.0: content 'fileData' is not supported here",
    ),
    ({"contents": [turn("user", {})]}, "contents.0.parts.0: content '' is not supported here"),
    (
        {"contents": [turn("model", {"executableCode": {}})]},
        "contents.0.parts.0: content 'executableCode' is not supported here",
    ),
    ({"contents": [turn("model", {})]}, "contents.0.parts.0: content '' is not supported here"),
    (
        {"contents": [turn("model", {"functionCall": {"name": "f", "args": []}})]},
        "contents.0.parts.0.functionCall.args: Input should be an object",
    ),
    (
        {"contents": [turn("user", {"inlineData": {"mimeType": "image/gif", "data": "x"}})]},
        "contents.0.parts.0.inlineData: Invalid base64 data",
    ),
    (
        {"contents": [turn("user", {"inlineData": {"mimeType": "audio/wav", "data": ""}})]},
        "media type 'audio/wav' is not taken",
    ),
    ({"tools": [{"googleSearch": {}}]}, "tools.0.googleSearch: Extra inputs are not permitted"),
    (
        {
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "f", "parameters": {}, "parametersJsonSchema": {}}
                    ]
                }
            ]
        },
        "only one of parameters and parametersJsonSchema may be set",
    ),
    (
        {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": []}]}]},
        "parametersJsonSchema: Input should be an object",
    ),
    ({"generationConfig": {"maxOutputTokens": 0}}, "greater than or equal to 1"),
    (
        {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": 1}},
        "responseJsonSchema: Input should be an object",
    ),
]


@pytest.mark.parametrize(("members", "words"), WRONG)
def test_what_the_service_refuses(members: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decoded(**members)
    assert words in str(caught.value)
    assert caught.value.kind == "bad_request"


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_rubbish_is_refused_with_a_clear_error(body: bytes) -> None:
    with suppress(ProviderError):
        decode_request(body, clean)


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["role", "parts", "text", "thought", "functionCall", "functionResponse", "name",
             "response", "args", "inlineData", "tools", "functionDeclarations", "parameters",
             "generationConfig", "thinkingConfig", "thoughtSignature", "systemInstruction"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    tree=json_trees,
    members=st.dictionaries(st.sampled_from(["tools", "generationConfig"]), json_trees),
)
def test_any_json_is_read_or_refused(tree: object, members: dict[str, object]) -> None:
    with suppress(ProviderError):
        decoded(contents=[tree], **members)
