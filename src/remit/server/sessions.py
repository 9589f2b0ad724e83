"""Console sign-ins: an opaque cookie names a session that ends with time or by signing out."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from starlette.requests import Request
from starlette.responses import Response

from remit.server.principal import Principal
from remit.server.settings import ServerSettings

_TOKEN_BYTES = 32
_MOST = 10_000  # sessions of one process; of more the oldest end
_CSRF = b"csrf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in in a browser."""

    principal: Principal
    csrf: str
    """What a request that changes something must show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    principal: Principal
    until_ms: int
    seen_ms: int


@dataclass(slots=True)
class Sessions:
    """The sign-ins of this process; only hashes of their tokens are kept."""

    settings: ServerSettings
    now_ms: Callable[[], int]
    _known: OrderedDict[str, _Known] = field(default_factory=OrderedDict)

    async def begin(self, principal: Principal) -> str:
        """Sign somebody in; the token for their cookie, which is always a new one."""
        token, now_ms = secrets.token_urlsafe(_TOKEN_BYTES), self.now_ms()
        until_ms = now_ms + self.settings.sign_in_s * 1000
        self._known[_hash(token)] = _Known(principal=principal, until_ms=until_ms, seen_ms=now_ms)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return token

    async def find(self, token: str) -> Session | None:
        """The session of a token; None where there is none any more."""
        name, now_ms = _hash(token), self.now_ms()
        known = self._known.get(name)
        if known is None:
            return None
        idle_ms = self.settings.idle_s * 1000
        if now_ms >= known.until_ms or now_ms - known.seen_ms >= idle_ms:
            del self._known[name]
            return None
        self._known[name] = replace(known, seen_ms=now_ms)
        return Session(principal=known.principal, csrf=csrf_of(token))

    async def end(self, token: str) -> None:
        """Sign out."""
        self._known.pop(_hash(token), None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """What only a page of the same session can know."""
    return hmac.new(token.encode(), _CSRF, hashlib.sha256).hexdigest()


# ---------------------------------------------------------------- the cookie


def _is_https(request: Request, settings: ServerSettings) -> bool:
    return settings.https or request.url.scheme == "https"


def cookie_name(request: Request, settings: ServerSettings) -> str:
    """`__Host-` binds a cookie to this host (RFC 6265bis), and wants https.

    Ports share cookies, so that of a local server bears its port.
    """
    if _is_https(request, settings):
        return "__Host-remit"
    return f"remit-{request.url.port or 80}"


def set_cookie(response: Response, request: Request, settings: ServerSettings, token: str) -> None:
    """Give the token to the browser; no script can read it, no other site makes it be sent."""
    response.set_cookie(
        cookie_name(request, settings),
        token,
        max_age=settings.sign_in_s,
        path="/",
        secure=_is_https(request, settings),
        httponly=True,
        samesite="lax",  # strict would sign people out of links in mails and chats
    )


def drop_cookie(response: Response, request: Request, settings: ServerSettings) -> None:
    """Take it back."""
    response.delete_cookie(
        cookie_name(request, settings),
        path="/",
        secure=_is_https(request, settings),
        httponly=True,
        samesite="lax",
    )
