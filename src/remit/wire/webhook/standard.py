"""Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, read and written.

The signature is over `<id>.<seconds>.<body>`: `v1,` and HMAC-SHA-256, or `v1a,` and Ed25519, both
in base64; several stand in one header with spaces between. Secrets read `whsec_<base64>`, private
keys `whsk_<base64>`, public keys `whpk_<base64>` (github.com/standard-webhooks, spec 1.0.0).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from remit.errors import ConfigError, WebhookRefused
from remit.wire.webhook.bounds import (
    STANDARD_SIGNATURE,
    TOLERANCE_S,
    check_body,
    check_time,
    header,
    seconds,
)

ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", STANDARD_SIGNATURE
_SECRET, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
_KEY_BYTES = 32  # of Ed25519
_MIN_SECRET, _MAX_SECRET = 24, 64  # bytes, as the specification says
# The id is part of what is signed, separated by a point; so it holds none.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A shared secret: whoever verifies could also sign."""

    raw: bytes = field(repr=False)

    def sign(self, message: bytes) -> str:
        """The signature as it stands in the header."""
        return f"v1,{base64.b64encode(_hmac(self.raw, message)).decode()}"

    def accepts(self, scheme: str, mark: bytes, message: bytes) -> bool:
        """The mark is this key's for the message; compared in constant time."""
        return scheme == "v1" and hmac.compare_digest(mark, _hmac(self.raw, message))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of Ed25519; receivers hold its public half only."""

    private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> str:
        """The signature as it stands in the header."""
        return f"v1a,{base64.b64encode(self.private.sign(message)).decode()}"

    @property
    def public(self) -> "VerifyKey":
        """What receivers verify with."""
        return VerifyKey(self.private.public_key())


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key of Ed25519."""

    public: Ed25519PublicKey

    def accepts(self, scheme: str, mark: bytes, message: bytes) -> bool:
        """The mark was made with the private half of this key."""
        if scheme != "v1a":
            return False
        try:
            self.public.verify(mark, message)
        except InvalidSignature:
            return False
        return True

    def text(self) -> str:
        """The key as `whpk_<base64>`."""
        return _PUBLIC + base64.b64encode(self.public.public_bytes_raw()).decode()


def signing_key(text: str, where: str) -> SecretKey | SigningKey:
    """A key to sign with, from `whsec_…` or `whsk_…`. Raises `ConfigError` that never shows it."""
    if text.startswith(_PRIVATE):
        return SigningKey(Ed25519PrivateKey.from_private_bytes(_raw_key(text, _PRIVATE, where)))
    return _secret(text, where)


def verify_key(text: str, where: str) -> SecretKey | VerifyKey:
    """A key to verify with, from `whsec_…` or `whpk_…`. Raises `ConfigError` as `signing_key`."""
    if text.startswith(_PUBLIC):
        return VerifyKey(Ed25519PublicKey.from_public_bytes(_raw_key(text, _PUBLIC, where)))
    return _secret(text, where)


def sign(
    body: bytes, keys: Sequence[SecretKey | SigningKey], *, message_id: str, at_s: int
) -> dict[str, str]:
    """The headers of a body sent at `at_s` (Unix, s): one signature for each key.

    `message_id` stays the same however often it is sent. Raises `ConfigError` for one that is
    not made of letters, digits, `_` and `-`.
    """
    if not _ID.fullmatch(message_id):
        raise ConfigError(f"webhook-id {message_id!r}: use 1 to 128 letters, digits, '_' and '-'")
    message = _message(message_id, at_s, body)
    return {
        ID: message_id,
        TIME: str(at_s),
        SIGNATURE: " ".join(key.sign(message) for key in keys),
    }


def verify(
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[SecretKey | VerifyKey],
    *,
    now_s: int,
    tolerance_s: int = TOLERANCE_S,
) -> str:
    """The id of a webhook that was signed with one of the keys.

    Raises `WebhookRefused` for a forged, stale, unsigned or oversized one. The id is the same when
    it is sent again, so whoever carries it out remembers it.
    """
    check_body(body)
    message_id = header(headers, ID)
    if not _ID.fullmatch(message_id):
        raise WebhookRefused(f"the header {ID} is missing or no id", reason="malformed")
    at_s = seconds(header(headers, TIME), f"the header {TIME}")
    message = _message(message_id, at_s, body)
    good = False
    for scheme, mark in _marks(header(headers, SIGNATURE)):
        for key in keys:
            good |= key.accepts(scheme, mark, message)
    if not good:
        raise WebhookRefused(
            "no signature of the webhook is right: is it the secret of this endpoint, and the body "
            "as it came, byte for byte?",
            reason="signature",
        )
    check_time(at_s, now_s, tolerance_s)
    return message_id


def _marks(value: str) -> list[tuple[str, bytes]]:
    found = []
    for item in value.split():
        scheme, _, text = item.partition(",")
        try:
            found.append((scheme, base64.b64decode(text, validate=True)))
        except ValueError:
            continue  # of a scheme of tomorrow, or damaged: it decides nothing
    return found


def _message(message_id: str, at_s: int, body: bytes) -> bytes:
    return f"{message_id}.{at_s}.".encode() + body


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _secret(text: str, where: str) -> SecretKey:
    raw = _decoded(text.removeprefix(_SECRET), where)
    if not _MIN_SECRET <= len(raw) <= _MAX_SECRET:
        raise ConfigError(
            f"{where}: a webhook secret has {_MIN_SECRET} to {_MAX_SECRET} bytes, and this one "
            f"{len(raw)}"
        )
    return SecretKey(raw)


def _raw_key(text: str, prefix: str, where: str) -> bytes:
    raw = _decoded(text.removeprefix(prefix), where)
    if len(raw) != _KEY_BYTES:
        raise ConfigError(f"{where}: a key of Ed25519 has {_KEY_BYTES} bytes, and this {len(raw)}")
    return raw


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        # Without the cause: it could show a part of the key.
        raise ConfigError(
            f"{where}: not a webhook key; it reads {_SECRET}<base64>, or with Ed25519 "
            f"{_PRIVATE}<base64> to sign and {_PUBLIC}<base64> to verify"
        ) from None
