"""Slack's request signatures, version 0, read and written.

`X-Slack-Signature` is `v0=` and the HMAC-SHA-256 in hex of `v0:<X-Slack-Request-Timestamp>:<body>`
under the app's signing secret (docs.slack.dev/authentication/verifying-requests-from-slack).
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from remit.errors import WebhookRefused
from remit.wire.webhook.bounds import TOLERANCE_S, check_body, check_time, header, seconds

SIGNATURE, TIME = "x-slack-signature", "x-slack-request-timestamp"
_VERSION = "v0"


def sign(body: bytes, secret: str, *, at_s: int) -> dict[str, str]:
    """The headers of a body that Slack sends at `at_s` (Unix, s)."""
    return {TIME: str(at_s), SIGNATURE: f"{_VERSION}={_mark(secret, at_s, body)}"}


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: Iterable[str],
    *,
    now_s: int,
    tolerance_s: int = TOLERANCE_S,
) -> str:
    """The secret that a request was signed with. Raises `WebhookRefused` where it is none."""
    check_body(body)
    at_s = seconds(header(headers, TIME), f"the header {TIME}")
    given = header(headers, SIGNATURE).encode("utf-8", "surrogatepass")
    right = ""
    for secret in secrets:
        if hmac.compare_digest(given, f"{_VERSION}={_mark(secret, at_s, body)}".encode()):
            right = secret
    if not right:
        raise WebhookRefused(
            "Slack's signature is not right: is it the signing secret of this app, and the body as "
            "it came, byte for byte?",
            reason="signature",
        )
    check_time(at_s, now_s, tolerance_s)
    return right


def _mark(secret: str, at_s: int, body: bytes) -> str:
    message = f"{_VERSION}:{at_s}:".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
