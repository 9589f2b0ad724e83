"""What every protocol's errors have in common: kinds by status, waiting times, words that help."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from remit.errors import ProviderError
from remit.values.model import FailureKind
from remit.wire.jsontext import mend

EXCERPT_CHARS = 300  # enough for every message the providers write, too little to flood a log
MAX_WAIT_MS = 24 * 60 * 60 * 1000  # a longer wish than a day is as good as "not today"
# Kinds with which a limit that is used up says when to come again, where nothing else does: a
# service that is overloaded would answer with the limit next.
SPENT_KINDS: frozenset[FailureKind] = frozenset({"rate_limited", "overloaded"})
_HEADER_CHARS = 200  # ids, dates and counts are shorter

_STATUS_KINDS: dict[int, FailureKind] = {
    400: "bad_request",
    401: "auth",
    402: "billing",
    403: "auth",
    404: "not_found",
    405: "not_found",  # what a server says that knows the host but not the path
    408: "timeout",
    409: "server",  # a state that passes; the official SDK retries it too
    413: "too_large",
    422: "bad_request",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT = re.compile(r"\d{1,15}", re.ASCII)  # as long as in Node.integer
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# IMF-fixdate of RFC 9110, section 5.6.7; its obsolete forms are not sent by any provider.
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT", re.ASCII
)

_REMEDIES: dict[FailureKind, str] = {
    "auth": "check the API key and what it may do",
    "billing": "check the credit and spending limits of the account",
    "not_found": "check the model name and the base URL",
    "too_large": "send less: compact the conversation or cut tool results",
}


def kind_of_status(status: int) -> FailureKind:
    """The kind of failure an HTTP status stands for where the body does not say more."""
    known = _STATUS_KINDS.get(status)
    if known is not None:
        return known
    if status in range(500, 600):
        return "server"
    if status in range(400, 500):
        return "bad_request"
    return "unknown"


def excerpt(text: str) -> str:
    """A bounded piece of foreign text on one line."""
    # Cut first: the rest of a body of megabytes is not worth a look.
    line = " ".join(mend(text[: 2 * EXCERPT_CHARS]).split())
    return line if len(line) <= EXCERPT_CHARS else line[:EXCERPT_CHARS] + "…"


def http_error(
    message: str,
    *,
    provider: str,
    kind: FailureKind,
    status: int | None = None,
    retry_after_ms: int | None = None,
    request_id: str = "",
) -> ProviderError:
    """The error of an answer that is an error, in words that say what to do."""
    head = f"{provider} answered {status}" if status is not None else f"{provider} reported"
    remedy = f"; {_REMEDIES[kind]}" if kind in _REMEDIES else ""
    tail = f" (request {request_id})" if request_id else ""
    words = excerpt(message) or "no reason given"
    return ProviderError(
        f"{head} ({kind}): {words.rstrip('.') if remedy else words}{remedy}{tail}",
        kind=kind,
        status=status,
        retry_after_ms=retry_after_ms,
        request_id=request_id,
    )


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its lower-case name, empty if missing; absurdly long ones are cut."""
    return headers.get(name, "").strip()[:_HEADER_CHARS]


def retry_after_ms(headers: Mapping[str, str], now_ms: int) -> int | None:
    """Milliseconds the provider asks to wait: `retry-after-ms`, or `retry-after` in either form."""
    precise = header(headers, "retry-after-ms")
    if _SECONDS.fullmatch(precise):
        return min(_scaled(precise, 1), MAX_WAIT_MS)
    value = header(headers, "retry-after")
    if _SECONDS.fullmatch(value):
        return min(_scaled(value, 1000), MAX_WAIT_MS)
    return until_ms(headers, http_date_ms(value), now_ms)


def _scaled(decimal: str, factor: int) -> int:
    """A decimal text times `factor`, rounded up, without a float."""
    whole, _, fraction = decimal.partition(".")
    scale = int("1" + "0" * len(fraction))
    return -(-int(whole + fraction) * factor // scale)


def until_ms(headers: Mapping[str, str], instant_ms: int | None, now_ms: int) -> int | None:
    """Milliseconds until an instant the provider named, never negative.

    Measured from the answer's own `date`, so that a wrong clock here does no harm.
    """
    if instant_ms is None:
        return None
    origin = http_date_ms(header(headers, "date"))
    return min(max(0, instant_ms - (now_ms if origin is None else origin)), MAX_WAIT_MS)


def http_date_ms(value: str) -> int | None:
    """Unix milliseconds of an HTTP date, None if it is none."""
    found = _HTTP_DATE.fullmatch(value)
    if found is None or found[2] not in _MONTHS:
        return None
    day, _, year, hour, minute, second = found.groups()
    month = _MONTHS.index(found[2]) + 1
    try:
        # 60 is a leap second; the instant is that of the next minute.
        at = datetime(int(year), month, int(day), int(hour), int(minute), tzinfo=UTC)
        return _ms(at + timedelta(seconds=int(second)))
    except (ValueError, OverflowError):
        return None


def rfc3339_ms(value: str) -> int | None:
    """Unix milliseconds of an RFC 3339 time, None if it is none."""
    try:
        at = datetime.fromisoformat(value)
        # An instant that UTC has no date for is none: nobody could say which day it is.
        return None if at.tzinfo is None else _ms(at.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def rfc3339(instant_ms: int) -> str:
    """Unix milliseconds as an RFC 3339 time."""
    return (_EPOCH + timedelta(milliseconds=instant_ms)).isoformat().replace("+00:00", "Z")


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def count(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a count, None if missing or something else."""
    value = header(headers, name)
    return int(value) if _COUNT.fullmatch(value) else None
