"""Signed answer tokens: who may say what to which request, until when; in links and buttons.

    base64url(version, what, expiry in seconds (5 bytes), names, HMAC-SHA-256 of all before it)

The names are tenant, request, digest and person. One that was changed says nothing; one for a call
that has changed since, or was decided on, changes nothing, so a token need not be kept to be used
once.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from remit.errors import WebhookRefused

Say = Literal["approve", "deny", "answer", "decide"]
"""`decide`: a button, whose message says which; the person is the one who presses it."""

MAX_CHARS = 2_000
"""What a button of Slack carries; links are far shorter."""

_VERSION = b"\x01"
_WHAT: tuple[Say, ...] = get_args(Say)
_MAC_BYTES = 32
_TIME_BYTES = 5  # seconds since 1970, until the year 36,800
_SEPARATOR = b"\0"  # no name holds it
_NAMES = 4
_FORM = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_CHARS}}}", re.ASCII)
_PURPOSE = b"remit-answer-token-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerToken:
    """What its bearer may say. `digest` is that of the call as it was shown; empty: a question."""

    say: Say
    tenant: str
    ref: str
    until_s: int
    digest: str = ""
    person: str = ""


def answer_key(secret: bytes) -> bytes:
    """The key of tokens, from one that serves other ends."""
    return hmac.new(secret, _PURPOSE, hashlib.sha256).digest()


def sign_token(key: bytes, token: AnswerToken) -> str:
    """The token as text. Raises `WebhookRefused` for names that no token holds."""
    names = [token.tenant, token.ref, token.digest, token.person]
    head = (
        _VERSION
        + bytes([_WHAT.index(token.say)])
        + token.until_s.to_bytes(_TIME_BYTES, "big")
        + _SEPARATOR.join(name.encode() for name in names)
    )
    text = base64.urlsafe_b64encode(head + _mac(key, head)).decode().rstrip("=")
    if len(text) > MAX_CHARS or any("\0" in name for name in names):
        raise WebhookRefused("the names are too long for an answer token", reason="too-large")
    return text


def read_token(keys: Iterable[bytes], text: str, now_s: int) -> AnswerToken:
    """The token that was signed with one of the keys, compared in constant time.

    Raises `WebhookRefused` for a forged, damaged or outdated one.
    """
    forged = WebhookRefused("this answer link was not made here, or is damaged", reason="signature")
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
    if not good or head[:1] != _VERSION:
        raise forged
    found = _unpack(head)
    if found.until_s <= now_s:
        raise WebhookRefused("this answer link has expired", reason="stale")
    return found


def _unpack(head: bytes) -> AnswerToken:
    """What was signed: its form needs no check, for nobody else could make it."""
    start = 2 + _TIME_BYTES
    tenant, ref, digest, person = head[start:].decode().split(_SEPARATOR.decode(), _NAMES - 1)
    return AnswerToken(
        say=_WHAT[head[1]],
        tenant=tenant,
        ref=ref,
        until_s=int.from_bytes(head[2:start], "big"),
        digest=digest,
        person=person,
    )


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.new(key, head, hashlib.sha256).digest()
