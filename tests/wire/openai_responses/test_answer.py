"""Response objects in one piece: the SDK reads what we write, we read what the SDK writes."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import ModelAnswer, RawCall, RawText, RawThinking, StopReason
from remit.values.usage import Usage
from remit.wire.openai_responses.answer import decode_answer, encode_answer
from tests.wire.openai_responses.shapes import response_answers
from tests.wire.strategies import json_objects

RESPONSE = TypeAdapter(Response)
USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
Item = dict[str, object]


def message(*content: object) -> Item:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": list(content),
    }


def text(words: str, **more: object) -> Item:
    return {"type": "output_text", "text": words, "annotations": [], **more}


def call(arguments: str = "{}") -> Item:
    return {"type": "function_call", "call_id": "c", "name": "pay", "arguments": arguments}


def body(*output: object, **members: object) -> bytes:
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "gpt-6-sol",
        "output": list(output) or [message(text("hi"))],
        "usage": USAGE,
        **members,
    }
    return json.dumps(whole).encode()


@settings(max_examples=50)  # the SDK's union of items is slow
@given(response_answers())
def test_the_sdk_reads_and_writes_it(answer: ModelAnswer) -> None:
    found = RESPONSE.validate_json(encode_answer(answer))
    assert found.usage is not None
    assert found.usage.total_tokens == answer.usage.input + answer.usage.output
    assert found.service_tier == (answer.service_tier or None)
    assert decode_answer(found.model_dump_json().encode()) == answer


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    arguments = f'{{"amount":{lexeme}}}'
    answer = decode_answer(body(call(arguments)))
    assert (answer.parts, answer.stop) == ((RawCall("c", "pay", arguments),), "tools")
    assert decode_answer(encode_answer(answer)) == answer


@pytest.mark.parametrize(
    ("reason", "stop"), [("max_output_tokens", "max_tokens"), ("content_filter", "refusal")]
)
def test_why_an_answer_is_not_complete(reason: str, stop: StopReason) -> None:
    details = {"reason": reason}
    found = decode_answer(body(call('{"amo'), status="incomplete", incomplete_details=details))
    assert (found.stop, found.parts) == (stop, (RawCall("c", "pay", '{"amo'),))


def test_a_refusal_is_text_that_says_so() -> None:
    found = decode_answer(body(message({"type": "refusal", "refusal": "I won't."})))
    assert (found.parts, found.stop) == ((RawText("I won't."),), "refusal")


@pytest.mark.parametrize("stop", ["stop_sequence", "pause"])
def test_stops_the_protocol_does_not_know_are_ends(stop: StopReason) -> None:
    answer = ModelAnswer(parts=(RawText("a"),), stop=stop, usage=Usage(), model="m")
    assert decode_answer(encode_answer(answer)).stop == "end"


def test_usage_with_all_its_details() -> None:
    usage = {
        "input_tokens": 1110,
        "input_tokens_details": {
            "cached_tokens": 100,
            "cache_write_tokens": 1000,
            "cache_write_tokens_details": {"ttl_12h_tokens": 400, "ttl_30m_tokens": 600},
        },
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 1115,
    }
    assert decode_answer(body(usage=usage)).usage == Usage(
        input=1110, output=5, cache_read=100, cache_write=1000, cache_write_1h=400, reasoning=3
    )
    absurd = USAGE | {
        "input_tokens_details": {"cached_tokens": 99, "cache_write_tokens": 99},
        "output_tokens_details": {"reasoning_tokens": 99},
    }
    assert decode_answer(body(usage=absurd)).usage == Usage(
        input=10, output=5, cache_read=10, reasoning=5
    )


def test_reasoning() -> None:
    item: Item = {"type": "reasoning", "id": "rs_1"}
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    content = [{"type": "reasoning_text", "text": "c"}]
    found = decode_answer(
        body(
            item | {"summary": summary, "encrypted_content": "x"},
            item | {"summary": [], "encrypted_content": "y"},
            item | {"summary": [], "content": content},
            item | {"summary": summary[:1]},
            item | {"summary": []},
            item | {"summary": summary[:1], "content": content, "encrypted_content": "z"},
        )
    )
    assert found.parts == (
        RawThinking("a", redacted="x", item="rs_1"),
        RawThinking("b", item="rs_1"),
        RawThinking("", redacted="y", item="rs_1"),
        RawThinking("c", item="rs_1"),
        RawThinking("a"),
        RawThinking(""),
        RawThinking("a", redacted="z", item="rs_1"),
    )
    assert found.left_out == ("reasoning text beside its summary",)


def test_signatures_of_other_protocols_travel_as_the_encrypted_form() -> None:
    answer = ModelAnswer(
        parts=(RawThinking("hm", "signed"), RawThinking("", redacted="xyz"), RawThinking("ho")),
        stop="end",
        usage=Usage(),
        model="m",
    )
    assert decode_answer(encode_answer(answer)).parts == (
        RawThinking("hm", redacted="signed", item="rs_0"),
        RawThinking("", redacted="xyz", item="rs_1"),
        RawThinking("ho"),
    )


def test_what_is_newer_than_the_codec_is_left_out_by_name() -> None:
    cited = text("hi", annotations=[{"type": "url_citation"}])
    found = decode_answer(
        body(
            {"type": "web_search_call", "id": "ws_1"},
            message(cited, {"type": "hologram"}),
            status="incomplete",
            incomplete_details={"reason": "steered"},
            new_member={"x": 1},
        )
    )
    assert found.parts == (RawText("hi"),)
    assert found.left_out == (
        "output item 'web_search_call'",
        "annotations",
        "content part 'hologram'",
        "stop reason 'steered'",
    )
    assert found.stop == "end"
    nothing: tuple[object, ...] = ({}, None)
    for details in nothing:
        silent = decode_answer(body(call(), status="incomplete", incomplete_details=details))
        assert (silent.stop, silent.left_out) == ("tools", ("stop reason ''",))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "Sorry"}, "server"),
        ({"code": "rate_limit_exceeded", "message": "Slowly"}, "rate_limited"),
    ],
)
def test_an_answer_that_failed_is_an_error(error: object, kind: str) -> None:
    with pytest.raises(ProviderError, match="azure reported") as caught:
        decode_answer(body(status="failed", error=error, usage=None), "azure")
    assert caught.value.kind == kind
    nothing = {"input_tokens": 0, "output_tokens": 0}
    with pytest.raises(ProviderError, match="azure reported") as caught:
        decode_answer(body(status="failed", error=error, usage=nothing), "azure")
    assert caught.value.kind == kind


@pytest.mark.requirement("BUD-1")
def test_an_answer_that_failed_with_a_count_may_be_billed() -> None:
    error = {"code": "server_error", "message": "Sorry"}
    for usage in ({"input_tokens": 9}, {"input_tokens": 0, "output_tokens": 1}):
        with pytest.raises(ProviderError, match="Sorry") as caught:
            decode_answer(body(status="failed", error=error, usage=usage), "azure")
        assert caught.value.kind == "stream_broken"


WRONG: list[tuple[dict[str, object], str]] = [
    ({"output": "x"}, "output: Input should be a valid list"),
    ({"output": [{"type": "message"}]}, "output.0.content: Field required"),
    ({"output": [call() | {"arguments": {}}]}, "output.0.arguments: Input should be a valid str"),
    ({"status": "in_progress"}, "status: the answer is not complete: 'in_progress'"),
    ({"usage": None}, "usage is missing; without token counts the call cannot be paid"),
    ({"usage": {"input_tokens": 1}}, "usage.output_tokens: Field required"),
    ({"usage": {"input_tokens": -1, "output_tokens": 1}}, "usage.input_tokens: Input should"),
    ({"model": None}, "model: Input should be a valid string"),
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
    reasoning = {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "x"}
    whole = bytearray(body(reasoning, message(text("hi")), call()))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ProviderError):  # the only exception there may be
        decode_answer(bytes(whole))
