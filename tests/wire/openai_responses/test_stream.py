"""Streamed events of a response: any chunking, any break, the SDK as referee both ways."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawText, RawThinking
from remit.wire import sse
from remit.wire.openai_responses import stream
from remit.wire.openai_responses.answer import decode_answer, encode_answer
from remit.wire.openai_responses.stream import Decoder, encode_stream
from tests.wire.openai_responses.shapes import response_answers
from tests.wire.strategies import cut, cuts

EVENT: TypeAdapter[object] = TypeAdapter(ResponseStreamEvent)
Members = dict[str, object]


def response(**members: object) -> Members:
    return {
        "id": "resp_1",
        "status": "completed",
        "model": "gpt-6-sol",
        "output": [],
        "usage": {"input_tokens": 10, "output_tokens": 5},
        **members,
    }


def text_item(words: str) -> Members:
    return {"type": "message", "content": [{"type": "output_text", "text": words}]}


def added(item: Members, index: int = 0) -> Members:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: Members, index: int = 0) -> Members:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def part(kind: str = "output_text", index: int = 0, inner: int = 0) -> Members:
    return {
        "type": "response.content_part.added",
        "output_index": index,
        "content_index": inner,
        "part": {"type": kind},
    }


def delta(words: str, kind: str = "output_text", index: int = 0, inner: int = 0) -> Members:
    return {
        "type": f"response.{kind}.delta",
        "output_index": index,
        "content_index": inner,
        "summary_index": inner,
        "delta": words,
    }


END: Members = {"type": "response.completed", "response": response()}


def body(*events: object) -> bytes:
    return b"".join(sse.encode(json.dumps(event)) for event in events)


def read(chunks: Iterable[bytes]) -> tuple[ModelAnswer, list[Delta]]:
    decoder = Decoder()
    deltas = [each for chunk in chunks for each in decoder.feed(chunk)]
    return decoder.finish(), deltas


# ---------------------------------------------------------------- round trips


@given(response_answers(), cuts)
def test_deltas_add_up_to_the_answer(answer: ModelAnswer, places: list[int]) -> None:
    found, deltas = read(cut(b"".join(encode_stream(answer)), places))
    assert found == answer
    joined: dict[tuple[int, str], str] = {}
    for each in deltas:
        key = (each.index, each.kind)
        joined[key] = joined.get(key, "") + each.text
    for index, raw in enumerate(answer.parts):
        match raw:
            case RawText():
                assert joined.get((index, "text"), "") == raw.text
            case RawThinking():
                assert joined.get((index, "thinking"), "") == raw.text
            case RawCall():
                assert joined[index, "call"] == raw.arguments


@given(response_answers())
def test_the_official_types_accept_every_event_and_what_they_write_is_read(
    answer: ModelAnswer,
) -> None:
    rewritten = []
    for number, encoded in enumerate(encode_stream(answer)):
        (event,) = sse.Decoder().feed(encoded)
        told = json.loads(event.data)
        assert (told["type"], told["sequence_number"]) == (event.name, number)
        dumped = EVENT.dump_json(EVENT.validate_json(event.data)).decode()
        rewritten.append(sse.encode(dumped, event.name))
    assert read(rewritten)[0] == answer


@given(response_answers())
def test_whole_and_streamed_are_the_same(answer: ModelAnswer) -> None:
    assert read(encode_stream(answer))[0] == decode_answer(encode_answer(answer))


# ---------------------------------------------------------------- what servers send


def test_deltas_name_the_call_first() -> None:
    call: Members = {
        "type": "function_call",
        "call_id": "c1",
        "name": "f",
        "arguments": '{"a":1.10}',
    }
    kind = "function_call_arguments"
    found, deltas = read(
        [body(added(call), delta('{"a":', kind), delta("1.10}", kind), done(call), END)]
    )
    assert found.parts == (RawCall("c1", "f", '{"a":1.10}'),)
    assert deltas == [
        Delta(0, "call", tool="f", provider_id="c1"),
        Delta(0, "call", '{"a":'),
        Delta(0, "call", "1.10}"),
    ]


def test_hidden_reasoning_keeps_its_place() -> None:
    hidden: Members = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    begin: Members = {"type": "reasoning", "id": "rs_1", "summary": []}
    found, deltas = read(
        [body(added(begin), done(hidden), part(index=1), delta("hi", index=1), END)]
    )
    assert found.parts == (RawThinking("", redacted="x", item="rs_1"),)
    assert deltas == [Delta(1, "text", "hi")]


def test_refusals_and_reasoning_text_are_told() -> None:
    _, deltas = read(
        [
            body(
                delta("h", "reasoning_text"),
                delta("m", "reasoning_text", inner=1),
                part("refusal", index=1),
                delta("No.", "refusal", index=1),
                END,
            )
        ]
    )
    assert deltas == [
        Delta(0, "thinking", "h"),
        Delta(1, "thinking", "m"),
        Delta(2, "text", "No."),
    ]


def test_half_a_character_waits_for_its_other_half() -> None:
    whole = done(text_item("a😀b"))
    _, deltas = read([body(delta("a"), delta("\ud83d"), delta("\ude00b"), whole, END)])
    assert [each.text for each in deltas] == ["a", "😀b"]
    _, deltas = read([body(delta("x", index=1), delta("a\ud83d"), done(text_item("a")), END)])
    assert [each.text for each in deltas] == ["x", "a", "\ufffd"]


def test_items_come_in_their_order_whatever_is_done_first() -> None:
    found, _ = read([body(done(text_item("b"), 1), done(text_item("a"), 0), END)])
    assert found.parts == (RawText("a"), RawText("b"))


def test_without_items_the_end_holds_them() -> None:
    end = {"type": "response.completed", "response": response(output=[text_item("hi")])}
    assert read([body(end)])[0].parts == (RawText("hi"),)


def test_what_is_newer_than_the_codec_is_passed_over_or_named() -> None:
    search: Members = {"type": "web_search_call", "id": "ws_1"}
    found, deltas = read(
        [
            body(
                {"type": "response.created", "response": {}},
                {"type": "response.hologram.delta", "delta": "x"},
                added(search),
                done(search),
                part("hologram", index=1),
                added(text_item(""), 1),
                done(text_item("hi"), 1),
                END,
            )
        ]
    )
    assert (found.parts, found.left_out) == ((RawText("hi"),), ("output item 'web_search_call'",))
    assert deltas == []


# ---------------------------------------------------------------- ends


def test_what_comes_after_the_end_does_not_matter() -> None:
    decoder = Decoder()
    decoder.feed(body(done(text_item("hi")), END, {"type": "error", "message": "x"}))
    assert decoder.done
    assert decoder.finish().parts == (RawText("hi"),)


def test_an_answer_that_was_cut() -> None:
    details = {"reason": "max_output_tokens"}
    cut_off = response(status="incomplete", incomplete_details=details)
    end = {"type": "response.incomplete", "response": cut_off}
    assert read([body(done(text_item("hi")), end)])[0].stop == "max_tokens"


@pytest.mark.requirement("PROV-4")
def test_a_stream_without_its_end_is_no_answer() -> None:
    decoder = Decoder()
    decoder.feed(body(added(text_item("")), delta("hi"), done(text_item("hi"))))
    assert not decoder.done
    with pytest.raises(ProviderError, match="broke off") as caught:
        decoder.finish()
    assert caught.value.kind == "stream_broken"


ERRORS: dict[str, tuple[Members, str]] = {
    "flat": ({"type": "error", "code": "server_error", "message": "Sorry"}, "server"),
    "nested": (
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Wait"}},
        "rate_limited",
    ),
    "failed": (
        {
            "type": "response.failed",
            "response": response(
                status="failed", error={"code": "server_error", "message": "Sorry"}, usage=None
            ),
        },
        "server",
    ),
    "failed with a count": (
        {
            "type": "response.failed",
            "response": response(
                status="failed", error={"code": "server_error", "message": "Sorry"}
            ),
        },
        "stream_broken",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_in_the_middle_is_raised(case: str) -> None:
    event, kind = ERRORS[case]
    with pytest.raises(ProviderError, match="openai reported") as caught:
        read([body(delta("hi"), event)])
    assert caught.value.kind == kind


WRONG: dict[str, tuple[object, str]] = {
    "no type": ({"id": "x"}, "type: Field required"),
    "no place": ({"type": "response.output_text.delta", "delta": "x"}, "content_index: Field"),
    "a strange delta": (delta("x") | {"delta": 1}, "delta: Input should be a valid string"),
    "a nameless call": (added({"type": "function_call"}), "item.name: Field required"),
    "a strange end": (END | {"response": 1}, "response: Input should be an object"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_malformed_stream_says_where(case: str) -> None:
    event, words = WRONG[case]
    with pytest.raises(ProviderError) as caught:
        read([body(event)])
    assert str(caught.value).startswith("the provider's stream is malformed: ")
    assert words in str(caught.value)
    assert caught.value.kind == "malformed"


def test_parts_and_items_for_ever_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_PARTS", 2)
    with pytest.raises(ProviderError, match="more than 2 parts"):
        read([body(*(part(index=index) for index in range(3)))])
    with pytest.raises(ProviderError, match="more than 2 items"):
        read([body(*(done(text_item(""), index) for index in range(3)))])


Way = Literal["cut", "drop", "swap", "flip"]


@given(response_answers(), st.data())
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
