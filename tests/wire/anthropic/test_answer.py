"""Answers in one piece: the SDK reads what we write, we read what the SDK writes."""

import json
from contextlib import suppress

import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.model import ModelAnswer, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire.anthropic.answer import decode_answer, encode_answer
from tests.wire.strategies import answers, json_objects

USAGE = {"input_tokens": 10, "output_tokens": 5}


def body(**members: object) -> bytes:
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **members,
    }
    return json.dumps(whole).encode()


@given(answers)
def test_an_answer_reads_back_the_same(answer: ModelAnswer) -> None:
    assert decode_answer(encode_answer(answer)) == answer


@given(answers)
def test_the_sdk_reads_and_writes_it(answer: ModelAnswer) -> None:
    encoded = encode_answer(answer)
    message = Message.model_validate_json(encoded)
    assert len(message.content) == len(answer.parts)
    assert message.usage.output_tokens == answer.usage.output
    # The SDK's own model reads numbers as Python does, so only answers without calls come back
    # digit for digit.
    if not any(isinstance(part, RawCall) for part in answer.parts):
        assert decode_answer(message.model_dump_json().encode()) == answer
    again = decode_answer(message.model_dump_json(exclude_none=True).encode())
    assert [type(part) for part in again.parts] == [type(part) for part in answer.parts]


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    text = f'{{"amount":{lexeme}}}'
    content = [{"type": "tool_use", "id": "t", "name": "pay", "input": {"amount": "LEXEME"}}]
    raw = body(content=content, stop_reason="tool_use").replace(b'"LEXEME"', lexeme.encode())
    answer = decode_answer(raw)
    assert answer.parts == (RawCall("t", "pay", text),)
    assert text.encode() in encode_answer(answer)


def test_cut_arguments_are_wrapped_because_a_whole_answer_cannot_hold_them() -> None:
    answer = ModelAnswer(
        parts=(RawCall("t", "pay", '{"amo'),), stop="max_tokens", usage=Usage(), model="m"
    )
    assert decode_answer(encode_answer(answer)).parts == (
        RawCall("t", "pay", '{"INVALID_JSON":"{\\"amo"}'),
    )


def test_input_counts_cached_tokens() -> None:
    usage = USAGE | {
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens_details": {"thinking_tokens": 3},
        "server_tool_use": None,
        "service_tier": "standard",
    }
    assert decode_answer(body(usage=usage)).usage == Usage(
        input=1110, output=5, cache_read=100, cache_write=1000, reasoning=3
    )


def test_tokens_cached_for_an_hour_and_the_tier() -> None:
    usage = USAGE | {
        "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 40},
        "service_tier": "priority",
    }
    answer = decode_answer(body(usage=usage))
    assert answer.usage == Usage(input=60, output=5, cache_write=50, cache_write_1h=40)
    assert answer.service_tier == "priority"


def test_reasoning_is_never_more_than_the_output() -> None:
    usage = USAGE | {"output_tokens_details": {"thinking_tokens": 99}}
    assert decode_answer(body(usage=usage)).usage.reasoning == 5


def test_what_is_newer_than_the_codec_is_left_out_by_name() -> None:
    answer = decode_answer(
        body(
            content=[
                {"type": "hologram", "rays": 3},
                {"type": "text", "text": "hi", "citations": None},
            ],
            stop_reason="tired",
            new_member={"x": 1},
        )
    )
    assert answer.parts == (RawText("hi"),)
    assert answer.left_out == ("content block 'hologram'", "stop reason 'tired'")
    assert answer.stop == "end"
    call = {"type": "tool_use", "id": "t", "name": "pay", "input": {}}
    assert decode_answer(body(content=[call], stop_reason="tired")).stop == "tools"


def test_a_full_window_is_a_cut() -> None:
    answer = decode_answer(body(stop_reason="model_context_window_exceeded"))
    assert (answer.stop, answer.left_out) == ("max_tokens", ())


def test_thinking() -> None:
    content = [
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
    ]
    assert decode_answer(body(content=content)).parts == (
        RawThinking("", "sig"),
        RawThinking("", redacted="xyz"),
    )


WRONG: list[tuple[dict[str, object], str]] = [
    ({"type": "error"}, "type: Input should be 'message'"),
    ({"content": "hi"}, "content: Input should be a valid list"),
    ({"content": [{"type": "text"}]}, "content.0.text: Field required"),
    ({"stop_reason": None}, "stop_reason: Input should be a valid string"),
    ({"usage": {"input_tokens": 1}}, "usage: output_tokens is missing"),
    ({"usage": {"output_tokens": 1}}, "usage: input_tokens is missing"),
    ({"usage": {"input_tokens": -1, "output_tokens": 1}}, "usage.input_tokens: Input should be"),
    ({"usage": {"input_tokens": 1.5, "output_tokens": 1}}, "usage.input_tokens: Input should be"),
    ({"usage": None}, "usage: Input should be an object"),
    (
        {"content": [{"type": "tool_use", "id": "t", "name": "n", "input": [1]}]},
        "content.0.input: Input should be an object",
    ),
]


@pytest.mark.parametrize(("members", "words"), WRONG)
def test_a_malformed_answer_says_where(members: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_answer(body(**members))
    assert str(caught.value).startswith("the provider's answer is malformed: " + words)
    assert caught.value.kind == "malformed"


@given(st.binary(max_size=100) | json_objects.map(str.encode))
def test_no_body_breaks_the_reader(junk: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_answer(junk)
    assert caught.value.kind == "malformed"


@given(st.data())
def test_no_mutation_breaks_the_reader(data: st.DataObject) -> None:
    whole = bytearray(body(content=[{"type": "tool_use", "id": "t", "name": "n", "input": {}}]))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ProviderError):  # the only exception there may be
        decode_answer(bytes(whole))
