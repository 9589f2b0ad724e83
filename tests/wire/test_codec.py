"""What holds for every codec: whatever it encodes it decodes, whole or streamed, errors too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.model import ModelAnswer, ModelRequest, RateLimits
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.codec import Codec
from tests.wire.strategies import answers, cut, cuts, requests

CODECS = (ANTHROPIC,)
NOW_MS = 1_790_000_000_000

codecs = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.provider)


@codecs
@given(given=requests())
def test_requests(codec: Codec, given: ModelRequest) -> None:
    assert codec.decode_request(codec.encode_request(given), Clean.vouch) == given
    assert codec.path(given).startswith("/")


@codecs
@given(answer=answers, places=cuts)
def test_answers(codec: Codec, answer: ModelAnswer, places: list[int]) -> None:
    assert codec.decode_answer(codec.encode_answer(answer)) == answer
    decoder = codec.stream_decoder()
    for chunk in cut(b"".join(codec.encode_stream(answer)), places):
        decoder.feed(chunk)
    assert decoder.done
    assert decoder.finish() == answer


@codecs
@given(
    kind=st.sampled_from(["auth", "rate_limited", "server", "overloaded"]),
    wait=st.none() | st.integers(0, 99),
)
def test_errors(codec: Codec, kind: str, wait: int | None) -> None:
    wait_ms = None if wait is None else wait * 1000
    failure = codec.encode_error(ProviderError("Sorry", kind=kind, retry_after_ms=wait_ms))
    error = codec.decode_error(failure.status, failure.headers, failure.body, NOW_MS)
    assert (error.kind, error.retry_after_ms) == (kind, wait_ms)


@codecs
def test_limits(codec: Codec) -> None:
    limits = RateLimits(requests_remaining=1, tokens_remaining=2, reset_after_ms=3000)
    assert codec.decode_limits(codec.encode_limits(limits, NOW_MS), NOW_MS) == limits


@codecs
def test_the_key_travels_in_a_header(codec: Codec) -> None:
    assert any("the-key" in value for value in codec.headers("the-key").values())
    assert codec.key_variable.isupper()
    assert codec.base_url.startswith("https://")
    assert codec.request_id({"request-id": "req_1"}) == "req_1"
