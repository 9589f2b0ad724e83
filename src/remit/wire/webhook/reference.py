"""The signed client reference that a checkout link carries: who pays, for which plan, until when.

It fits Stripe's `client_reference_id`: at most 200 characters of letters, digits, `-` and `_`. One
that was changed says nothing, so nobody can buy in another's name without a link made for them.

    base64url(version, expiry in minutes (4 bytes), names, HMAC-SHA-256-128 of all before it)
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from remit.errors import WebhookRefused

MAX_CHARS = 200
"""Stripe drops a longer client_reference_id without a word."""

_MAX_NAMES_BYTES = 127
"""With version, time, MAC and base64 this is what `MAX_CHARS` holds, the separators included."""

_CLEAR, _DIGEST = b"\x01", b"\x02"
_MAC_BYTES = 16  # 128 bits, as the journal's MACs
_TIME_BYTES = 4  # minutes since 1970, until the year 10,000
_MINUTE_MS = 60_000
_DIGEST_BYTES = 20  # 160 bits of SHA-256: no two holders share one
_SEPARATOR = b"\0"  # no name holds it
_FORM = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_CHARS}}}", re.ASCII)
_PURPOSE = b"remit-checkout-reference-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Who is to have which plan. Names that are too long stand as `digest` of both."""

    plan: str
    until_ms: int
    tenant: str = ""
    holder: str = ""
    digest: str = ""


def reference_key(secret: bytes) -> bytes:
    """The key of references, from one that serves other ends."""
    return hmac.new(secret, _PURPOSE, hashlib.sha256).digest()


def holder_digest(tenant: str, holder: str) -> str:
    """The name under which a holder whose names are too long is looked up, in hex."""
    text = tenant.encode() + _SEPARATOR + holder.encode()
    return hashlib.sha256(_PURPOSE + text).digest()[:_DIGEST_BYTES].hex()


def fits(reference: Reference) -> bool:
    """The names stand in the reference itself; else their digest does, and must be looked up."""
    return len(_names(reference)) <= _MAX_NAMES_BYTES


def _names(reference: Reference) -> bytes:
    names = (reference.plan, reference.tenant, reference.holder)
    return _SEPARATOR.join(name.encode() for name in names)


def sign_reference(key: bytes, reference: Reference) -> str:
    """The reference for a link: with the names in it, or their digest where they do not fit."""
    if fits(reference) and not reference.digest:
        return _pack(key, _CLEAR, reference.until_ms, _names(reference))
    digest = reference.digest or holder_digest(reference.tenant, reference.holder)
    return _pack(key, _DIGEST, reference.until_ms, bytes.fromhex(digest) + reference.plan.encode())


def read_reference(keys: Iterable[bytes], text: str, now_ms: int) -> Reference:
    """The reference that was signed with one of the keys, compared in constant time.

    Raises `WebhookRefused` for a forged, damaged or outdated one.
    """
    forged = WebhookRefused("the client reference was not signed here", reason="signature")
    if not _FORM.fullmatch(text):
        raise forged
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise forged from None
    head, mark = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    good = False
    for key in keys:
        good |= hmac.compare_digest(_mac(key, head), mark)
    if not good:
        raise forged
    found = _unpack(head)
    if found.until_ms < now_ms:
        raise WebhookRefused("the client reference has expired", reason="stale")
    return found


def _pack(key: bytes, version: bytes, until_ms: int, rest: bytes) -> str:
    minutes = -(-until_ms // _MINUTE_MS)
    head = version + minutes.to_bytes(_TIME_BYTES, "big") + rest
    return base64.urlsafe_b64encode(head + _mac(key, head)).decode().rstrip("=")


def _unpack(head: bytes) -> Reference:
    version, rest = head[:1], head[1 + _TIME_BYTES :]
    until_ms = int.from_bytes(head[1 : 1 + _TIME_BYTES], "big") * _MINUTE_MS
    if version == _DIGEST:
        digest, plan = rest[:_DIGEST_BYTES].hex(), rest[_DIGEST_BYTES:].decode()
        return Reference(plan=plan, until_ms=until_ms, digest=digest)
    plan, tenant, holder = rest.decode().split(_SEPARATOR.decode())
    return Reference(plan=plan, until_ms=until_ms, tenant=tenant, holder=holder)


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.new(key, head, hashlib.sha256).digest()[:_MAC_BYTES]
