"""Kinds by status, waiting times in every form, and messages a person can act on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.values.model import FailureKind
from remit.wire.failure import (
    EXCERPT_CHARS,
    MAX_WAIT_MS,
    count,
    excerpt,
    header,
    http_date_ms,
    http_error,
    kind_of_status,
    retry_after_ms,
    rfc3339,
    rfc3339_ms,
    until_ms,
)

NOW_MS = 784_111_777_000  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (402, "billing"),
        (403, "auth"),
        (404, "not_found"),
        (408, "timeout"),
        (409, "server"),
        (413, "too_large"),
        (418, "bad_request"),
        (429, "rate_limited"),
        (500, "server"),
        (502, "server"),
        (503, "overloaded"),
        (504, "timeout"),
        (529, "overloaded"),
        (599, "server"),
        (302, "unknown"),
        (0, "unknown"),
    ],
)
def test_kinds_by_status(status: int, kind: FailureKind) -> None:
    assert kind_of_status(status) == kind


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3000),
        ({"retry-after": " 3 "}, 3000),
        ({"retry-after": "0.2501"}, 251),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1500"}, 1500),
        ({"retry-after-ms": "1.5", "retry-after": "9"}, 2),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9000),
        ({"retry-after": "999999999"}, MAX_WAIT_MS),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "9" * 10_000}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:47 GMT"}, 10_000),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:27 GMT"}, 0),
        ({"retry-after": "Sun, 06 Nov 2094 08:49:27 GMT"}, MAX_WAIT_MS),
        # Measured from the answer's own clock, however wrong ours is.
        (
            {
                "retry-after": "Sun, 06 Nov 2044 08:49:47 GMT",
                "date": "Sun, 06 Nov 2044 08:49:37 GMT",
            },
            10_000,
        ),
    ],
)
def test_the_wish_to_wait(headers: dict[str, str], wait: int | None) -> None:
    assert retry_after_ms(headers, NOW_MS) == wait


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", NOW_MS),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800_000),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nox 1994 08:49:37 GMT", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Fri, 31 Dec 9999 23:59:99 GMT", None),
        ("", None),
    ],
)
def test_http_dates(text: str, instant: int | None) -> None:
    assert http_date_ms(text) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1994-11-06T08:49:37Z", NOW_MS),
        ("1994-11-06T10:49:37.250+02:00", NOW_MS + 250),
        ("1994-11-06T08:49:37", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_rfc_3339_times(text: str, instant: int | None) -> None:
    assert rfc3339_ms(text) == instant


def test_times_are_written_as_they_are_read() -> None:
    assert rfc3339(NOW_MS) == "1994-11-06T08:49:37Z"
    assert rfc3339_ms(rfc3339(NOW_MS + 250)) == NOW_MS + 250


def test_an_instant_that_is_not_known_gives_no_wait() -> None:
    assert until_ms({}, None, NOW_MS) is None


@given(st.text())
def test_no_header_breaks_the_readers(text: str) -> None:
    headers = {"retry-after": text, "retry-after-ms": text, "date": text, "n": text}
    wait = retry_after_ms(headers, NOW_MS)
    assert wait is None or 0 <= wait <= MAX_WAIT_MS
    rfc3339_ms(header(headers, "date"))
    number = count(headers, "n")
    assert number is None or number >= 0


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("1" * 16, None), ("", None), ("-1", None), ("²", None)]
)
def test_counts(text: str, number: int | None) -> None:
    assert count({"n": text}, "n") == number


def test_excerpts_are_bounded_and_on_one_line() -> None:
    assert excerpt("a\n\tb  c") == "a b c"
    assert excerpt("x" * 10_000) == "x" * EXCERPT_CHARS + "…"
    assert excerpt("\ud83d") == "�"


def test_messages_say_what_to_do() -> None:
    error = http_error(
        "no such model",
        provider="anthropic",
        kind="not_found",
        status=404,
        retry_after_ms=5,
        request_id="req_1",
    )
    assert str(error) == (
        "anthropic answered 404 (not_found): no such model; check the model name and the base "
        "URL (request req_1)"
    )
    assert (error.kind, error.status, error.retry_after_ms) == ("not_found", 404, 5)
    assert error.request_id == "req_1"
    bare = http_error("", provider="anthropic", kind="server")
    assert str(bare) == "anthropic reported (server): no reason given"
