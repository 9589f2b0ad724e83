"""Answers in one piece: the SDK reads what we write, we read what servers of all kinds write."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import ModelAnswer, RawCall, RawText, RawThinking, StopReason
from remit.values.usage import Usage
from remit.wire.openai_chat.answer import decode_answer, encode_answer
from tests.wire.openai_chat.shapes import chat_answers
from tests.wire.strategies import json_objects

COMPLETION = TypeAdapter(ChatCompletion)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def body(message: dict[str, object] | None = None, **members: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"} | (message or {})}
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-6-sol",
        "choices": [choice | {"finish_reason": members.pop("finish_reason", "stop")}],
        "usage": USAGE,
        **members,
    }
    return json.dumps(whole).encode()


def call(arguments: object = "{}", **members: object) -> dict[str, object]:
    function = {"name": "pay", "arguments": arguments}
    return {"tool_calls": [{"id": "c", "type": "function", "function": function} | members]}


@given(chat_answers())
def test_the_sdk_reads_and_writes_it(answer: ModelAnswer) -> None:
    found = COMPLETION.validate_json(encode_answer(answer))
    message = found.choices[0].message
    texts = [part.text for part in answer.parts if isinstance(part, RawText)]
    calls = [part for part in answer.parts if isinstance(part, RawCall)]
    assert (message.content or "") == "".join(texts).encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    )
    assert len(message.tool_calls or []) == len(calls)
    assert found.usage is not None
    assert found.usage.total_tokens == answer.usage.input + answer.usage.output
    assert decode_answer(found.model_dump_json().encode()) == answer


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    text = f'{{"amount":{lexeme}}}'
    answer = decode_answer(body(call(text), finish_reason="tool_calls"))
    assert answer.parts == (RawText("hi"), RawCall("c", "pay", text))
    assert decode_answer(encode_answer(answer)) == answer
    # Some servers send the object itself.
    raw = body(call("LEXEME"), finish_reason="tool_calls").replace(b'"LEXEME"', text.encode())
    assert decode_answer(raw).parts[1] == RawCall("c", "pay", text)


def test_cut_arguments_arrive_as_they_were_cut() -> None:
    found = decode_answer(body(call('{"amo') | {"content": None}, finish_reason="length"))
    assert (found.parts, found.stop) == ((RawCall("c", "pay", '{"amo'),), "max_tokens")


def test_arguments_may_be_missing() -> None:
    found = decode_answer(body(call(function={"name": "pay"}), finish_reason="tool_calls"))
    assert found.parts[1] == RawCall("c", "pay", "")


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "end"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("tool_calls", "tools"),
        ("function_call", "tools"),
    ],
)
def test_stop_reasons(reason: str, stop: StopReason) -> None:
    assert decode_answer(body(finish_reason=reason)).stop == stop


def test_calls_that_end_with_stop_want_tools() -> None:
    assert decode_answer(body(call(), finish_reason="stop")).stop == "tools"


def test_a_refusal_is_text_that_says_so() -> None:
    found = decode_answer(body({"content": None, "refusal": "I won't."}))
    assert (found.parts, found.stop) == ((RawText("I won't."),), "refusal")
    silent = decode_answer(body({"content": "", "refusal": ""}))
    assert (silent.parts, silent.stop) == ((), "end")


@pytest.mark.parametrize("stop", ["stop_sequence", "pause"])
def test_stops_the_protocol_does_not_know_are_ends(stop: StopReason) -> None:
    answer = ModelAnswer(parts=(RawText("a"),), stop=stop, usage=Usage(), model="m")
    assert decode_answer(encode_answer(answer)).stop == "end"


def test_usage_with_all_its_details() -> None:
    usage = {
        "prompt_tokens": 1110,
        "completion_tokens": 5,
        "total_tokens": 1115,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 1000},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    found = decode_answer(body(usage=usage, service_tier="priority"))
    assert found.usage == Usage(input=1110, output=5, cache_read=100, cache_write=1000, reasoning=3)
    assert found.service_tier == "priority"


def test_usage_of_compatible_servers() -> None:
    apart = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35}
    hidden = {"completion_tokens_details": {"reasoning_tokens": 20}}
    assert decode_answer(body(usage=apart | hidden)).usage == Usage(
        input=10, output=25, reasoning=20
    )
    hits = USAGE | {"prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3}
    assert decode_answer(body(usage=hits)).usage.cache_read == 7
    absurd = USAGE | {
        "prompt_tokens_details": {"cached_tokens": 99, "cache_write_tokens": 99},
        "completion_tokens_details": {"reasoning_tokens": 99},
    }
    assert decode_answer(body(usage=absurd)).usage == Usage(
        input=10, output=5, cache_read=10, reasoning=5
    )


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_where_servers_send_it(name: str) -> None:
    assert decode_answer(body({name: "hm"})).parts == (RawThinking("hm"), RawText("hi"))
    assert decode_answer(body({name: {"effort": "low"}})).parts == (RawText("hi"),)


def test_content_as_blocks() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "hologram"}, {"type": "text", "text": "b"}]
    found = decode_answer(body({"content": blocks}))
    assert (found.parts, found.left_out) == ((RawText("ab"),), ("content block 'hologram'",))


def test_what_is_newer_than_the_codec_is_left_out_by_name() -> None:
    message: dict[str, object] = {
        "audio": {"id": "a"},
        "annotations": [],
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}],
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x", "input": "y"}}],
    }
    found = decode_answer(body(message, finish_reason="tired", new_member={"x": 1}))
    assert found.parts == (RawText("hi"),)
    assert found.left_out == (
        "tool call 'custom'",
        "audio",
        "reasoning_details",
        "stop reason 'tired'",
    )
    assert found.stop == "end"
    assert decode_answer(body(call(), finish_reason="tired")).stop == "tools"


def test_more_choices_than_were_asked_for_are_named() -> None:
    whole = json.loads(body())
    whole["choices"] *= 3
    assert decode_answer(json.dumps(whole).encode()).left_out == ("choice 1", "choice 2")


WRONG: list[tuple[dict[str, object], str]] = [
    ({"choices": []}, "choices: it is empty"),
    ({"choices": "x"}, "choices: Input should be a valid list"),
    ({"choices": [{"message": 1, "finish_reason": "stop"}]}, "choices.0.message: Input should be"),
    ({"usage": None}, "usage is missing; without token counts the call cannot be paid"),
    ({"usage": {"prompt_tokens": 1}}, "usage.completion_tokens: Field required"),
    ({"usage": {"prompt_tokens": -1, "completion_tokens": 1}}, "usage.prompt_tokens: Input should"),
    ({"finish_reason": None}, "choices.0.finish_reason: Input should be a valid string"),
    ({"model": None}, "model: Input should be a valid string"),
]


@pytest.mark.parametrize(("members", "words"), WRONG)
def test_a_malformed_answer_says_where(members: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_answer(body(None, **members))
    assert str(caught.value).startswith("the provider's answer is malformed: " + words)
    assert caught.value.kind == "malformed"


@given(st.binary(max_size=100) | json_objects.map(str.encode))
def test_no_body_breaks_the_reader(junk: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_answer(junk)
    assert caught.value.kind == "malformed"


@given(st.data())
def test_no_mutation_breaks_the_reader(data: st.DataObject) -> None:
    whole = bytearray(body(call() | {"reasoning": "hm", "refusal": "no"}))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ProviderError):  # the only exception there may be
        decode_answer(bytes(whole))
