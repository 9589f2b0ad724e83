"""Who shows a key or a cookie: looked up in the books, and remembered for two seconds at most.

So a key that another process revoked, and a user who was barred there, is let in for two seconds
more; in this process it is over at once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from remit.app.app import App
from remit.errors import StoreError
from remit.projections.access import KeyState, SessionState, UserState
from remit.server.aged import Aged
from remit.server.principal import EVERYWHERE, Principal
from remit.server.settings import ServerSettings
from remit.values.role import ROLES

MAX_AGE_MS = 2_000
_MOST = 10_000  # keys, sessions and users at one time; more are read again
_TOKEN_BYTES = 32
_DAY_MS = 86_400_000
_SECOND_MS = 1_000
_RENEWALS = 8  # cookies in one idle time: its end is exact to an eighth
_COOKIE_KEY = b"remit-console-cookie-1"
_CSRF = b"csrf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in in a browser."""

    principal: Principal
    csrf: str
    """What a request that changes something must show."""
    renewed: str = ""
    """The cookie to set now, so that who goes on is not idle."""


@dataclass(slots=True)
class Identity:
    """Knows principals by what they show."""

    app: App
    settings: ServerSettings
    now_ms: Callable[[], int]
    _keys: Aged[str, tuple[str, KeyState]] = field(init=False)
    _sessions: Aged[str, SessionState] = field(init=False)
    _users: Aged[str, UserState] = field(init=False)
    _passwords: Aged[str, bool] = field(init=False)

    def __post_init__(self) -> None:
        """Begin without memories."""
        self.forget()

    def forget(self) -> None:
        """Look everything up again: keys or users were changed here."""
        self._keys = Aged(MAX_AGE_MS, _MOST, self.now_ms)
        self._sessions = Aged(MAX_AGE_MS, _MOST, self.now_ms)
        self._users = Aged(MAX_AGE_MS, _MOST, self.now_ms)
        self._passwords = Aged(MAX_AGE_MS, 1, self.now_ms)

    async def passwords(self) -> bool:
        """Whether anybody could sign in with a password; asked by strangers, so remembered."""
        known = self._passwords.get("")
        if known is None:
            known = any(each.hash for each in await self.app.access.users())
            self._passwords.put("", known)
        return known

    # ------------------------------------------------------------ keys

    async def by_key(self, token: str) -> Principal | None:
        """Who has this key; None where it opens nothing."""
        name = _hash(token)
        known = self._keys.get(name)
        if known is None:
            known = await self.app.access.show_key(token)
            if known is None:
                return None
            self._keys.put(name, known)
        tenant, key = known
        if not key.opens(self.now_ms()):
            return None
        if key.used_ms is None or key.used_ms // _DAY_MS < self.now_ms() // _DAY_MS:
            with suppress(StoreError):  # the day's note is not worth a request
                await self.app.access.note_use(tenant, key.key)
                self._keys.drop(name)
        return key_principal(tenant, key)

    # ------------------------------------------------------------ browsers

    async def begin(self, principal: Principal, how: Literal["link", "password"]) -> str:
        """Sign somebody in; the cookie, whose token is always a new one."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        until_ms = self.now_ms() + self.settings.sign_in_s * _SECOND_MS
        await self.app.sign_ins.open(token, principal.name, how=how, until_ms=until_ms)
        return self._cookie(token)

    async def by_cookie(self, cookie: str) -> Session | None:
        """The session of a cookie; None where it is over, or never was."""
        token, seen_s = self._opened(cookie)
        now_ms = self.now_ms()
        idle_s = now_ms // _SECOND_MS - seen_s
        if not token or idle_s >= self.settings.idle_s:
            return None
        name = _hash(token)
        state = self._sessions.get(name)
        if state is None:
            state = await self.app.sign_ins.find(token)
            if state is None:
                return None
            self._sessions.put(name, state)
        principal = None if state.ended or now_ms >= state.until_ms else await self._person(state)
        if principal is None:
            return None
        renew = idle_s >= self.settings.idle_s // _RENEWALS
        return Session(
            principal=principal,
            csrf=hmac.new(token.encode(), _CSRF, hashlib.sha256).hexdigest(),
            renewed=self._cookie(token) if renew else "",
        )

    async def end(self, cookie: str, principal: str) -> None:
        """Sign out: every copy of the cookie is of no use any more."""
        token, _ = self._opened(cookie)
        if token:
            await self.app.sign_ins.end(token, principal)
            self._sessions.drop(_hash(token))

    async def _person(self, state: SessionState) -> Principal | None:
        if state.how == "link":
            return who_started(state.principal)
        user = self._users.get(state.principal)
        if user is None:
            user = await self.app.access.user(state.principal)
            if user is None:
                return None
            self._users.put(state.principal, user)
        if user.barred or user.hash_ms > state.since_ms:
            return None
        return user_principal(user)

    # ------------------------------------------------------------ cookies

    def _cookie(self, token: str) -> str:
        """The token and when it was seen, which nobody can put forward."""
        seen = f"{token}.{self.now_ms() // _SECOND_MS}"
        return f"{seen}.{self._mac(seen)}"

    def _opened(self, cookie: str) -> tuple[str, int]:
        """The token of a cookie and when it was seen; empty where it is none of ours."""
        seen, _, mac = cookie.rpartition(".")
        token, _, seconds = seen.partition(".")
        if not hmac.compare_digest(self._mac(seen).encode(), mac.encode()):
            return "", 0
        return token, int(seconds)

    def _mac(self, text: str) -> str:
        # The key of answer links is not the one that auditors hold.
        key = hmac.new(self.app.answers.key, _COOKIE_KEY, hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def key_principal(tenant: str, key: KeyState) -> Principal:
    """The program that has a key; its name tells which key it is."""
    return Principal(
        name=f"key:{key.name}-{key.key[-6:]}",
        person=key.person,
        grants={tenant: frozenset(key.roles)},
        how="key",
    )


def user_principal(user: UserState) -> Principal:
    """The user as they may act now."""
    grants = {tenant: frozenset(roles) for tenant, roles in user.grants.items()}
    return Principal(name=user.user, person=user.user, grants=grants, how="password")


def who_started(person: str) -> Principal:
    """Whoever started the server may do everything: the journal's keys are theirs."""
    grants = {EVERYWHERE: frozenset(ROLES)}
    return Principal(name=person, person=person, grants=grants, how="link")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
