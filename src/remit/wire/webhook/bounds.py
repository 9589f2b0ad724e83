"""What every signed webhook is held to: a bounded body, an instant close to now, plain headers."""

import re
from collections.abc import Mapping

from remit.errors import WebhookRefused

MAX_BODY_BYTES = 512 * 1024  # ten times the largest event of a payment provider
TOLERANCE_S = 300  # what Stripe's and the Standard Webhooks libraries take by default
MAX_HEADER_CHARS = 4096  # some thirty signatures; two stand there while a secret is exchanged

STANDARD_SIGNATURE = "webhook-signature"
"""The header that says that a webhook is one of Standard Webhooks."""

# 12 digits of seconds reach beyond the year 30,000; int() of a long text is slow.
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def check_body(body: bytes) -> None:
    """Raise `WebhookRefused` for a body that is too large to be looked at."""
    if len(body) > MAX_BODY_BYTES:
        raise WebhookRefused(
            f"the webhook's body has {len(body)} bytes; at most {MAX_BODY_BYTES} are read",
            reason="too-large",
        )


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its lower-case name, whatever case it came in; empty where it is missing.

    Raises `WebhookRefused` when it came more than once, or is longer than any that is honest.
    """
    found = [value for key, value in headers.items() if key.lower() == name]
    if len(found) > 1:
        raise WebhookRefused(f"the header {name} came twice", reason="malformed")
    value = found[0] if found else ""
    if len(value) > MAX_HEADER_CHARS:
        raise WebhookRefused(
            f"the header {name} has {len(value)} characters; at most {MAX_HEADER_CHARS} are read",
            reason="malformed",
        )
    return value


def seconds(text: str, where: str) -> int:
    """The instant (Unix, s) in a header. Raises `WebhookRefused`."""
    if not _SECONDS.fullmatch(text):
        raise WebhookRefused(f"{where} holds no time in whole seconds", reason="malformed")
    return int(text)


def check_time(at_s: int, now_s: int, tolerance_s: int) -> None:
    """Raise `WebhookRefused` unless it was signed about now: an old one may be a replay.

    One from the future is refused too: whoever could have it signed ahead could keep it.
    """
    if abs(now_s - at_s) > tolerance_s:
        when = f"{now_s - at_s} s ago" if at_s < now_s else f"{at_s - now_s} s in the future"
        raise WebhookRefused(
            f"the webhook was signed {when}; {tolerance_s} s are tolerated: is it a replay, or is "
            "a clock wrong?",
            reason="stale",
        )
