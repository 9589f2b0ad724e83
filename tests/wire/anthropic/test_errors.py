"""Errors and limits of the Anthropic API: kinds, waiting times, and a body that may be anything."""

import json
from datetime import UTC, datetime

import pytest
from anthropic.types import ErrorResponse
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.model import FailureKind, RateLimits
from remit.wire.anthropic.errors import (
    decode_error,
    decode_limits,
    encode_error,
    encode_limits,
    kind_of_type,
    request_id,
)
from remit.wire.failure import EXCERPT_CHARS, MAX_WAIT_MS, rfc3339

NOW_MS = 1_790_000_000_000
KINDS: dict[FailureKind, tuple[int, str]] = {
    "bad_request": (400, "invalid_request_error"),
    "auth": (401, "authentication_error"),
    "billing": (402, "billing_error"),
    "not_found": (404, "not_found_error"),
    "too_large": (413, "request_too_large"),
    "rate_limited": (429, "rate_limit_error"),
    "server": (500, "api_error"),
    "timeout": (504, "timeout_error"),
    "overloaded": (529, "overloaded_error"),
}


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_as_itself(kind: FailureKind) -> None:
    status, name = KINDS[kind]
    failure = encode_error(
        ProviderError("Sorry", kind=kind, retry_after_ms=1500, request_id="req_1")
    )
    assert failure.status == status
    assert json.loads(failure.body)["error"] == {"type": name, "message": "Sorry"}
    assert failure.headers["retry-after"] == "2"
    if name != "request_too_large":  # a gateway's name, not among the SDK's types
        assert ErrorResponse.model_validate_json(failure.body).request_id == "req_1"
    error = decode_error(failure.status, failure.headers, failure.body, NOW_MS)
    assert (error.kind, error.status, error.retry_after_ms) == (kind, status, 2000)
    assert error.request_id == "req_1"
    assert f"{name}: Sorry" in str(error)


def test_a_kind_without_a_name_is_an_api_error() -> None:
    failure = encode_error(ProviderError("Sorry", kind="stream_broken"))
    assert (failure.status, json.loads(failure.body)["error"]["type"]) == (500, "api_error")
    assert "request_id" not in json.loads(failure.body)
    assert set(failure.headers) == {"content-type"}


def test_a_status_of_its_own_is_kept() -> None:
    assert encode_error(ProviderError("x", kind="server", status=503)).status == 503
    forbidden = encode_error(ProviderError("x", kind="auth", status=403))
    assert json.loads(forbidden.body)["error"]["type"] == "permission_error"
    assert decode_error(403, {}, forbidden.body, NOW_MS).kind == "auth"


def told(text: str, status: int = 400, name: str = "invalid_request_error") -> ProviderError:
    body = json.dumps({"type": "error", "error": {"type": name, "message": text}})
    return decode_error(status, {}, body.encode(), NOW_MS)


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", "too_large"),
        ("input length and `max_tokens` exceed context limit: 1 + 2 > 3", "too_large"),
        ("Your credit balance is too low to access the Anthropic API.", "billing"),
        ("You have reached your specified API usage limits.", "billing"),
        ("max_tokens: Field required", "bad_request"),
    ],
)
def test_what_status_400_really_means(text: str, kind: FailureKind) -> None:
    assert told(text).kind == kind


def test_the_name_says_more_than_the_status() -> None:
    assert told("Overloaded", status=500, name="overloaded_error").kind == "overloaded"
    assert told("Odd", status=503, name="gateway_says_no").kind == "overloaded"
    assert kind_of_type("gateway_says_no") is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Bad gateway</html>", b"[]", b'{"error":"text"}', b"\xff\xfe", b"x" * 10**6],
)
def test_a_body_that_is_no_error_object_is_quoted(body: bytes) -> None:
    error = decode_error(502, {"request-id": " req_9 "}, body, NOW_MS)
    assert (error.kind, error.status, error.request_id) == ("server", 502, "req_9")
    assert len(str(error)) < EXCERPT_CHARS + 100


@given(st.integers(0, 999), st.dictionaries(st.text(), st.text()), st.binary())
def test_no_answer_breaks_the_reader(status: int, headers: dict[str, str], body: bytes) -> None:
    assert str(decode_error(status, headers, body, NOW_MS)).startswith("anthropic answered")
    decode_limits(headers, NOW_MS)


# ---------------------------------------------------------------- limits


@given(
    st.builds(
        RateLimits,
        requests_remaining=st.integers(0, 10**9),
        tokens_remaining=st.none() | st.integers(0, 10**9),
        reset_after_ms=st.none() | st.integers(0, 86_400_000),
    )
)
def test_limits_read_back_the_same(limits: RateLimits) -> None:
    assert decode_limits(encode_limits(limits, NOW_MS), NOW_MS) == limits


def test_limits_without_any_header() -> None:
    assert decode_limits({}, NOW_MS) == RateLimits()
    assert encode_limits(RateLimits(), NOW_MS) == {}
    assert encode_limits(RateLimits(retry_after_ms=1), NOW_MS) == {"retry-after": "1"}


def test_the_tightest_limit_and_the_latest_reset_count() -> None:
    def at(seconds: int) -> str:
        return datetime.fromtimestamp(NOW_MS // 1000 + seconds, UTC).isoformat()

    headers = {
        "anthropic-ratelimit-requests-remaining": "9",
        "anthropic-ratelimit-requests-reset": at(5),
        "anthropic-ratelimit-input-tokens-remaining": "300",
        "anthropic-ratelimit-input-tokens-reset": at(7),
        "anthropic-ratelimit-output-tokens-remaining": "200",
        "anthropic-ratelimit-output-tokens-reset": "soon",
        "anthropic-ratelimit-tokens-remaining": "500",
    }
    assert decode_limits(headers, NOW_MS) == RateLimits(
        requests_remaining=9, tokens_remaining=200, reset_after_ms=7000
    )


@pytest.mark.requirement("PROV-2")
def test_without_a_wish_the_reset_of_a_spent_limit_is_the_wait() -> None:
    spent = encode_limits(
        RateLimits(requests_remaining=0, tokens_remaining=5, reset_after_ms=9000), NOW_MS
    )
    assert decode_error(429, spent, b"", NOW_MS).retry_after_ms == 9000
    assert decode_error(529, spent, b"", NOW_MS).retry_after_ms == 9000
    assert decode_error(500, spent, b"", NOW_MS).retry_after_ms is None
    left = encode_limits(RateLimits(requests_remaining=1, reset_after_ms=9000), NOW_MS)
    assert decode_error(429, left, b"", NOW_MS).retry_after_ms is None
    wish = spent | {"retry-after": "1"}
    assert decode_error(429, wish, b"", NOW_MS).retry_after_ms == 1000


def test_the_request_id() -> None:
    assert request_id({"request-id": "req_1"}) == "req_1"
    assert request_id({}) == ""


@pytest.mark.requirement("PROV-2")
def test_only_the_spent_limit_says_when_to_come_again() -> None:
    spent = encode_limits(RateLimits(tokens_remaining=0, reset_after_ms=4000), NOW_MS)
    other = encode_limits(RateLimits(requests_remaining=7, reset_after_ms=50_000), NOW_MS)
    assert decode_error(429, other | spent, b"", NOW_MS).retry_after_ms == 4000
    name = "anthropic-ratelimit-output-tokens-"
    both = spent | {f"{name}remaining": "0", f"{name}reset": rfc3339(NOW_MS + 6000)}
    assert decode_error(429, both, b"", NOW_MS).retry_after_ms == 6000
    assert decode_error(429, both, b"", NOW_MS + 60_000).retry_after_ms == 0
    unread = {f"{name}remaining": "0", f"{name}reset": "soon"}
    assert decode_error(429, unread, b"", NOW_MS).retry_after_ms is None


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("status", [429, 529])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7000),
        (
            {
                "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT",
                "date": "Sun, 06 Nov 1994 08:49:07 GMT",
            },
            30_000,
        ),
        ({"retry-after-ms": "250"}, 250),
        ({"retry-after": "999999999"}, MAX_WAIT_MS),
        ({"retry-after": "never"}, None),
    ],
)
def test_every_form_of_a_wish(status: int, headers: dict[str, str], wait: int | None) -> None:
    assert decode_error(status, headers, b"", NOW_MS).retry_after_ms == wait
