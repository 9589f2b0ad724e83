"""Errors and limits of the OpenAI API and compatible servers: kinds, waits, bodies of any form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.model import FailureKind, RateLimits
from remit.wire.failure import EXCERPT_CHARS, MAX_WAIT_MS
from remit.wire.node import Node
from remit.wire.openai.errors import (
    decode_error,
    decode_limits,
    duration,
    encode_error,
    encode_limits,
    error_body,
    reported,
    request_id,
    reset_ms,
)

NOW_MS = 1_790_000_000_000
KINDS: dict[FailureKind, tuple[int, str, str | None]] = {
    "bad_request": (400, "invalid_request_error", None),
    "auth": (401, "invalid_request_error", "invalid_api_key"),
    "billing": (429, "insufficient_quota", "insufficient_quota"),
    "not_found": (404, "invalid_request_error", "model_not_found"),
    "too_large": (400, "invalid_request_error", "context_length_exceeded"),
    "rate_limited": (429, "requests", "rate_limit_exceeded"),
    "server": (500, "server_error", None),
    "timeout": (504, "server_error", None),
    "overloaded": (503, "server_error", None),
}


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_as_itself(kind: FailureKind) -> None:
    status, name, code = KINDS[kind]
    failure = encode_error(
        ProviderError("Sorry", kind=kind, retry_after_ms=1500, request_id="req_1")
    )
    assert failure.status == status
    assert json.loads(failure.body)["error"] == {
        "message": "Sorry",
        "type": name,
        "param": None,
        "code": code,
    }
    assert failure.headers["retry-after"] == "2"
    error = decode_error(failure.status, failure.headers, failure.body, NOW_MS)
    assert (error.kind, error.status, error.retry_after_ms) == (kind, status, 2000)
    assert error.request_id == "req_1"
    assert f"{code or name}: Sorry" in str(error)


def test_a_kind_without_a_place_is_a_server_error() -> None:
    failure = encode_error(ProviderError("Sorry", kind="stream_broken"))
    assert (failure.status, json.loads(failure.body)["error"]["type"]) == (500, "server_error")
    assert set(failure.headers) == {"content-type"}


def test_a_status_of_its_own_is_kept() -> None:
    assert encode_error(ProviderError("x", kind="server", status=502)).status == 502


def told(status: int, error: object) -> str:
    return decode_error(status, {}, json.dumps(error).encode(), NOW_MS, "groq").kind


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("status", "code", "name", "text", "kind"),
    [
        (401, "invalid_api_key", "invalid_request_error", "Incorrect API key", "auth"),
        (403, "unsupported_country_region_territory", "request_forbidden", "Country", "auth"),
        (404, "model_not_found", "invalid_request_error", "does not exist", "not_found"),
        (404, "DeploymentNotFound", None, "The API deployment does not exist", "not_found"),
        (429, "rate_limit_exceeded", "tokens", "Rate limit reached for gpt-6", "rate_limited"),
        (429, "insufficient_quota", "insufficient_quota", "You exceeded your quota", "billing"),
        (429, None, None, "You exceeded your current quota, check your plan", "billing"),
        (429, None, "tokens", "Request too large for gpt-6-sol on tokens per min", "too_large"),
        (413, "rate_limit_exceeded", "tokens", "Request too large for model", "too_large"),
        (400, "context_length_exceeded", "invalid_request_error", "Too long", "too_large"),
        (400, 400, "BadRequestError", "This model's maximum context length is 4096", "too_large"),
        (400, "billing_hard_limit_reached", "billing_error", "Billing limit", "billing"),
        (400, "content_filter", None, "triggered content management policy", "bad_request"),
        (400, None, "invalid_request_error", "Unknown parameter", "bad_request"),
        (402, 402, None, "Insufficient credits", "billing"),
        (500, None, "server_error", "Sorry", "server"),
        (503, "slow_down", "server_error", "Slow down", "overloaded"),
        (503, None, "server_error", "Overloaded", "overloaded"),
        (504, None, "server_error", "Timed out", "timeout"),
    ],
)
def test_what_errors_really_mean(
    status: int, code: object, name: str | None, text: str, kind: FailureKind
) -> None:
    assert told(status, {"error": {"message": text, "type": name, "code": code}}) == kind


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "maximum context length", "type": "x", "code": 400},
        {"error": "maximum context length"},
        {"error": {"message": "maximum context length"}},
    ],
)
def test_forms_of_compatible_servers(body: object) -> None:
    assert told(400, body) == "too_large"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Bad gateway</html>", b"[]", b'{"detail":"x"}', b"\xff\xfe", b"x" * 10**6],
)
def test_a_body_that_is_no_error_object_is_quoted(body: bytes) -> None:
    error = decode_error(502, {"x-request-id": " req_9 "}, body, NOW_MS)
    assert (error.kind, error.status, error.request_id) == ("server", 502, "req_9")
    assert len(str(error)) < EXCERPT_CHARS + 100


@given(st.integers(0, 999), st.dictionaries(st.text(), st.text()), st.binary())
def test_no_answer_breaks_the_reader(status: int, headers: dict[str, str], body: bytes) -> None:
    assert str(decode_error(status, headers, body, NOW_MS, "vllm")).startswith("vllm answered")
    decode_limits(headers, NOW_MS)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Sorry", "type": "server_error", "code": None}, "server"),
        ({"message": "Rate limit", "code": "rate_limit_exceeded"}, "rate_limited"),
        ({"message": "Provider is down", "code": 502}, "server"),
        ({"message": "Overloaded", "code": 529}, "overloaded"),
        ({"message": "Odd", "code": "new_code"}, "server"),
    ],
)
def test_errors_in_the_middle_of_a_stream(error: object, kind: FailureKind) -> None:
    found = reported(Node.of(json.dumps(error), kind="malformed"), "openrouter")
    assert found.kind == kind
    assert str(found).startswith(f"openrouter reported ({kind})")


def test_an_error_body_holds_null_where_there_is_no_code() -> None:
    assert json.loads(error_body("server_error", "", "x"))["error"]["code"] is None


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


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (0, "0ms"),
        (20, "20ms"),
        (1000, "1s"),
        (1500, "1.5s"),
        (10_000, "10s"),
        (90_500, "1m30.5s"),
        (360_000, "6m0s"),
        (3_600_000, "1h0m0s"),
        (86_400_000, "24h0m0s"),
    ],
)
def test_durations_as_the_api_writes_them(length_ms: int, text: str) -> None:
    assert duration(length_ms) == text
    assert reset_ms({"x-ratelimit-reset-tokens": text}, "tokens") == length_ms


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [
        ("1d", 86_400_000),
        ("2m59.56s", 179_560),
        ("7.66s", 7660),
        ("0.0001s", 1),
        ("58", 58_000),
        ("400d", 86_400_000),
        ("", None),
        ("soon", None),
        ("1s later", None),
        ("1m 30s", None),
        ("1x", None),
        ("1.s", None),
    ],
)
def test_durations_of_compatible_servers(text: str, length_ms: int | None) -> None:
    assert reset_ms({"x-ratelimit-reset-requests": text}, "requests") == length_ms


@pytest.mark.requirement("PROV-2")
def test_without_a_wish_the_reset_of_a_spent_limit_is_the_wait() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "20ms",
        "x-ratelimit-remaining-tokens": "5",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert decode_error(429, headers, b"", NOW_MS).retry_after_ms == 20
    spent = headers | {"x-ratelimit-remaining-tokens": "0"}
    assert decode_error(429, spent, b"", NOW_MS).retry_after_ms == 360_000
    assert decode_error(503, spent, b"", NOW_MS).retry_after_ms == 360_000
    assert decode_error(500, spent, b"", NOW_MS).retry_after_ms is None
    assert decode_error(429, {}, b"", NOW_MS).retry_after_ms is None
    wish = spent | {"retry-after": "1"}
    assert decode_error(429, wish, b"", NOW_MS).retry_after_ms == 1000


def test_the_request_id() -> None:
    assert request_id({"x-request-id": "req_1", "apim-request-id": "a"}) == "req_1"
    assert request_id({"apim-request-id": "a"}) == "a"
    assert request_id({}) == ""


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("12", 12_000),
        (str(NOW_MS // 1000 + 5), 5000),
        (str(NOW_MS + 5000), 5000),
        (str(NOW_MS - 5000), 0),
        ("999999999", MAX_WAIT_MS),
        ("soon", None),
    ],
)
def test_gateways_have_one_limit(text: str, wait: int | None) -> None:
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": text}
    assert decode_error(429, spent, b"", NOW_MS).retry_after_ms == wait
    left = spent | {"x-ratelimit-remaining": "1"}
    assert decode_error(429, left, b"", NOW_MS).retry_after_ms is None


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("status", [429, 503])
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
