"""Lists of items as requests: valid by the official SDK's types, reasoning unchanged."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import CallPart, Message, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.openai.address import OPENAI
from remit.wire.openai.asking import conversation_key
from remit.wire.openai_responses.request import encode_request
from remit.wire.openai_responses.request_decode import decode_request
from tests.wire.anthropic.turns import answered, called, said
from tests.wire.anthropic.turns import request as asked
from tests.wire.openai.referee import accepts
from tests.wire.openai_responses.shapes import response_requests
from tests.wire.strategies import MODEL, USER

clean = Clean.vouch
PARAMS: TypeAdapter[object] = TypeAdapter(ResponseCreateParams)
TOOL = ToolSchema("find", "Finds.", '{"type":"object","properties":{"n":{"type":"integer"}}}')


def request(
    *messages: Message, tools: tuple[ToolSchema, ...] = (), system: str = ""
) -> ModelRequest:
    return replace(asked(*messages, tools=tools, system=system), model="gpt-6-sol")


def sent(given: ModelRequest) -> dict[str, object]:
    body: dict[str, object] = json.loads(encode_request(given), parse_int=str, parse_float=str)
    return body


@settings(max_examples=40)  # the SDK's union of items takes 50 ms a request
@given(response_requests())
def test_the_official_types_accept_every_request(given: ModelRequest) -> None:
    accepts(PARAMS, encode_request(given))


def test_the_validation_sees_what_is_wrong() -> None:
    good = json.loads(encode_request(request(called(), answered("x"), tools=(TOOL,))))
    for member, value in (
        ("nonsense", 1),
        ("max_output_tokens", "x"),
        ("input", [{"type": "function_call"}]),
        ("reasoning", {"effort": "some"}),
    ):
        with pytest.raises(ValueError, match=r"."):
            accepts(PARAMS, json.dumps(good | {member: value}).encode())


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123", "-0", "1E-7"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    text = f'{{"amount":{lexeme}}}'
    body = encode_request(request(said("pay"), called(text), answered("ok")))
    part = decode_request(body, clean).messages[1].parts[0]
    assert isinstance(part, CallPart)
    assert part.arguments == text


def test_empty_arguments_are_an_empty_object() -> None:
    assert b'"arguments":"{}"' in encode_request(request(said("go"), called("")))


def test_a_conversation_is_a_list_of_items() -> None:
    two = Message(role="assistant", parts=(*said("Looking.", "assistant").parts, *called().parts))
    body = sent(
        request(
            said("a"),
            two,
            answered("gone", is_error=True),
            said("hurry"),
            said(" "),
            said(" ", "assistant"),
            system="Be kind.",
        )
    )
    assert body["instructions"] == "Be kind."
    assert body["input"] == [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "assistant", "content": "Looking."},
        {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "[error] gone"},
        {"role": "user", "content": [{"type": "input_text", "text": "hurry"}]},
    ]


def test_nothing_is_stored_and_reasoning_comes_back_encrypted() -> None:
    body = sent(request(system=" "))
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert "instructions" not in body
    assert "reasoning" not in body
    assert "include" not in sent(replace(request(), model="gpt-4o-2024-11-20"))
    asked_for = sent(replace(request(), effort="low", thinking_tokens=2000))
    assert asked_for["reasoning"] == {"effort": "low", "summary": "auto"}
    assert sent(replace(request(), thinking_tokens=2000))["reasoning"] == {
        "effort": "medium",
        "summary": "auto",
    }


def thinks(text: str, *, redacted: str = "", item: str = "", signature: str = "") -> ThinkingPart:
    return ThinkingPart(
        text=clean(text), redacted=redacted, item=item, signature=signature, origin=MODEL
    )


def test_reasoning_goes_back_unchanged() -> None:
    parts = (
        thinks("first", redacted="gAAAA+/==", item="rs_1"),
        thinks("second", item="rs_1"),
        thinks("", redacted="hidden", item="rs_2"),
        thinks("open", item="rs_3"),
        thinks("of another provider", signature="EqQB"),
        thinks("", redacted="of another provider"),
        thinks("nobody's"),
        *called().parts,
    )
    body = sent(request(said("go"), Message(role="assistant", parts=parts), answered("x")))
    items = body["input"]
    assert isinstance(items, list)
    assert items[1:-2] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [
                {"type": "summary_text", "text": "first"},
                {"type": "summary_text", "text": "second"},
            ],
            "encrypted_content": "gAAAA+/==",
        },
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "hidden"},
        {
            "type": "reasoning",
            "id": "rs_3",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "open"}],
        },
    ]


def test_images_and_documents_travel_with_their_bytes() -> None:
    picture = image(b"png", "image/png", USER)
    letter = document(b"%PDF", PDF, USER)
    given = replace(
        request(Message(role="user", parts=(picture, letter))),
        media={picture.digest: b"png", letter.digest: b"%PDF"},
    )
    assert sent(given)["input"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,cG5n",
                    "detail": "auto",
                },
                {
                    "type": "input_file",
                    "filename": "document.pdf",
                    "file_data": "data:application/pdf;base64,JVBERg==",
                },
            ],
        }
    ]
    with pytest.raises(ProviderError, match="take another model"):
        encode_request(replace(given, model="gpt-4o-mini"))


def test_the_schema_of_the_answer() -> None:
    schema = '{"type":"object","properties":{},"additionalProperties":false}'
    assert sent(replace(request(), output_schema=schema))["text"] == {
        "format": {
            "type": "json_schema",
            "name": "answer",
            "schema": json.loads(schema),
            "strict": True,
        }
    }


def test_tools_are_not_strict() -> None:
    tools = sent(request(tools=(TOOL, replace(TOOL, name="b", description=""))))["tools"]
    assert isinstance(tools, list)
    assert [tool["strict"] for tool in tools] == [False, False]
    assert ["description" in tool for tool in tools] == [True, False]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (replace(request(), max_output_tokens=15), "max_output_tokens=15: the API takes at least"),
        (request(said(" ")), "nothing to send"),
    ],
)
def test_what_the_service_refuses_is_not_sent(given: ModelRequest, words: str) -> None:
    with pytest.raises(ProviderError, match=words) as caught:
        encode_request(given)
    assert caught.value.kind == "bad_request"


def test_openai_gets_a_key_for_its_cache_and_others_none() -> None:
    given = request(said("a"))
    assert sent(given)["prompt_cache_key"] == conversation_key(given)
    other = encode_request(given, replace(OPENAI, caches_by_key=False))
    assert "prompt_cache_key" not in json.loads(other)
