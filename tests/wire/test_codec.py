"""What holds for every codec: whatever it encodes it decodes, whole or streamed, errors too."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.model import NO_LIMITS, ModelAnswer, ModelCard, ModelRequest, RateLimits
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.codec import Codec
from remit.wire.gemini.codec import GEMINI
from remit.wire.openai_chat.codec import OPENAI_CHAT, chat_codec
from remit.wire.openai_chat.dialect import COMPATIBLE
from remit.wire.openai_responses.codec import OPENAI_RESPONSES
from tests.wire.gemini.kept import kept_answers, kept_requests
from tests.wire.openai_chat.shapes import chat_answers, chat_requests
from tests.wire.openai_responses.shapes import response_answers, response_requests
from tests.wire.strategies import answers, cut, cuts, requests

NOW_MS = 1_790_000_000_000
LIMITS = RateLimits(requests_remaining=1, tokens_remaining=2, reset_after_ms=3000)


@dataclass(frozen=True)
class Case:
    """A codec, and requests and answers in the form that its wire keeps."""

    codec: Codec
    requests: st.SearchStrategy[ModelRequest]
    answers: st.SearchStrategy[ModelAnswer]
    request_id: str
    """The header the provider sends its id in."""
    limits: RateLimits = LIMITS
    """What its headers tell of the limits."""
    ends: bool = True
    """Its streams say where they end; otherwise it is the end of the body."""


OLLAMA = chat_codec(replace(COMPATIBLE, provider="ollama"))
CASES = (
    Case(ANTHROPIC, requests(), answers, "request-id"),
    Case(OPENAI_RESPONSES, response_requests(), response_answers(), "x-request-id"),
    Case(OPENAI_CHAT, chat_requests(), chat_answers(), "x-request-id"),
    Case(OLLAMA, chat_requests(thinks=True), chat_answers(), "x-request-id"),
    Case(GEMINI, kept_requests, kept_answers, "x-request-id", NO_LIMITS, ends=False),
)

codecs = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.codec.provider))


@codecs
@given(data=st.data())
def test_requests(case: Case, data: st.DataObject) -> None:
    codec, given = case.codec, data.draw(case.requests)
    read = codec.decode_request(codec.encode_request(given), Clean.vouch)
    assert codec.located(read, codec.path(given)) == given
    assert codec.path(given).startswith("/")


@codecs
@given(name=st.text("abc-.:019", min_size=1))
def test_cards(case: Case, name: str) -> None:
    looking = case.codec.looking
    assert looking is not None
    card = ModelCard(name=name)
    assert looking.decode_card(looking.encode_card(card)) == card
    assert looking.path(name).startswith(looking.list_path.partition("?")[0])


@codecs
@given(data=st.data(), places=cuts)
def test_answers(case: Case, data: st.DataObject, places: list[int]) -> None:
    codec, answer = case.codec, data.draw(case.answers)
    assert codec.decode_answer(codec.encode_answer(answer)) == answer
    decoder = codec.stream_decoder()
    assert not decoder.begun  # nothing came for which a provider may charge
    for chunk in cut(b"".join(codec.encode_stream(answer)), places):
        decoder.feed(chunk)
    assert decoder.begun is bool(answer.parts)
    assert decoder.done is case.ends
    assert decoder.finish() == answer


@codecs
@given(
    kind=st.sampled_from(["auth", "rate_limited", "server", "overloaded"]),
    wait=st.none() | st.integers(0, 99),
)
def test_errors(case: Case, kind: str, wait: int | None) -> None:
    wait_ms = None if wait is None else wait * 1000
    failure = case.codec.encode_error(ProviderError("Sorry", kind=kind, retry_after_ms=wait_ms))
    error = case.codec.decode_error(failure.status, failure.headers, failure.body, NOW_MS)
    assert (error.kind, error.retry_after_ms) == (kind, wait_ms)


@codecs
def test_limits(case: Case) -> None:
    codec, limits = case.codec, case.limits
    assert codec.decode_limits(codec.encode_limits(limits, NOW_MS), NOW_MS) == limits


@codecs
def test_the_key_travels_in_a_header(case: Case) -> None:
    codec = case.codec
    assert any("the-key" in value for value in codec.headers("the-key").values())
    assert codec.key_variable.isupper()
    assert codec.base_url.startswith("https://")
    assert codec.request_id({case.request_id: "req_1"}) == "req_1"
