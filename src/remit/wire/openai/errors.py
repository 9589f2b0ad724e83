"""OpenAI errors and rate-limit headers, and those of compatible servers, both directions."""

import re
from collections.abc import Mapping

from remit.errors import ProviderError
from remit.values.model import FailureKind, RateLimits
from remit.wire.codec import Failure
from remit.wire.failure import (
    MAX_WAIT_MS,
    SPENT_KINDS,
    count,
    excerpt,
    header,
    http_error,
    kind_of_status,
    retry_after_ms,
    until_ms,
)
from remit.wire.jsontext import Number, quote, record
from remit.wire.node import Node

_PREFIX = "x-ratelimit-"

# Our kind, status, and the type and code that say it; "" where the API sends null.
_SENT: dict[FailureKind, tuple[int, str, str]] = {
    "bad_request": (400, "invalid_request_error", ""),
    "auth": (401, "invalid_request_error", "invalid_api_key"),
    "billing": (429, "insufficient_quota", "insufficient_quota"),
    "not_found": (404, "invalid_request_error", "model_not_found"),
    "too_large": (400, "invalid_request_error", "context_length_exceeded"),
    "rate_limited": (429, "requests", "rate_limit_exceeded"),
    "server": (500, "server_error", ""),
    "timeout": (504, "server_error", ""),
    "overloaded": (503, "server_error", ""),
}

# What a code or type says beyond the status, by its name. Compatible servers use the same names.
_KINDS: dict[str, FailureKind] = {
    "insufficient_quota": "billing",
    "billing_hard_limit_reached": "billing",
    "billing_not_active": "billing",
    "access_terminated": "billing",
    "context_length_exceeded": "too_large",
    "string_above_max_length": "too_large",
    "request_too_large": "too_large",
    "model_not_found": "not_found",
    "deploymentnotfound": "not_found",
    "invalid_api_key": "auth",
    "invalid_authentication": "auth",
    "authentication_error": "auth",
    "permission_error": "auth",
    "unsupported_country_region_territory": "auth",
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "slow_down": "overloaded",
    "overloaded_error": "overloaded",
    "engine_overloaded": "overloaded",
    "server_error": "server",
    "api_error": "server",
    "internal_error": "server",
}

# What servers say with status 400 or 429 about things that another try does not mend.
_TELLING: tuple[tuple[str, FailureKind], ...] = (
    ("maximum context length", "too_large"),
    ("context window", "too_large"),
    ("context length", "too_large"),
    ("prompt is too long", "too_large"),
    # One request above the tokens of a whole minute never gets through.
    ("request too large for", "too_large"),
    ("exceeded your current quota", "billing"),
    ("credit balance", "billing"),
    ("insufficient credits", "billing"),
)
_VAGUE = frozenset({"bad_request", "rate_limited"})  # kinds that the words may say more about
# Kinds that only the status tells: the type of everything from 500 on is `server_error`, and with
# 413 a limit of tokens a minute is one that the request alone exceeds.
_EXACT = frozenset({"overloaded", "timeout", "too_large"})
_INSTANTS_FROM = 1_000_000_000  # in seconds: September 2001, or more than thirty years
_STATUS = re.compile(r"[45]\d\d", re.ASCII)

# `1d2h`, `6m0s`, `1m30.5s`, `20ms`: durations as Go writes them, with days.
_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_STEP = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?(ms|[dhms])", re.ASCII)
_PLAIN_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


# ---------------------------------------------------------------- encode


def encode_error(error: ProviderError) -> Failure:
    """An error as the API answers it; a kind without a place of its own becomes a server error."""
    status, name, code = next(
        (row for kind, row in _SENT.items() if kind == error.kind), _SENT["server"]
    )
    if error.status is not None:
        status = error.status
    headers = {"content-type": "application/json"}
    if error.retry_after_ms is not None:
        headers["retry-after"] = str(-(-error.retry_after_ms // 1000))
    if error.request_id:
        headers["x-request-id"] = error.request_id
    return Failure(status, headers, error_body(name, code, str(error)))


def error_body(name: str, code: str, text: str) -> bytes:
    """The JSON of an error, the same in an HTTP answer and in a stream of chunks."""
    members = {
        "message": quote(text),
        "type": quote(name),
        "param": "null",
        "code": quote(code) if code else "null",
    }
    return record({"error": record(members)}).encode()


def encode_limits(limits: RateLimits, _now_ms: int) -> dict[str, str]:
    """The rate-limit headers of an answer."""
    headers: dict[str, str] = {}
    for what, left in (
        ("requests", limits.requests_remaining),
        ("tokens", limits.tokens_remaining),
    ):
        if left is not None:
            headers[f"{_PREFIX}remaining-{what}"] = str(left)
        if left is not None and limits.reset_after_ms is not None:
            headers[f"{_PREFIX}reset-{what}"] = duration(limits.reset_after_ms)
    if limits.retry_after_ms is not None:
        headers["retry-after"] = str(-(-limits.retry_after_ms // 1000))
    return headers


def duration(length_ms: int) -> str:
    """Milliseconds as the API writes them: `6m0s`, `1.5s`, `20ms`."""
    if length_ms < _UNIT_MS["s"]:
        return f"{length_ms}ms"
    minutes, rest_ms = divmod(length_ms, _UNIT_MS["m"])
    hours, minutes = divmod(minutes, 60)
    whole, part = divmod(rest_ms, _UNIT_MS["s"])
    seconds = f"{whole}.{part:03d}".rstrip("0").rstrip(".") if part else str(whole)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{seconds}s"


# ---------------------------------------------------------------- decode


def decode_error(
    status: int, headers: Mapping[str, str], body: bytes, now_ms: int, provider: str = "openai"
) -> ProviderError:
    """The error of an answer that is none. Never raises, whatever the body holds."""
    kind = kind_of_status(status)
    try:
        code, name, text = read_error(Node.of(body, kind="malformed"))
    except ProviderError:
        code, name, text = "", "", excerpt(body.decode("utf-8", "replace"))
    kind = told_kind(kind, code, name, text)
    words = ": ".join(word for word in (code or name, text) if word)
    return http_error(
        words,
        provider=provider,
        kind=kind,
        status=status,
        retry_after_ms=_wait_ms(headers, now_ms, kind),
        request_id=request_id(headers),
    )


def read_error(root: Node) -> tuple[str, str, str]:
    """Code, type and text of an error body. Raises `ProviderError` if it is none.

    Compatible servers leave the outer object out, or write a plain text in its place.
    """
    error = root.find("error") or root
    if isinstance(error.value, str):
        return "", "", error.text()
    return _word(error, "code"), _word(error, "type"), error.get("message").text()


def _word(node: Node, key: str) -> str:
    found = node.find(key)
    if found is None:
        return ""
    return found.value.lexeme if isinstance(found.value, Number) else found.text()


def told_kind(kind: FailureKind, code: str, name: str, text: str) -> FailureKind:
    """The kind of an error whose code, type and words may say more than its status."""
    if kind not in _EXACT:
        kind = _KINDS.get(code.casefold()) or _KINDS.get(name.casefold()) or kind
    if kind in _VAGUE:
        folded = text.casefold()
        kind = next((said for words, said in _TELLING if words in folded), kind)
    return kind


def reported(error: Node, provider: str) -> ProviderError:
    """The error that a provider reports in the middle of a stream, from what holds it."""
    code, name, text = read_error(error)
    # Gateways put the status of the service behind them where a code stands.
    kind = kind_of_status(int(code)) if _STATUS.fullmatch(code) else "server"
    words = ": ".join(word for word in (code or name, text) if word)
    return http_error(words, provider=provider, kind=told_kind(kind, code, name, text))


def _wait_ms(headers: Mapping[str, str], now_ms: int, kind: FailureKind) -> int | None:
    wait = retry_after_ms(headers, now_ms)
    if wait is not None or kind not in SPENT_KINDS:
        return wait
    # Without a wish, the reset of a limit that is used up is the earliest time of use.
    resets = [
        reset_ms(headers, what)
        for what in ("requests", "tokens")
        if count(headers, f"{_PREFIX}remaining-{what}") == 0
    ]
    if count(headers, f"{_PREFIX}remaining") == 0:
        resets.append(_gateway_reset_ms(headers, now_ms))
    return max((reset for reset in resets if reset is not None), default=None)


def _gateway_reset_ms(headers: Mapping[str, str], now_ms: int) -> int | None:
    """The reset that gateways have one of: seconds, or an instant in Unix seconds or milliseconds.

    OpenRouter writes milliseconds, GitHub seconds; no limit lasts for the thirty years beyond which
    a number must be an instant.
    """
    number = count(headers, f"{_PREFIX}reset")
    if number is None:
        return None
    if number < _INSTANTS_FROM:
        return min(number * 1000, MAX_WAIT_MS)
    instant_ms = number if number >= _INSTANTS_FROM * 1000 else number * 1000
    return until_ms(headers, instant_ms, now_ms)


def decode_limits(headers: Mapping[str, str], now_ms: int) -> RateLimits:
    """What the headers say about limits."""
    resets = [reset_ms(headers, what) for what in ("requests", "tokens")]
    return RateLimits(
        requests_remaining=count(headers, f"{_PREFIX}remaining-requests"),
        tokens_remaining=count(headers, f"{_PREFIX}remaining-tokens"),
        reset_after_ms=max((reset for reset in resets if reset is not None), default=None),
        retry_after_ms=retry_after_ms(headers, now_ms),
    )


def reset_ms(headers: Mapping[str, str], what: str) -> int | None:
    """Milliseconds until a limit is whole again, rounded up; None if nothing is said."""
    value = header(headers, f"{_PREFIX}reset-{what}")
    if _PLAIN_SECONDS.fullmatch(value):  # as Azure writes it
        value += "s"
    total, end = 0, 0
    for step in _STEP.finditer(value):
        if step.start() != end:
            return None
        end = step.end()
        fraction = step[2] or ""
        scale = int("1" + "0" * len(fraction))
        total += -(-int(step[1] + fraction) * _UNIT_MS[step[3]] // scale)
    return min(total, MAX_WAIT_MS) if value and end == len(value) else None


def request_id(headers: Mapping[str, str]) -> str:
    """The provider's id of the HTTP request, empty if it gave none; Azure has a name of its own."""
    return header(headers, "x-request-id") or header(headers, "apim-request-id")
