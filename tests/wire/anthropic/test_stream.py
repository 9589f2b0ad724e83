"""Streamed answers: any chunking, any break, anything newer, and the SDK as referee both ways."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire import sse
from remit.wire.anthropic import stream
from remit.wire.anthropic.stream import Decoder, encode_stream
from tests.wire.strategies import answers, cut, cuts

EVENTS: TypeAdapter[object] = TypeAdapter(RawMessageStreamEvent)

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 1,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 1000,
        },
    },
}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 5},
}
STOP = {"type": "message_stop"}


def opened(index: int = 0, **block: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int = 0, **delta: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def closed(index: int = 0) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def body(*events: object) -> bytes:
    return b"".join(sse.encode(json.dumps(event)) for event in events)


def read(chunks: Iterable[bytes]) -> tuple[ModelAnswer, list[Delta]]:
    decoder = Decoder()
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    return decoder.finish(), deltas


def answer_of(*events: object) -> ModelAnswer:
    return read([body(START, *events, END, STOP)])[0]


# ---------------------------------------------------------------- round trips


@given(answers, cuts)
def test_a_stream_reads_back_the_same_in_any_chunks(answer: ModelAnswer, places: list[int]) -> None:
    found, deltas = read(cut(b"".join(encode_stream(answer)), places))
    assert found == answer
    joined: dict[tuple[int, str], str] = {}
    for delta in deltas:
        key = (delta.index, delta.kind)
        joined[key] = joined.get(key, "") + delta.text
    for index, part in enumerate(answer.parts):
        match part:
            case RawText():
                assert joined.get((index, "text"), "") == part.text
            case RawThinking():
                assert joined.get((index, "thinking"), "") == part.text
            case RawCall():
                assert joined[index, "call"] == part.arguments


@given(answers)
def test_the_official_types_accept_every_event(answer: ModelAnswer) -> None:
    for encoded in encode_stream(answer):
        (event,) = sse.Decoder().feed(encoded)
        kind = json.loads(event.data)["type"]
        assert kind == event.name
        if kind != "ping":  # the SDK drops it by name, before its types
            EVENTS.validate_json(event.data)


@given(answers)
def test_what_the_sdk_writes_is_read(answer: ModelAnswer) -> None:
    rewritten = []
    for encoded in encode_stream(answer):
        (event,) = sse.Decoder().feed(encoded)
        if event.name != "ping":
            dumped = EVENTS.dump_json(EVENTS.validate_json(event.data)).decode()
            rewritten.append(sse.encode(dumped, event.name))
    assert read(rewritten)[0] == answer


def test_deltas_name_the_call_first() -> None:
    answer = ModelAnswer(
        parts=(RawText("a"), RawCall("t1", "pay", '{"amount":1.10}')),
        stop="tools",
        usage=Usage(input=1, output=1),
        model="m",
    )
    _, deltas = read(encode_stream(answer))
    assert deltas == [
        Delta(0, "text", "a"),
        Delta(1, "call", tool="pay", provider_id="t1"),
        Delta(1, "call", '{"amount":1.10}'),
    ]


# ---------------------------------------------------------------- what comes in


def test_usage_of_start_and_end_is_merged() -> None:
    assert answer_of().usage == Usage(input=1110, output=5, cache_read=100, cache_write=1000)
    later = {
        "input_tokens": 20,
        "output_tokens": 7,
        "cache_read_input_tokens": None,
        "output_tokens_details": {"thinking_tokens": 2},
    }
    found, _ = read([body(START, END, END | {"usage": later}, STOP)])
    assert found.usage == Usage(input=1120, output=7, cache_read=100, cache_write=1000, reasoning=2)


def test_counts_may_all_come_at_the_end() -> None:
    message = {key: value for key, value in START["message"].items() if key != "usage"}  # type: ignore[attr-defined]  # a dict in a dict
    usage = {"input_tokens": 3, "output_tokens": 4}
    found, _ = read([body(START | {"message": message}, END | {"usage": usage}, STOP)])
    assert found.usage == Usage(input=3, output=4)


def test_empty_input_is_an_empty_object() -> None:
    call = opened(type="tool_use", id="t", name="now", input={})
    empty = piece(type="input_json_delta", partial_json="")
    assert answer_of(call, empty, closed()).parts == (RawCall("t", "now", "{}"),)
    assert answer_of(call, closed()).parts == (RawCall("t", "now", "{}"),)
    whole = opened(type="tool_use", id="t", name="now", input={"zone": "UTC"})
    assert answer_of(whole, closed()).parts == (RawCall("t", "now", '{"zone":"UTC"}'),)


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123"])
def test_arguments_stay_as_the_model_wrote_them(lexeme: str) -> None:
    text = f'{{ "amount": {lexeme} }}'
    call = opened(type="tool_use", id="t", name="pay", input={})
    pieces = [piece(type="input_json_delta", partial_json=char) for char in text]
    assert answer_of(call, *pieces, closed()).parts == (RawCall("t", "pay", text),)


def test_thinking_is_kept_byte_for_byte() -> None:
    found = answer_of(
        opened(0, type="thinking", thinking="", signature=""),
        piece(0, type="thinking_delta", thinking="let me "),
        piece(0, type="thinking_delta", thinking="see"),
        piece(0, type="signature_delta", signature="EqQB"),
        piece(0, type="signature_delta", signature="+/=="),
        closed(0),
        opened(1, type="redacted_thinking", data="xyz=="),
        closed(1),
        opened(2, type="thinking", thinking="at once"),
        closed(2),
    )
    assert found.parts == (
        RawThinking("let me see", "EqQB+/=="),
        RawThinking("", redacted="xyz=="),
        RawThinking("at once"),
    )


def test_halves_of_a_character_meet() -> None:
    decoder = Decoder()
    text = opened(type="text", text="")
    first = decoder.feed(body(START, text, piece(type="text_delta", text="a\ud83d")))
    second = decoder.feed(body(piece(type="text_delta", text="\ude00\ud83d")))
    third = decoder.feed(body(closed(), END, STOP))
    assert [delta.text for delta in (*first, *second, *third)] == ["a", "😀", "�"]
    assert decoder.finish().parts == (RawText("a😀�"),)


def test_a_held_half_of_a_block_never_closed_is_not_lost() -> None:
    text, half = opened(type="text", text=""), piece(type="text_delta", text="a\ud83d")
    assert answer_of(text, half).parts == (RawText("a�"),)


def test_text_may_stand_in_the_opening_of_a_block() -> None:
    found, deltas = read([body(START, opened(type="text", text="hi"), closed(), END, STOP)])
    assert found.parts == (RawText("hi"),)
    assert deltas == [Delta(0, "text", "hi")]


def test_pings_and_what_is_newer_than_the_codec_are_passed_over() -> None:
    found, deltas = read(
        [
            body(
                {"type": "ping"},
                {"type": "overture", "tune": 1},
                START,
                {"type": "ping"},
                opened(0, type="hologram", rays=3),
                piece(0, type="ray_delta", ray=1),
                piece(0, type="text_delta", text="lost"),
                closed(0),
                opened(1, type="text", text=""),
                piece(1, type="citations_delta", citation={}),
                piece(1, type="text_delta", text="hi"),
                closed(1),
                END | {"delta": {"stop_reason": "tired"}},
                STOP,
                {"type": "encore"},
            )
        ]
    )
    assert found.parts == (RawText("hi"),)
    assert found.left_out == ("content block 'hologram'", "stop reason 'tired'")
    assert deltas == [Delta(0, "text", "hi")]


def test_what_follows_the_end_does_not_matter() -> None:
    decoder = Decoder()
    assert not decoder.done
    decoder.feed(body(START, END, STOP) + b"data: {broken\n\n")
    assert decoder.done
    assert decoder.finish().stop == "end"


# ---------------------------------------------------------------- what breaks


@pytest.mark.requirement("PROV-2")
@given(answers, st.integers(0, 10**6))
def test_a_stream_that_breaks_off_is_never_an_answer(answer: ModelAnswer, place: int) -> None:
    whole = b"".join(encode_stream(answer))
    decoder = Decoder()
    decoder.feed(whole[: place % len(whole)])
    with pytest.raises(ProviderError, match="broke off before the end") as caught:
        decoder.finish()
    assert caught.value.kind == "stream_broken"


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("overloaded_error", "overloaded"),
        ("rate_limit_error", "rate_limited"),
        ("api_error", "server"),
        ("invalid_request_error", "bad_request"),
        ("something_new", "server"),
    ],
)
def test_an_error_in_the_middle_is_told_by_its_kind(name: str, kind: str) -> None:
    error = {"type": "error", "error": {"type": name, "message": "Sorry"}}
    with pytest.raises(ProviderError) as caught:
        read([body(START, error)])
    assert str(caught.value) == f"anthropic reported ({kind}): {name}: Sorry"
    assert caught.value.kind == kind


def test_an_error_may_have_no_message() -> None:
    with pytest.raises(ProviderError, match=r"\(overloaded\): overloaded_error:"):
        read([body({"type": "error", "error": {"type": "overloaded_error"}})])


TEXT = opened(type="text", text="")
WRONG: dict[str, list[object]] = {
    "type: Field required": [{}],
    "a second message_start": [START, START],
    "message: Field required": [{"type": "message_start"}],
    "content_block_start 0 out of order": [TEXT],
    "content_block_start 1 out of order": [START, TEXT, opened(1, type="text", text="")],
    "content_block_start 0 out of order ": [START, TEXT, closed(), TEXT],
    "content block 0 is not open": [START, closed()],
    "content block 1 is not open": [START, TEXT, piece(1, type="text_delta", text="x")],
    "delta: text_delta in a block of kind call": [
        START,
        opened(type="tool_use", id="t", name="n", input={}),
        piece(type="text_delta", text="x"),
    ],
    "delta: input_json_delta in a block of kind text": [
        START,
        TEXT,
        piece(type="input_json_delta", partial_json="{}"),
    ],
    "delta.text: Field required": [START, TEXT, piece(type="text_delta")],
    "content_block.text: Field required": [START, opened(type="text")],
    "content_block.input: Input should be an object": [
        START,
        opened(type="tool_use", id="t", name="n", input=[]),
    ],
    "message_delta before message_start": [END],
    "usage: Field required": [START, {"type": "message_delta", "delta": {}}],
    "message_stop without a stop reason": [START, STOP],
    "message_stop without a stop reason ": [START, END | {"delta": {"stop_reason": None}}, STOP],
}


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("words", WRONG)
def test_a_stream_out_of_order_says_what_is_wrong(words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read([body(*WRONG[words])])
    assert str(caught.value) == f"the provider's stream is malformed: {words.strip()}"
    assert caught.value.kind == "malformed"


def test_the_number_of_blocks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_BLOCKS", 3)
    blocks = [event for n in range(4) for event in (opened(n, type="text", text=""), closed(n))]
    with pytest.raises(ProviderError, match="more than 3 content blocks"):
        read([body(START, *blocks)])


def test_missing_counts_are_refused() -> None:
    start = {"type": "message_start", "message": {"id": "x", "model": "m"}}
    with pytest.raises(ProviderError, match="usage: input_tokens is missing"):
        read([body(start, END, STOP)])


# ---------------------------------------------------------------- fuzz


@given(st.binary(max_size=300), cuts)
def test_junk_is_refused_or_nothing(junk: bytes, places: list[int]) -> None:
    with pytest.raises(ProviderError) as caught:
        read(cut(junk, places))
    assert caught.value.kind in {"malformed", "stream_broken"}


Mutation = tuple[Literal["flip", "drop", "double"], int, int]
mutations: st.SearchStrategy[list[Mutation]] = st.lists(
    st.tuples(
        st.sampled_from(["flip", "drop", "double"]), st.integers(0, 10**6), st.integers(0, 255)
    ),
    min_size=1,
    max_size=4,
)


@given(answers, mutations, cuts)
def test_a_mutated_stream_is_an_answer_or_a_provider_error(
    answer: ModelAnswer, changes: list[Mutation], places: list[int]
) -> None:
    whole = bytearray(b"".join(encode_stream(answer)))
    for kind, place, value in changes:
        at = place % len(whole)
        if kind == "flip":
            whole[at] = value
        elif kind == "drop":
            del whole[at : at + value]
        else:
            whole[at:at] = whole[at : at + value]
        if not whole:
            return
    with suppress(ProviderError):  # the only exception there may be
        read(cut(bytes(whole), places))


anything = st.sampled_from([START, TEXT, closed(), END, STOP, piece(type="text_delta", text="a")])


@given(st.lists(anything))
def test_events_in_any_order_are_an_answer_or_a_provider_error(events: list[object]) -> None:
    with suppress(ProviderError):
        assert read([body(*events)])[0].model == "claude-sonnet-5"
