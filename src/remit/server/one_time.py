"""The one-time link printed at the start: whoever opens it is the one who started the server."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from remit.server.identity import who_started
from remit.server.principal import Principal

_TOKEN_BYTES = 24  # 192 bits: never guessed within its minutes


@dataclass(slots=True)
class OneTimeLink:
    """A token that signs one browser in, once, within its time. Only its hash is kept."""

    person: str
    """Who sits at the terminal, as `local:ann`."""
    link_s: int
    now_ms: Callable[[], int]
    _hash: bytes = b""
    _until_ms: int = 0

    def make(self) -> str:
        """A new token, in place of any before."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._hash = hashlib.sha256(token.encode()).digest()
        self._until_ms = self.now_ms() + self.link_s * 1000
        return token

    def take(self, token: str) -> Principal | None:
        """Who started the server, for the first who shows the token; None for any other."""
        given = hashlib.sha256(token.encode()).digest()
        fits = hmac.compare_digest(given, self._hash) and self.now_ms() < self._until_ms
        if not fits:
            return None
        self._hash = b""
        return who_started(self.person)
