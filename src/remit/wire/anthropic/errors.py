"""Anthropic errors and rate-limit headers, both directions."""

from collections.abc import Mapping

from remit.errors import ProviderError
from remit.values.model import FailureKind, RateLimits
from remit.wire.codec import Failure
from remit.wire.failure import (
    SPENT_KINDS,
    count,
    excerpt,
    header,
    http_error,
    kind_of_status,
    retry_after_ms,
    rfc3339,
    rfc3339_ms,
    until_ms,
)
from remit.wire.jsontext import quote, record
from remit.wire.node import Node

_PREFIX = "anthropic-ratelimit-"
_LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")

# Name of the error, its HTTP status, our kind. The first row of a kind is the one we send.
_ERRORS: tuple[tuple[str, int, FailureKind], ...] = (
    ("invalid_request_error", 400, "bad_request"),
    ("authentication_error", 401, "auth"),
    ("billing_error", 402, "billing"),
    ("permission_error", 403, "auth"),
    ("not_found_error", 404, "not_found"),
    ("request_too_large", 413, "too_large"),
    ("rate_limit_error", 429, "rate_limited"),
    ("api_error", 500, "server"),
    ("timeout_error", 504, "timeout"),
    ("overloaded_error", 529, "overloaded"),
)
_KINDS = {name: kind for name, _, kind in _ERRORS}
_STATUS_NAMES = {status: name for name, status, _ in _ERRORS}
_SENT = {kind: (name, status) for name, status, kind in reversed(_ERRORS)}

# What the API says with status 400 about things that are not the fault of the request's form.
_TELLING: tuple[tuple[str, FailureKind], ...] = (
    ("prompt is too long", "too_large"),
    ("exceed context limit", "too_large"),
    ("credit balance is too low", "billing"),
    ("usage limits", "billing"),
    ("spend limit", "billing"),
)


def kind_of_type(name: str) -> FailureKind | None:
    """Our kind of a named error, None for a name newer than this codec."""
    return _KINDS.get(name)


# ---------------------------------------------------------------- encode


def encode_error(error: ProviderError) -> Failure:
    """An error as the API answers it; a kind without a name of its own becomes `api_error`."""
    name, status = next(
        ((name, status) for kind, (name, status) in _SENT.items() if kind == error.kind),
        ("api_error", 500),
    )
    if error.status is not None:
        status = error.status
        name = _STATUS_NAMES.get(status, name)
    headers = {"content-type": "application/json"}
    if error.retry_after_ms is not None:
        headers["retry-after"] = str(-(-error.retry_after_ms // 1000))
    if error.request_id:
        headers["request-id"] = error.request_id
    return Failure(status, headers, error_body(name, str(error), error.request_id))


def error_body(name: str, text: str, request_id: str) -> bytes:
    """The JSON of an error, the same in an HTTP answer and in a stream."""
    members = {
        "type": '"error"',
        "error": record({"type": quote(name), "message": quote(text)}),
    }
    if request_id:
        members["request_id"] = quote(request_id)
    return record(members).encode()


def encode_limits(limits: RateLimits, now_ms: int) -> dict[str, str]:
    """The rate-limit headers of an answer given at `now_ms`."""
    headers: dict[str, str] = {}
    for what, left in (
        ("requests", limits.requests_remaining),
        ("tokens", limits.tokens_remaining),
    ):
        if left is not None:
            headers[f"{_PREFIX}{what}-remaining"] = str(left)
        if left is not None and limits.reset_after_ms is not None:
            headers[f"{_PREFIX}{what}-reset"] = rfc3339(now_ms + limits.reset_after_ms)
    if limits.retry_after_ms is not None:
        headers["retry-after"] = str(-(-limits.retry_after_ms // 1000))
    return headers


# ---------------------------------------------------------------- decode


def decode_error(
    status: int, headers: Mapping[str, str], body: bytes, now_ms: int
) -> ProviderError:
    """The error of an answer that is none. Never raises, whatever the body holds."""
    kind = kind_of_status(status)
    try:
        error = Node.of(body, kind="malformed").get("error")
        name = error.get("type").text()
        text = error.get("message").text()
    except ProviderError:
        name, text = "", body.decode("utf-8", "replace")
    else:
        # The name says more than the status, but gateways put their own names in.
        kind = _KINDS.get(name, kind)
        kind = _told(text, kind) if kind == "bad_request" else kind
    return http_error(
        f"{name}: {text}" if name else excerpt(text),
        provider="anthropic",
        kind=kind,
        status=status,
        retry_after_ms=_wait_ms(headers, now_ms, kind),
        request_id=request_id(headers),
    )


def _told(text: str, kind: FailureKind) -> FailureKind:
    folded = text.casefold()
    return next((told for words, told in _TELLING if words in folded), kind)


def _wait_ms(headers: Mapping[str, str], now_ms: int, kind: FailureKind) -> int | None:
    wait = retry_after_ms(headers, now_ms)
    if wait is not None or kind not in SPENT_KINDS:
        return wait
    # Without a wish, the reset of a limit that is used up is the earliest time of use.
    resets = [
        _reset_ms(headers, what, now_ms)
        for what in _LIMITS
        if count(headers, f"{_PREFIX}{what}-remaining") == 0
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _reset_ms(headers: Mapping[str, str], what: str, now_ms: int) -> int | None:
    """Milliseconds until a limit is whole again."""
    return until_ms(headers, rfc3339_ms(header(headers, f"{_PREFIX}{what}-reset")), now_ms)


def decode_limits(headers: Mapping[str, str], now_ms: int) -> RateLimits:
    """What the headers say about limits; of several token limits the tightest counts."""
    tokens: int | None = None
    resets: list[int] = []
    for what in _LIMITS:
        left = count(headers, f"{_PREFIX}{what}-remaining")
        if what != "requests" and left is not None:
            tokens = left if tokens is None else min(tokens, left)
        after = _reset_ms(headers, what, now_ms)
        if after is not None:
            resets.append(after)
    return RateLimits(
        requests_remaining=count(headers, f"{_PREFIX}requests-remaining"),
        tokens_remaining=tokens,
        reset_after_ms=max(resets) if resets else None,
        retry_after_ms=retry_after_ms(headers, now_ms),
    )


def request_id(headers: Mapping[str, str]) -> str:
    """The provider's id of the HTTP request, empty if it gave none."""
    return header(headers, "request-id")
