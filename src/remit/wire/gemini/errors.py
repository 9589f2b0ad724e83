"""Gemini errors, both directions: google.rpc.Status in JSON."""

import re
from collections.abc import Iterator, Mapping

from remit.errors import ProviderError
from remit.values.model import FailureKind, RateLimits
from remit.wire.codec import Failure
from remit.wire.failure import (
    MAX_WAIT_MS,
    excerpt,
    header,
    http_error,
    kind_of_status,
    retry_after_ms,
)
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node

# Name of the status, its HTTP status, our kind. The first row of a kind is the one we send.
_ERRORS: tuple[tuple[str, int, FailureKind], ...] = (
    ("INVALID_ARGUMENT", 400, "bad_request"),
    ("FAILED_PRECONDITION", 400, "bad_request"),
    ("OUT_OF_RANGE", 400, "bad_request"),
    ("UNAUTHENTICATED", 401, "auth"),
    ("PERMISSION_DENIED", 403, "auth"),
    ("NOT_FOUND", 404, "not_found"),
    ("ALREADY_EXISTS", 409, "server"),
    ("ABORTED", 409, "server"),
    ("RESOURCE_EXHAUSTED", 429, "rate_limited"),
    ("CANCELLED", 499, "server"),
    ("INTERNAL", 500, "server"),
    ("UNKNOWN", 500, "server"),
    ("DATA_LOSS", 500, "server"),
    ("UNIMPLEMENTED", 501, "bad_request"),
    ("UNAVAILABLE", 503, "overloaded"),
    ("DEADLINE_EXCEEDED", 504, "timeout"),
)
_KINDS = {name: kind for name, _, kind in _ERRORS}
_STATUS_NAMES = {status: name for name, status, _ in reversed(_ERRORS)}

_TYPES = "type.googleapis.com/google.rpc."
_RETRY = f"{_TYPES}RetryInfo"
_REASON = f"{_TYPES}ErrorInfo"
# Reasons of google.api.ErrorReason that say more than the status they come with.
_REASONS: dict[str, FailureKind] = {
    "API_KEY_INVALID": "auth",
    "API_KEY_EXPIRED": "auth",
    "API_KEY_SERVICE_BLOCKED": "auth",
    "BILLING_DISABLED": "billing",
    "SERVICE_DISABLED": "auth",
}
# How our kinds go out: status, its name, and the reason beside it.
_SENT: dict[str, tuple[int, str, str]] = {
    "bad_request": (400, "INVALID_ARGUMENT", ""),
    "too_large": (400, "INVALID_ARGUMENT", ""),
    "auth": (400, "INVALID_ARGUMENT", "API_KEY_INVALID"),
    "billing": (403, "PERMISSION_DENIED", "BILLING_DISABLED"),
    "not_found": (404, "NOT_FOUND", ""),
    "rate_limited": (429, "RESOURCE_EXHAUSTED", ""),
    "overloaded": (503, "UNAVAILABLE", ""),
    "timeout": (504, "DEADLINE_EXCEEDED", ""),
}
_OTHER = (500, "INTERNAL", "")

# What the API says in words only.
_TELLING: tuple[tuple[str, FailureKind], ...] = (
    ("exceeds the maximum number of tokens", "too_large"),
    ("payload size exceeds the limit", "too_large"),
    ("api key not valid", "auth"),
    ("api key expired", "auth"),
    ("credits are depleted", "billing"),
    ("spending cap", "billing"),
    ("enable billing", "billing"),
)
_MOVABLE = frozenset({"bad_request", "rate_limited", "auth"})  # statuses that say too little

_SECONDS = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?s", re.ASCII)


# ---------------------------------------------------------------- encode


def encode_error(error: ProviderError) -> Failure:
    """An error as the API answers it; a kind without a name of its own becomes `INTERNAL`."""
    status, name, reason = _SENT.get(error.kind, _OTHER)
    if error.status is not None and error.status != status:
        status, reason = error.status, ""
        name = _STATUS_NAMES.get(status, name)
    headers = {"content-type": "application/json; charset=UTF-8"}
    body = error_body(status, name, str(error), reason, error.retry_after_ms)
    return Failure(status, headers, body)


def error_body(
    status: int, name: str, text: str, reason: str = "", retry_ms: int | None = None
) -> bytes:
    """The JSON of an error, the same in an HTTP answer and in a stream."""
    members = {"code": str(status), "message": quote(text), "status": quote(name)}
    details = []
    if reason:
        told = {"reason": quote(reason), "domain": '"googleapis.com"'}
        details.append(record({"@type": quote(_REASON)} | told))
    if retry_ms is not None:
        wait = f"{retry_ms // 1000}.{retry_ms % 1000:03}" if retry_ms % 1000 else retry_ms // 1000
        details.append(record({"@type": quote(_RETRY), "retryDelay": quote(f"{wait}s")}))
    if details:
        members["details"] = array(details)
    return record({"error": record(members)}).encode()


def encode_limits(_limits: RateLimits, _now_ms: int) -> dict[str, str]:
    """Nothing: the API says nothing of its limits before they are reached."""
    return {}


# ---------------------------------------------------------------- decode


def decode_error(
    status: int, headers: Mapping[str, str], body: bytes, now_ms: int
) -> ProviderError:
    """The error of an answer that is none. Never raises, whatever the body holds."""
    wait = retry_after_ms(headers, now_ms)
    request = request_id(headers)
    try:
        root = Node.of(body, kind="malformed")
        if isinstance(root.value, list):  # as the API answers a stream of JSON
            root = next(root.items(), root)
        return reported(root.get("error"), status=status, wait_ms=wait, request=request)
    except ProviderError:
        pass  # not of the protocol's form: a gateway's page, say
    return http_error(
        excerpt(body.decode("utf-8", "replace")),
        provider="google",
        kind=kind_of_status(status),
        status=status,
        retry_after_ms=wait,
        request_id=request,
    )


def reported(
    error: Node, *, status: int | None = None, wait_ms: int | None = None, request: str = ""
) -> ProviderError:
    """The error behind a status object. Raises `ProviderError` (`malformed`) if it is none."""
    name = error.get("status").text()
    text = error.get("message").text()
    default = "server" if status is None else kind_of_status(status)
    kind = _KINDS.get(name, default)
    asked = None
    for detail in _details(error):
        match detail.get("@type").text():
            case "type.googleapis.com/google.rpc.ErrorInfo":
                kind = _REASONS.get(detail.get("reason").text(), kind)
            case "type.googleapis.com/google.rpc.RetryInfo":
                asked = _delay_ms(detail.get("retryDelay").text())
            case _:
                pass
    return http_error(
        f"{name}: {text}",
        provider="google",
        kind=_told(text, kind),
        status=status,
        retry_after_ms=wait_ms if asked is None else asked,
        request_id=request,
    )


def _details(error: Node) -> Iterator[Node]:
    found = error.find("details")
    return iter(()) if found is None else found.items()


def _told(text: str, kind: FailureKind) -> FailureKind:
    if kind not in _MOVABLE:
        return kind
    folded = text.casefold()
    return next((told for words, told in _TELLING if words in folded), kind)


def _delay_ms(delay: str) -> int | None:
    """A protobuf duration in milliseconds, rounded up."""
    found = _SECONDS.fullmatch(delay)
    if found is None:
        return None
    nanos = int((found[2] or "").ljust(9, "0"))
    return min(int(found[1]) * 1000 - (-nanos // 1_000_000), MAX_WAIT_MS)


def decode_limits(headers: Mapping[str, str], now_ms: int) -> RateLimits:
    """What the headers say about limits, which is at most when to come again."""
    return RateLimits(retry_after_ms=retry_after_ms(headers, now_ms))


def request_id(headers: Mapping[str, str]) -> str:
    """The id of the HTTP request that a gateway gave it; the API itself gives none."""
    return header(headers, "x-request-id")
