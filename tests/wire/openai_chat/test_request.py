"""Chat requests: valid by the official SDK's types, and read back the same."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from openai.types.chat.completion_create_params import CompletionCreateParams
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import CallPart, Message, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.openai.asking import conversation_key
from remit.wire.openai_chat.dialect import COMPATIBLE
from remit.wire.openai_chat.request import encode_request
from remit.wire.openai_chat.request_decode import decode_request
from tests.wire.anthropic.turns import answered, called, request, said
from tests.wire.openai.referee import accepts
from tests.wire.openai_chat.shapes import chat_requests
from tests.wire.strategies import MODEL, USER

clean = Clean.vouch
PARAMS: TypeAdapter[object] = TypeAdapter(CompletionCreateParams)
TOOL = ToolSchema("find", "Finds.", '{"type":"object","properties":{"n":{"type":"integer"}}}')


def sent(given: ModelRequest) -> dict[str, object]:
    body: dict[str, object] = json.loads(encode_request(given), parse_int=str, parse_float=str)
    return body


def messages(given: ModelRequest) -> list[dict[str, object]]:
    found = sent(given)["messages"]
    assert isinstance(found, list)
    return found


@given(chat_requests())
def test_the_official_types_accept_every_request(given: ModelRequest) -> None:
    accepts(PARAMS, encode_request(given))


def test_the_validation_sees_what_is_wrong() -> None:
    good = json.loads(encode_request(request(called(), answered("x"), tools=(TOOL,))))
    for member, value in (
        ("nonsense", 1),
        ("max_completion_tokens", "x"),
        ("messages", [{"role": "user"}]),
        ("reasoning_effort", "some"),
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


@pytest.mark.parametrize("text", ['{"a":', "[1]", "nonsense", '{"a":NaN}'])
def test_arguments_go_back_as_the_model_wrote_them(text: str) -> None:
    call = messages(request(said("go"), called(text)))[1]["tool_calls"]
    assert call == [
        {"id": "c1", "type": "function", "function": {"name": "find", "arguments": text}}
    ]


def test_empty_arguments_are_an_empty_object() -> None:
    assert b'"arguments":"{}"' in encode_request(request(said("go"), called("")))


def test_neighbours_are_one_turn_with_results_first() -> None:
    two = Message(role="assistant", parts=(*called(call="c1").parts, *called(call="c2").parts))
    found = messages(
        request(
            said("a"),
            said("b"),
            two,
            answered("one"),
            said("hurry"),
            answered("two", "c2", is_error=True),
            system="Be kind.",
        )
    )
    function = {"name": "find", "arguments": "{}"}
    assert found == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "[error] two"},
        {"role": "user", "content": [{"type": "text", "text": "hurry"}]},
    ]


def test_what_is_blank_is_not_sent() -> None:
    found = messages(request(said("a"), said(" ", "assistant"), said(""), said("b"), system=" \n"))
    assert [message["role"] for message in found] == ["user", "user"]
    with pytest.raises(ProviderError, match="nothing to send") as caught:
        encode_request(request(said(" ")))
    assert caught.value.kind == "bad_request"


def test_reasoning_goes_back_where_there_is_a_place_for_it() -> None:
    thinking = ThinkingPart(text=clean("hm"), signature="sig", origin=MODEL)
    turn = Message(role="assistant", parts=(thinking, *called().parts))
    only = Message(role="assistant", parts=(thinking,))
    given = request(said("a"), turn, answered("x"), only, said("b"))
    assert b"hm" not in encode_request(given)
    body = json.loads(encode_request(given, replace(COMPATIBLE, reasoning="reasoning")))
    assert body["messages"][1]["reasoning"] == "hm"
    # Reasoning alone is no message.
    assert [message["role"] for message in body["messages"]] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]
    assert b"sig" not in encode_request(given, COMPATIBLE)


def test_several_texts_of_the_model_stay_apart() -> None:
    both = Message(
        role="assistant", parts=(*said("a", "assistant").parts, *said("b", "assistant").parts)
    )
    assert messages(request(said("x"), both))[1]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_images_and_documents_travel_with_their_bytes() -> None:
    picture = image(b"png", "image/png", USER)
    letter = document(b"%PDF", PDF, USER, clean("letter.pdf"))
    given = replace(
        request(Message(role="user", parts=(picture, letter))),
        model="gpt-6-sol",
        media={picture.digest: b"png", letter.digest: b"%PDF"},
    )
    url = {"url": "data:image/png;base64,cG5n"}
    file = {"filename": "letter.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    assert messages(given)[0]["content"] == [
        {"type": "image_url", "image_url": url},
        {"type": "file", "file": file},
    ]
    mini = replace(given, model="gpt-4o-mini", messages=(Message(role="user", parts=(picture,)),))
    assert messages(mini)[0]["content"] == [
        {"type": "image_url", "image_url": url | {"detail": "low"}}
    ]
    with pytest.raises(ProviderError, match="take another model"):
        encode_request(replace(given, model="gpt-4o-mini"))


def test_limits_streams_effort_and_schema() -> None:
    given = replace(request(), effort="low", output_schema='{"type":"object"}')
    body = sent(given)
    assert body["max_completion_tokens"] == "5000"
    assert body["stream_options"] == {"include_usage": True}
    assert body["reasoning_effort"] == "low"
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": False},
    }
    assert "stream_options" not in sent(replace(given, stream=False))
    compatible = json.loads(encode_request(given, COMPATIBLE))
    assert compatible["max_tokens"] == 5000
    assert "max_completion_tokens" not in compatible


def test_a_tool_without_a_description() -> None:
    tools = sent(request(tools=(replace(TOOL, description=""),)))["tools"]
    assert isinstance(tools, list)
    assert tools[0]["function"].keys() == {"name", "parameters"}


def test_openai_gets_a_key_for_its_cache_and_others_none() -> None:
    given = request(said("a"))
    assert sent(given)["prompt_cache_key"] == conversation_key(given)
    assert "prompt_cache_key" not in json.loads(encode_request(given, COMPATIBLE))
