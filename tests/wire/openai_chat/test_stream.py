"""Streamed chunks: any chunking, any break, servers of all kinds, the SDK as referee."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire import sse
from remit.wire.openai_chat import stream
from remit.wire.openai_chat.answer import decode_answer, encode_answer
from remit.wire.openai_chat.stream import DONE, Decoder, encode_stream
from tests.wire.openai_chat.shapes import chat_answers
from tests.wire.strategies import cut, cuts

CHUNK = TypeAdapter(ChatCompletionChunk)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def chunk(delta: object = None, stop: str | None = None, **members: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": stop}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-6-sol",
        "choices": [choice],
        **members,
    }


COUNTED = chunk(usage=USAGE) | {"choices": []}
STOP = chunk(stop="stop")


def body(*chunks: object) -> bytes:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in chunks]
    return b"".join(sse.encode(text) for text in texts)


def read(chunks: Iterable[bytes]) -> tuple[ModelAnswer, list[Delta]]:
    decoder = Decoder()
    deltas = [delta for each in chunks for delta in decoder.feed(each)]
    return decoder.finish(), deltas


def answer_of(*chunks: object) -> ModelAnswer:
    return read([body(*chunks, STOP, COUNTED, DONE)])[0]


def piece(index: int | None = 0, **members: object) -> dict[str, object]:
    where = {} if index is None else {"index": index}
    return chunk({"tool_calls": [where | members]})


def opened(index: int | None = 0, call: str = "c1", arguments: str = "") -> dict[str, object]:
    return piece(index, id=call, type="function", function={"name": "f", "arguments": arguments})


def more(index: int | None, arguments: str) -> dict[str, object]:
    return piece(index, function={"arguments": arguments})


# ---------------------------------------------------------------- round trips


@given(chat_answers(), cuts)
def test_deltas_add_up_to_the_answer(answer: ModelAnswer, places: list[int]) -> None:
    found, deltas = read(cut(b"".join(encode_stream(answer)), places))
    assert found == answer
    joined: dict[tuple[int, str], str] = {}
    for delta in deltas:
        key = (delta.index, delta.kind)
        joined[key] = joined.get(key, "") + delta.text
    for index, part in enumerate(answer.parts):
        match part:
            case RawText():
                assert joined[index, "text"] == part.text
            case RawThinking():
                assert joined[index, "thinking"] == part.text
            case RawCall():
                assert joined[index, "call"] == part.arguments


@given(chat_answers())
def test_the_official_types_accept_every_chunk_and_what_they_write_is_read(
    answer: ModelAnswer,
) -> None:
    rewritten = []
    for encoded in encode_stream(answer):
        (event,) = sse.Decoder().feed(encoded)
        if event.data == DONE:
            rewritten.append(encoded)
        else:
            dumped = CHUNK.dump_json(CHUNK.validate_json(event.data)).decode()
            rewritten.append(sse.encode(dumped))
    assert read(rewritten)[0] == answer


@given(chat_answers())
def test_whole_and_streamed_are_the_same(answer: ModelAnswer) -> None:
    assert read(encode_stream(answer))[0] == decode_answer(encode_answer(answer))


def test_counts_go_to_those_who_ask() -> None:
    answer = answer_of(chunk({"content": "hi"}))
    chunks = list(encode_stream(answer, usage=False))
    assert len(chunks) == len(list(encode_stream(answer))) - 1
    assert b"usage" not in b"".join(chunks)


# ---------------------------------------------------------------- servers of all kinds


def test_deltas_name_the_call_first() -> None:
    _, deltas = read([body(opened(), more(0, '{"a":'), more(0, "1.10}"), STOP, COUNTED, DONE)])
    assert deltas == [
        Delta(0, "call", tool="f", provider_id="c1"),
        Delta(0, "call", '{"a":'),
        Delta(0, "call", "1.10}"),
    ]


def test_calls_come_interleaved() -> None:
    found = answer_of(
        opened(0, "c1"),
        opened(1, "c2"),
        more(0, '{"a"'),
        more(1, "{"),
        more(0, ":1}"),
        more(1, "}"),
    )
    assert found.parts == (RawCall("c1", "f", '{"a":1}'), RawCall("c2", "f", "{}"))
    assert found.stop == "tools"


@pytest.mark.parametrize("index", [0, None])
def test_calls_without_an_index_of_their_own_are_known_by_their_ids(index: int | None) -> None:
    found = answer_of(opened(index, "c1", '{"a":1}'), opened(index, "c2", "{}"))
    assert found.parts == (RawCall("c1", "f", '{"a":1}'), RawCall("c2", "f", "{}"))


def test_an_id_that_is_repeated_opens_nothing() -> None:
    found = answer_of(opened(0, "c1", "{"), opened(0, "c1", "}"))
    assert found.parts == (RawCall("c1", "f", "{}"),)


def test_a_call_may_come_without_an_id_or_arguments() -> None:
    found = answer_of(
        piece(0, function={"name": "f"}), piece(0, id="late"), piece(0, type="function")
    )
    assert found.parts == (RawCall("", "f", ""),)


def test_azure_begins_with_empty_names() -> None:
    first = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    found = answer_of(first, chunk({"content": "hi"}), chunk() | {"id": None, "model": None})
    assert (found.provider_id, found.model) == ("chatcmpl-1", "gpt-6-sol")


def test_running_counts_overwrite_each_other() -> None:
    found = answer_of(
        chunk({"content": "hi"}, usage={"prompt_tokens": 10, "completion_tokens": 1}),
        chunk({"content": "!"}, service_tier="flex"),
    )
    assert (found.usage, found.service_tier) == (Usage(input=10, output=5), "flex")


def test_reasoning_and_refusal() -> None:
    found = answer_of(
        chunk({"role": "assistant", "content": "", "reasoning_content": "h"}),
        chunk({"reasoning": "m"}),
        chunk({"content": None, "refusal": ""}),
        chunk({"refusal": "No."}),
    )
    assert (found.parts, found.stop) == ((RawThinking("hm"), RawText("No.")), "refusal")


def test_half_a_character_waits_for_its_other_half() -> None:
    halves = [chunk({"content": "a\ud83d"}), chunk({"content": "\ude00b"})]
    answer, deltas = read([body(*halves, STOP, COUNTED, DONE)])
    assert answer.parts == (RawText("a😀b"),)
    assert [delta.text for delta in deltas] == ["a", "😀b"]
    answer, deltas = read([body(halves[0], STOP, COUNTED, DONE)])
    assert answer.parts == (RawText("a\ufffd"),)
    assert [delta.text for delta in deltas] == ["a", "\ufffd"]
    lone = read([body(chunk({"content": "\ud83d"}), STOP, COUNTED)])[0]
    assert lone.parts == (RawText("\ufffd"),)


def test_what_is_newer_than_the_codec_is_left_out_by_name() -> None:
    found = answer_of(
        chunk({"content": [{"type": "text", "text": "hi"}, {"type": "hologram"}]}),
        chunk({"content": [{"type": "hologram"}], "audio": {"id": "a"}}),
        chunk({"tool_calls": [{"index": 0, "id": "c", "type": "custom"}]}),
        chunk() | {"choices": [{"index": 1, "delta": {"content": "other"}}]},
        chunk() | {"choices": [{"index": 0}]},
        chunk({}, "tired"),
    )
    assert found.parts == (RawText("hi"),)
    assert found.left_out == ("content block 'hologram'", "audio", "tool call 'custom'", "choice 1")
    tired = read([body(chunk({"content": "hi"}, "tired"), COUNTED, DONE)])[0]
    assert (tired.stop, tired.left_out) == ("end", ("stop reason 'tired'",))


# ---------------------------------------------------------------- ends


def test_what_comes_after_the_end_does_not_matter() -> None:
    decoder = Decoder()
    decoder.feed(body(chunk({"content": "hi"}), STOP, COUNTED, DONE, "garbage"))
    assert decoder.done
    assert decoder.finish().parts == (RawText("hi"),)


def test_stop_reason_and_usage_are_an_end_too() -> None:
    decoder = Decoder()
    decoder.feed(body(chunk({"content": "hi"}), STOP, COUNTED))
    assert not decoder.done
    assert decoder.finish().parts == (RawText("hi"),)


BROKEN: dict[str, tuple[object, ...]] = {
    "nothing": (),
    "no stop reason": (chunk({"content": "hi"}), COUNTED, DONE),
    "no usage, no end": (chunk({"content": "hi"}), STOP),
}


@pytest.mark.requirement("PROV-4")
@pytest.mark.parametrize("case", BROKEN)
def test_a_stream_without_its_end_is_no_answer(case: str) -> None:
    with pytest.raises(ProviderError, match="broke off") as caught:
        read([body(*BROKEN[case])])
    assert caught.value.kind == "stream_broken"


def test_an_end_without_usage_is_refused() -> None:
    with pytest.raises(ProviderError, match="ended without usage") as caught:
        read([body(chunk({"content": "hi"}), STOP, DONE)])
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Sorry", "type": "server_error", "code": None}, "server"),
        (
            {"message": "Rate limit", "type": "tokens", "code": "rate_limit_exceeded"},
            "rate_limited",
        ),
        ({"message": "No credit", "code": 402}, "billing"),
    ],
)
def test_an_error_in_the_middle_is_raised(error: object, kind: str) -> None:
    with pytest.raises(ProviderError, match="openai-chat reported") as caught:
        read([body(chunk({"content": "hi"}), {"error": error})])
    assert caught.value.kind == kind


WRONG: dict[str, tuple[object, str]] = {
    "no JSON": ("{", "not JSON"),
    "no choices": ({"id": "x"}, "choices: Field required"),
    "a strange delta": (chunk([1]), "choices.0.delta: Input should be an object"),
    "a nameless call": (more(0, "{}"), "a tool call without a name"),
    "a call without anything": (piece(0, id="c"), "a tool call without a name"),
    "strange counts": (chunk(usage={"prompt_tokens": "x"}), "usage.prompt_tokens: Input should"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_malformed_stream_says_where(case: str) -> None:
    event, words = WRONG[case]
    with pytest.raises(ProviderError) as caught:
        read([body(event)])
    assert str(caught.value).startswith("the provider's stream is malformed: ")
    assert words in str(caught.value)
    assert caught.value.kind == "malformed"


def test_calls_for_ever_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_PARTS", 2)
    with pytest.raises(ProviderError, match="more than 2 parts"):
        read([body(*(opened(index) for index in range(3)))])


Way = Literal["cut", "drop", "swap", "flip"]


@given(chat_answers(), st.data())
def test_no_broken_stream_breaks_the_reader(answer: ModelAnswer, data: st.DataObject) -> None:
    chunks = list(encode_stream(answer))
    way: Way = data.draw(st.sampled_from(["cut", "drop", "swap", "flip"]))
    place = data.draw(st.integers(0, len(chunks) - 1))
    if way == "cut":
        chunks = chunks[:place]
    elif way == "drop":
        del chunks[place]
    elif way == "swap":
        chunks[place], chunks[0] = chunks[0], chunks[place]
    else:
        broken = bytearray(chunks[place])
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        chunks[place] = bytes(broken)
    with suppress(ProviderError):  # the only exception there may be
        read(chunks)
