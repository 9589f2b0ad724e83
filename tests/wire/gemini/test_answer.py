"""Answers in one piece: the SDK reads what we write, we read what the service writes."""

import json
from contextlib import suppress

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.model import ModelAnswer, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire.gemini.answer import MAX_PARTS, decode_answer, encode_answer
from tests.wire.gemini.kept import kept_answers
from tests.wire.gemini.turns import proof

USAGE: dict[str, object] = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 5,
    "totalTokenCount": 15,
}


def candidate(*parts: object, **more: object) -> dict[str, object]:
    content = {"role": "model", "parts": list(parts)}
    return {"content": content, "finishReason": "STOP", "index": 0, **more}


def body(*parts: object, **members: object) -> bytes:
    whole = {
        "candidates": [candidate(*(parts or ({"text": "hi"},)))],
        "usageMetadata": USAGE,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
        **members,
    }
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def refused(given_body: bytes) -> str:
    with pytest.raises(ProviderError) as caught:
        decode_answer(given_body)
    assert caught.value.kind == "malformed"
    return str(caught.value)


@given(kept_answers)
def test_the_sdk_reads_it(answer: ModelAnswer) -> None:
    encoded = json.loads(encode_answer(answer))
    for part in encoded["candidates"][0]["content"]["parts"]:
        if "thoughtSignature" in part:  # bytes to the SDK
            part["thoughtSignature"] = proof(part["thoughtSignature"])
    read = types.GenerateContentResponse.model_validate(encoded)
    assert read.usage_metadata is not None
    assert read.usage_metadata.prompt_token_count == answer.usage.input
    assert (read.model_version, read.response_id) == (answer.model, answer.provider_id)
    assert read.candidates is not None
    content = read.candidates[0].content
    assert content is not None
    said = "".join(
        part.text for part in content.parts or () if part.text is not None and not part.thought
    )
    assert said == "".join(part.text for part in answer.parts if isinstance(part, RawText))
    calls = [part.function_call for part in content.parts or () if part.function_call]
    assert [call.name for call in calls] == [
        part.tool for part in answer.parts if isinstance(part, RawCall)
    ]


@pytest.mark.parametrize("lexeme", ["1.10", "1e400", "12345678901234567890.123"])
def test_arguments_keep_their_number_lexemes(lexeme: str) -> None:
    part = {"functionCall": {"id": "c", "name": "pay", "args": {"amount": "LEXEME"}}}
    answer = decode_answer(body(part).replace(b'"LEXEME"', lexeme.encode()))
    text = f'{{"amount":{lexeme}}}'
    assert answer.parts == (RawCall("c", "pay", text),)
    assert answer.stop == "tools"
    assert text.encode() in encode_answer(answer)


def test_arguments_that_are_no_object_are_wrapped() -> None:
    answer = ModelAnswer(
        parts=(RawCall("", "pay", '{"amo'),), stop="max_tokens", usage=Usage(), model="m"
    )
    assert decode_answer(encode_answer(answer)).parts == (
        RawCall("", "pay", '{"INVALID_JSON":"{\\"amo"}'),
    )


def test_parts_without_content_are_not_served() -> None:
    parts = (RawThinking(""), RawThinking("", redacted="s"), RawText(""), RawText("hi"))
    answer = ModelAnswer(parts=parts, stop="end", usage=Usage(), model="m")
    served = json.loads(encode_answer(answer))["candidates"][0]["content"]["parts"]
    assert served == [{"text": "", "thoughtSignature": "s"}, {"text": "hi"}]


def test_parts_as_the_service_sends_them() -> None:
    answer = decode_answer(
        body(
            {"text": "so", "thought": True},
            {"text": " then", "thought": True},
            {"text": "signed", "thought": True, "thoughtSignature": "a"},
            {"text": "", "thought": True, "thoughtSignature": "b"},
            {"text": "", "thought": True},
            {"text": "Let me", "thought": False},
            {"text": " look.", "mediaResolution": {}},
            {"functionCall": {"name": "find"}, "thoughtSignature": "c"},
            {"functionCall": {"name": "find", "args": {"n": 2}}},
            {"text": "end", "thoughtSignature": "d"},
            {"text": " of it"},
            {"thoughtSignature": "e"},
            {},
        )
    )
    assert answer.parts == (
        RawThinking("so then"),
        RawThinking("signed", "a"),
        RawThinking("", "b"),
        RawText("Let me look."),
        RawThinking("", redacted="c"),
        RawCall("", "find", "{}"),
        RawCall("", "find", '{"n":2}'),
        RawThinking("", redacted="d"),
        RawText("end"),
        RawText(" of it"),
        RawThinking("", redacted="e"),
    )
    assert (answer.stop, answer.left_out) == ("tools", ())
    assert (answer.model, answer.provider_id) == ("gemini-2.5-flash", "r1")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 0}, Usage(input=10)),
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 80,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 7,
                "toolUsePromptTokenCount": 20,
                "totalTokenCount": 132,
            },
            Usage(input=120, cache_read=80, output=12, reasoning=7),
        ),
        # Counts we do not know are billed, too.
        ({"promptTokenCount": 10, "totalTokenCount": 50}, Usage(input=10, output=40)),
        (
            {"promptTokenCount": 10, "cachedContentTokenCount": 99, "totalTokenCount": 11},
            Usage(input=10, output=1, cache_read=10),
        ),
    ],
)
def test_usage(counts: dict[str, int], expected: Usage) -> None:
    assert decode_answer(body(usageMetadata=counts)).usage == expected


def test_the_tier_is_told() -> None:
    usage = USAGE | {"trafficType": "PROVISIONED_THROUGHPUT"}
    assert decode_answer(body(usageMetadata=usage)).service_tier == "PROVISIONED_THROUGHPUT"


@pytest.mark.requirement("BUD-7")
def test_an_answer_without_counts_is_refused() -> None:
    told = "the provider's answer is malformed: usageMetadata: promptTokenCount is missing"
    assert refused(body(usageMetadata=None)) == told
    assert refused(body(usageMetadata={"candidatesTokenCount": 5})) == told
    told = "the provider's answer is malformed: usageMetadata: candidatesTokenCount is missing"
    assert refused(body(usageMetadata={"promptTokenCount": 10, "totalTokenCount": 10})) == told


REASONS = [reason.value for reason in types.FinishReason]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_the_sdk_knows(reason: str) -> None:
    whole = body(candidates=[candidate({"text": "hi"}, finishReason=reason, finishMessage="Why.")])
    if reason in {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }:
        with pytest.raises(ProviderError, match=rf"of no use to the provider: {reason}: Why\."):
            decode_answer(whole)
    elif reason == "FINISH_REASON_UNSPECIFIED":
        assert "no candidate with a finishReason" in refused(whole)
    else:
        answer = decode_answer(whole)
        named = reason in {"OTHER", "NO_IMAGE", "IMAGE_OTHER"}
        assert answer.left_out == ((f"stop reason {reason!r}",) if named else ())
        cut = {"MAX_TOKENS", "CONTINUATION"}
        ends = {"STOP", "OTHER", "NO_IMAGE", "IMAGE_OTHER"}
        expected = "max_tokens" if reason in cut else "end" if reason in ends else "refusal"
        assert answer.stop == expected


def test_a_missing_signature_is_a_fault_of_the_request() -> None:
    whole = body(candidates=[{"finishReason": "MISSING_THOUGHT_SIGNATURE"}])
    with pytest.raises(ProviderError, match="MISSING_THOUGHT_SIGNATURE: no reason") as caught:
        decode_answer(whole)
    assert caught.value.kind == "bad_request"


def test_an_answer_that_is_empty() -> None:
    contents: list[dict[str, object]] = [{}, {"content": {}}, {"content": {"role": "model"}}]
    for content in contents:
        empty = decode_answer(body(candidates=[{"finishReason": "MAX_TOKENS", **content}]))
        assert (empty.parts, empty.stop) == ((), "max_tokens")
    whole = body(candidates=[{"finishReason": "OTHER"}])
    assert refused(whole).endswith("malformed: no content, and finishReason 'OTHER'")


def test_a_newer_reason_is_taken_for_what_the_parts_say() -> None:
    part = {"functionCall": {"name": "find"}}
    answer = decode_answer(body(candidates=[candidate(part, finishReason="BORED")]))
    assert (answer.stop, answer.left_out) == ("tools", ("stop reason 'BORED'",))


@pytest.mark.parametrize("usage", [USAGE, None])
def test_a_prompt_that_was_blocked_is_a_refusal(usage: object) -> None:
    blocked = body(candidates=None, promptFeedback={"blockReason": "SAFETY"}, usageMetadata=usage)
    answer = decode_answer(blocked)
    assert (answer.parts, answer.stop, answer.model) == ((), "refusal", "gemini-2.5-flash")
    assert answer.usage.input == (10 if usage else 0)


def test_feedback_that_blocks_nothing() -> None:
    assert decode_answer(body(promptFeedback={"safetyRatings": []})).stop == "end"


def test_newer_content_is_left_out_and_named() -> None:
    whole = body(
        candidates=[
            candidate(
                {"text": "hi"},
                {"executableCode": {"code": "1"}},
                {"executableCode": {"code": "2"}},
                {"functionCall": {"name": "find", "partialArgs": []}},
                {"functionCall": {"name": "find", "willContinue": True}},
                {"hologram": {}},
            ),
            candidate({"text": "other"}, index=1),
        ]
    )
    answer = decode_answer(whole)
    assert answer.parts == (RawText("hi"),)
    assert answer.left_out == (
        "part 'executableCode'",
        "functionCall in pieces",
        "part 'hologram'",
        "candidate 1",
    )


def test_an_error_in_the_place_of_an_answer() -> None:
    whole = json.dumps({"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}})
    with pytest.raises(ProviderError, match=r"google reported \(overloaded\): UNAVAILABLE: Busy"):
        decode_answer(whole.encode())


def test_parts_without_end_are_refused() -> None:
    parts = [{"functionCall": {"name": "f"}}] * (MAX_PARTS + 1)
    assert f"parts.{MAX_PARTS}: more than {MAX_PARTS} parts" in refused(body(*parts))


WRONG = {
    "not JSON": b"<html>",
    "Input should be an object": b"[]",
    "no candidate with a finishReason, and no promptFeedback": b"{}",
    "candidates: Input should be a valid list": body(candidates={}),
    "candidates.0.content.parts.0.text: Input should be a valid string": body({"text": 1}),
    "candidates.0.content.parts.0.functionCall.args: Input should be an object": body(
        {"functionCall": {"name": "f", "args": "x"}}
    ),
    "functionCall.name: Field required": body({"functionCall": {}}),
    "thought: Input should be a valid boolean": body({"text": "a", "thought": 1}),
    "promptTokenCount: Input should be a valid integer": body(
        usageMetadata={"promptTokenCount": "x"}
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_no_answer(words: str) -> None:
    assert words in refused(WRONG[words])


@given(st.binary(max_size=60))
def test_rubbish_is_refused_with_a_clear_error(given_body: bytes) -> None:
    with pytest.raises(ProviderError):
        decode_answer(given_body)


@given(
    st.dictionaries(
        st.sampled_from(["candidates", "usageMetadata", "promptFeedback", "error", "responseId"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["content", "parts", "text", "thought", "functionCall", "name", "args",
                     "finishReason", "index", "thoughtSignature", "promptTokenCount"]
                ),
                inner,
                max_size=4,
            ),
            max_leaves=20,
        ),
    )
)  # fmt: skip
def test_any_json_is_read_or_refused(members: dict[str, object]) -> None:
    with suppress(ProviderError):
        decode_answer(json.dumps(members).encode())
