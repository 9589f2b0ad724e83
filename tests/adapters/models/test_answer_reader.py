"""An error in the middle of an answer counts as a break, one before it under its own name."""

import json

import pytest

from remit.adapters.models.answer_reader import AnswerReader
from remit.errors import ProviderError
from remit.wire.anthropic.stream import Decoder as Anthropic
from remit.wire.codec import StreamDecoder
from remit.wire.gemini.stream import Decoder as Gemini
from remit.wire.openai_chat.stream import Decoder as Chat
from remit.wire.openai_responses.stream import Decoder as Responses

START: dict[str, object] = {
    "type": "message_start",
    "message": {"id": "m", "model": "x", "usage": {"input_tokens": 1, "output_tokens": 1}},
}
BLOCK: dict[str, object] = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "text", "text": ""},
}
FAILED: dict[str, object] = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
PARTS: dict[str, object] = {"content": {"role": "model", "parts": [{"text": "Hal"}]}}
ADDED: dict[str, object] = {
    "type": "response.content_part.added",
    "output_index": 0,
    "content_index": 0,
    "part": {"type": "output_text", "text": ""},
}
CASES: list[tuple[type[StreamDecoder], list[dict[str, object]], dict[str, object]]] = [
    (Anthropic, [START, BLOCK], {"type": "error", "error": {"type": "overloaded_error"}}),
    (
        Chat,
        [{"id": "c", "model": "x", "choices": [{"index": 0, "delta": {"content": "Hal"}}]}],
        {"error": {"code": "503", "message": "busy"}},
    ),
    (Responses, [ADDED], {"type": "error", "code": "server_error", "message": "busy"}),
    (Gemini, [{"candidates": [PARTS]}], FAILED),
]


def sent(*events: dict[str, object]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def failure(decoder: StreamDecoder, *events: dict[str, object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        AnswerReader(decoder).feed(sent(*events))
    return caught.value


@pytest.mark.requirement("PROV-4", "BUD-2")
@pytest.mark.parametrize(("make", "before", "error"), CASES)
def test_what_was_generated_before_an_error_is_not_free(
    make: type[StreamDecoder], before: list[dict[str, object]], error: dict[str, object]
) -> None:
    refused = failure(make(), error)
    assert refused.kind in ("overloaded", "server")
    broken = failure(make(), *before, error)
    assert broken.kind == "stream_broken"
    assert str(broken) == str(refused)
    assert (broken.status, broken.retry_after_ms) == (refused.status, refused.retry_after_ms)


def test_nonsense_within_an_answer_stays_nonsense() -> None:
    reader = AnswerReader(Anthropic())
    reader.feed(sent(START, BLOCK))
    with pytest.raises(ProviderError) as caught:
        reader.feed(b"data: {\n\n")
    assert caught.value.kind == "malformed"


def test_the_end_of_an_answer_may_be_an_error_too() -> None:
    failed = {
        "id": "r",
        "model": "x",
        "status": "failed",
        "error": {"code": "server_error", "message": "busy"},
        "output": [],
    }
    reader = AnswerReader(Responses())
    reader.feed(sent(ADDED, {"type": "response.failed", "response": failed}))
    assert reader.done
    with pytest.raises(ProviderError, match="busy") as caught:
        reader.finish()
    assert caught.value.kind == "stream_broken"
