"""Errors: every status by its kind, the wait the service asks for, and words that help."""

import json

import pytest
from google.genai import errors as sdk
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.model import NO_LIMITS, RateLimits
from remit.wire.gemini.errors import (
    decode_error,
    decode_limits,
    encode_error,
    encode_limits,
    request_id,
)

NOW_MS = 1_790_000_000_000
INVALID_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
    "metadata": {"service": "generativelanguage.googleapis.com"},
}


def body(status: str, message: str = "No.", *details: object) -> bytes:
    error = {"code": 1, "message": message, "status": status, "details": list(details)}
    return json.dumps({"error": error}).encode()


def decoded(status: int, given_body: bytes, **headers: str) -> ProviderError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return decode_error(status, named, given_body, NOW_MS)


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "INVALID_ARGUMENT", "bad_request"),
        (400, "FAILED_PRECONDITION", "bad_request"),
        (401, "UNAUTHENTICATED", "auth"),
        (403, "PERMISSION_DENIED", "auth"),
        (404, "NOT_FOUND", "not_found"),
        (409, "ABORTED", "server"),
        (429, "RESOURCE_EXHAUSTED", "rate_limited"),
        (499, "CANCELLED", "server"),
        (500, "INTERNAL", "server"),
        (501, "UNIMPLEMENTED", "bad_request"),
        (503, "UNAVAILABLE", "overloaded"),
        (504, "DEADLINE_EXCEEDED", "timeout"),
        (502, "NEWER", "server"),
    ],
)
def test_kinds(status: int, name: str, kind: str) -> None:
    error = decoded(status, body(name))
    assert (error.kind, error.status) == (kind, status)
    assert str(error).startswith(f"google answered {status} ({kind}): {name}: No")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("API key not valid. Please pass a valid API key.", "auth"),
        ("API key expired. Please renew the API key.", "auth"),
        (
            "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            "too_large",
        ),
        ("Request payload size exceeds the limit: 20971520 bytes.", "too_large"),
        ("Please enable billing on your project.", "billing"),
        ("Your prepayment credits are depleted.", "billing"),
        ("Your project has exceeded its monthly spending cap.", "billing"),
        ("Something else.", "bad_request"),
    ],
)
def test_what_is_said_in_words_only(message: str, kind: str) -> None:
    assert decoded(400, body("INVALID_ARGUMENT", message)).kind == kind


def test_a_quota_that_is_used_up_is_no_matter_of_billing() -> None:
    quota = "You exceeded your current quota, please check your plan and billing details."
    assert decoded(429, body("RESOURCE_EXHAUSTED", quota)).kind == "rate_limited"


def test_reasons_say_more_than_the_status() -> None:
    error = decoded(400, body("INVALID_ARGUMENT", "No.", INVALID_KEY))
    assert error.kind == "auth"
    assert "check the API key" in str(error)
    billing = INVALID_KEY | {"reason": "BILLING_DISABLED"}
    assert decoded(403, body("PERMISSION_DENIED", "No.", billing)).kind == "billing"


@pytest.mark.parametrize(
    ("delay", "wait_ms"),
    [
        ("34s", 34_000),
        ("34.074824224s", 34_075),
        ("0.5s", 500),
        ("0s", 0),
        ("99999999s", 24 * 60 * 60 * 1000),
        ("soon", None),
        ("-1s", None),
    ],
)
def test_the_wait_stands_in_the_details(delay: str, wait_ms: int | None) -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    other = {"@type": "type.googleapis.com/google.rpc.Help", "links": []}
    error = decoded(429, body("RESOURCE_EXHAUSTED", "Slow.", other, retry))
    assert error.retry_after_ms == wait_ms


def test_the_wait_of_a_gateway_stands_in_a_header() -> None:
    assert decoded(429, body("RESOURCE_EXHAUSTED"), retry_after="3").retry_after_ms == 3000
    assert decoded(503, b"busy", retry_after="3").retry_after_ms == 3000


def test_a_list_with_one_error_as_streams_of_json_have_it() -> None:
    assert decoded(429, b"[" + body("RESOURCE_EXHAUSTED") + b"]").kind == "rate_limited"


@pytest.mark.parametrize(
    "given_body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"[]",
        b"{}",
        b'{"error":"text"}',
        b'{"error":{"status":"UNAVAILABLE","message":"No.","details":["x"]}}',
        b'{"error":{"status":"UNAVAILABLE","message":"No.","details":[{"@type":1}]}}',
    ],
)
def test_bodies_of_another_form(given_body: bytes) -> None:
    error = decoded(502, given_body, x_request_id="r1")
    assert (error.kind, error.status, error.request_id) == ("server", 502, "r1")


@given(st.integers(100, 599), st.binary(max_size=80))
def test_it_never_raises(status: int, given_body: bytes) -> None:
    assert decoded(status, given_body).status == status


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        ("bad_request", 400, "INVALID_ARGUMENT"),
        ("too_large", 400, "INVALID_ARGUMENT"),
        ("auth", 400, "INVALID_ARGUMENT"),
        ("billing", 403, "PERMISSION_DENIED"),
        ("not_found", 404, "NOT_FOUND"),
        ("rate_limited", 429, "RESOURCE_EXHAUSTED"),
        ("server", 500, "INTERNAL"),
        ("overloaded", 503, "UNAVAILABLE"),
        ("timeout", 504, "DEADLINE_EXCEEDED"),
        ("unknown", 500, "INTERNAL"),
    ],
)
def test_the_sdk_reads_our_errors(kind: str, status: int, name: str) -> None:
    failure = encode_error(ProviderError("Sorry", kind=kind, retry_after_ms=1500))
    assert failure.status == status
    read = sdk.APIError(failure.status, json.loads(failure.body))
    assert (read.code, read.status, read.message) == (status, name, "Sorry")
    again = decode_error(failure.status, failure.headers, failure.body, NOW_MS)
    plain = {"too_large": "bad_request", "unknown": "server"}
    assert (again.kind, again.retry_after_ms) == (plain.get(kind, kind), 1500)


@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [(502, "server", "INTERNAL"), (403, "auth", "PERMISSION_DENIED"), (500, "server", "INTERNAL")],
)
def test_a_status_that_was_given_is_kept(status: int, kind: str, name: str) -> None:
    failure = encode_error(ProviderError("Sorry", kind=kind, status=status))
    assert failure.status == status
    told = json.loads(failure.body)["error"]
    assert told == {"code": status, "message": "Sorry", "status": name}


def test_limits_are_told_only_when_they_are_reached() -> None:
    assert encode_limits(RateLimits(requests_remaining=1), NOW_MS) == {}
    assert decode_limits({}, NOW_MS) == NO_LIMITS
    assert decode_limits({"retry-after": "2"}, NOW_MS) == RateLimits(retry_after_ms=2000)
    assert not request_id({})
