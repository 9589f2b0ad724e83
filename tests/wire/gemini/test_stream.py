"""Streams: chunked anyhow they give the same answer, and without their end they give none."""

import json
from contextlib import suppress

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire import sse
from remit.wire.gemini.stream import Decoder, encode_stream
from tests.wire.gemini.kept import kept_answers
from tests.wire.strategies import cut, cuts


def chunk(*parts: object, reason: str = "", **members: object) -> bytes:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    whole = {"candidates": [candidate], "modelVersion": "m", "responseId": "r", **members}
    return sse.encode(json.dumps(whole))


def usage(prompt: int, written: int = 0) -> dict[str, int]:
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": written,
        "totalTokenCount": prompt + written,
    }


def read(*chunks: bytes) -> tuple[ModelAnswer, list[Delta]]:
    decoder = Decoder()
    deltas = [delta for piece in chunks for delta in decoder.feed(piece)]
    return decoder.finish(), deltas


def pieced(answer: ModelAnswer) -> list[Delta]:
    """The deltas a reader of the answer needs, one a part."""
    found: list[Delta] = []
    for index, part in enumerate(answer.parts):
        match part:
            case RawText():
                found.append(Delta(index, "text", part.text))
            case RawThinking() if part.text:
                found.append(Delta(index, "thinking", part.text))
            case RawCall():
                found.append(Delta(index, "call", part.arguments, part.tool, part.provider_id))
            case _:
                pass
    return found


def joined(deltas: list[Delta]) -> list[Delta]:
    found: list[Delta] = []
    for delta in deltas:
        if found and found[-1].index == delta.index:
            last = found[-1]
            text = last.text + delta.text
            found[-1] = Delta(last.index, last.kind, text, last.tool, last.provider_id)
        else:
            found.append(delta)
    return found


@given(answer=kept_answers, places=cuts)
def test_deltas_put_together_are_the_answer(answer: ModelAnswer, places: list[int]) -> None:
    found, deltas = read(*cut(b"".join(encode_stream(answer)), places))
    assert found == answer
    assert joined(deltas) == pieced(answer)


@given(kept_answers)
def test_every_event_is_a_response_to_the_sdk(answer: ModelAnswer) -> None:
    for event in encode_stream(answer):
        (found,) = sse.Decoder().feed(event)
        piece = json.loads(found.data)
        for part in piece["candidates"][0]["content"]["parts"]:
            part.pop("thoughtSignature", None)  # bytes to the SDK, any text here
        types.GenerateContentResponse.model_validate(piece)


@given(answer=kept_answers, end=st.integers(0, 10**6))
def test_a_stream_that_breaks_off_is_no_answer(answer: ModelAnswer, end: int) -> None:
    events = list(encode_stream(answer))
    whole = b"".join(events)
    broken = whole[: end % (len(whole) - 1)]  # the last event ends with two line feeds
    decoder = Decoder()
    decoder.feed(broken)
    with pytest.raises(ProviderError, match="broke off") as caught:
        decoder.finish()
    assert caught.value.kind == "stream_broken"


def test_a_stream_as_the_service_sends_it() -> None:
    answer, deltas = read(
        chunk({"text": "Think", "thought": True}, usageMetadata=usage(10)),
        chunk({"text": "ing", "thought": True}, usageMetadata=usage(10)),
        chunk({"text": "Hel"}, usageMetadata=usage(10, 1)),
        chunk({"text": "lo"}, usageMetadata=usage(10, 2)),
        chunk({"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s"}),
        chunk({"functionCall": {"name": "g"}}),
        chunk({"text": "", "thoughtSignature": "t"}, reason="STOP", usageMetadata=usage(10, 9)),
    )
    assert answer == ModelAnswer(
        parts=(
            RawThinking("Thinking"),
            RawText("Hello"),
            RawThinking("", redacted="s"),
            RawCall("", "f", '{"a":1}'),
            RawCall("", "g", "{}"),
            RawThinking("", redacted="t"),
        ),
        stop="tools",
        usage=Usage(input=10, output=9),
        model="m",
        provider_id="r",
    )
    assert deltas == [
        Delta(0, "thinking", "Think"),
        Delta(0, "thinking", "ing"),
        Delta(1, "text", "Hel"),
        Delta(1, "text", "lo"),
        Delta(3, "call", tool="f"),
        Delta(3, "call", '{"a":1}'),
        Delta(4, "call", tool="g"),
        Delta(4, "call", "{}"),
    ]


def test_what_follows_the_reason_counts() -> None:
    # Older models give a reason with every piece, and usage may come after it.
    answer, _ = read(
        chunk({"text": "a"}, reason="STOP"),
        chunk({"text": "b"}, reason="STOP"),
        sse.encode(json.dumps({"usageMetadata": usage(3, 4)})),
    )
    assert (answer.parts, answer.usage) == ((RawText("ab"),), Usage(input=3, output=4))


def test_an_error_in_the_middle() -> None:
    decoder = Decoder()
    decoder.feed(chunk({"text": "a"}))
    error = {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}
    with pytest.raises(ProviderError, match="google reported") as caught:
        decoder.feed(sse.encode(json.dumps(error)))
    assert caught.value.kind == "rate_limited"


def test_what_is_no_event() -> None:
    with pytest.raises(ProviderError, match="the provider's stream is malformed: ") as caught:
        Decoder().feed(b"data: nonsense\n\n")
    assert caught.value.kind == "malformed"


def test_a_stream_without_counts_is_refused() -> None:
    with pytest.raises(ProviderError, match="promptTokenCount is missing"):
        read(chunk({"text": "a"}, reason="STOP"))
    begun = {"promptTokenCount": 10, "totalTokenCount": 10}
    with pytest.raises(ProviderError, match="candidatesTokenCount is missing"):
        read(chunk({"text": "a"}, usageMetadata=begun), chunk(reason="STOP"))
    assert read(chunk(reason="STOP", usageMetadata=begun))[0].usage == Usage(input=10)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_rubbish_never_gives_an_answer(chunks: list[bytes]) -> None:
    decoder = Decoder()
    with suppress(ProviderError):
        for piece in chunks:
            decoder.feed(piece)
    with pytest.raises(ProviderError):
        decoder.finish()
