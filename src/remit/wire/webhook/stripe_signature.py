"""Stripe's webhook signatures: `Stripe-Signature: t=<seconds>,v1=<hex>`, read and written.

The signature is HMAC-SHA-256 over `<seconds>.<body>` with the endpoint's whole secret as the key.
While a secret is being exchanged Stripe sends one `v1` for each; other schemes are passed over
(docs.stripe.com/webhooks/signature).
"""

import hashlib
import hmac
from collections.abc import Sequence

from remit.errors import WebhookRefused
from remit.wire.webhook.bounds import TOLERANCE_S, check_body, check_time, seconds

HEADER = "stripe-signature"
_SCHEME = "v1"


def sign(body: bytes, secrets: Sequence[str], at_s: int) -> str:
    """The header's value for a body sent at `at_s` (Unix, s): one signature for each secret."""
    marks = [f"{_SCHEME}={_mark(secret, at_s, body)}" for secret in secrets]
    return ",".join([f"t={at_s}", *marks])


def verify(
    body: bytes,
    value: str,
    secrets: Sequence[str],
    *,
    now_s: int,
    tolerance_s: int = TOLERANCE_S,
) -> int:
    """The instant (Unix, s) at which the body was signed with one of the secrets.

    Raises `WebhookRefused` for a forged, stale, unsigned or oversized one. All comparisons are
    made, each in constant time; the instant counts only once the signature is known to be right.
    """
    check_body(body)
    at_s, marks = _parse(value)
    expected = [_mark(secret, at_s, body).encode() for secret in secrets if secret]
    good = False
    for mark in marks:
        for right in expected:
            # Some servers hand headers over with lone surrogates in place of odd bytes.
            good |= hmac.compare_digest(mark.encode("utf-8", "surrogatepass"), right)
    if not good:
        raise WebhookRefused(
            "no signature of the webhook is right: is it the secret of this endpoint, and the body "
            "as it came, byte for byte?",
            reason="signature",
        )
    check_time(at_s, now_s, tolerance_s)
    return at_s


def _parse(value: str) -> tuple[int, list[str]]:
    pairs = [item.strip().partition("=") for item in value.split(",")]
    times = [text for key, _, text in pairs if key == "t"]
    marks = [text for key, _, text in pairs if key == _SCHEME]
    if len(times) != 1 or not marks:
        raise WebhookRefused(
            f"the header Stripe-Signature does not read t=<seconds>,{_SCHEME}=<signature>",
            reason="signature",
        )
    return seconds(times[0], "Stripe-Signature"), marks


def _mark(secret: str, at_s: int, body: bytes) -> str:
    signed = str(at_s).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
