"""What the facts about access come to: a key, a user, a session as they stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from remit.journal.events import (
    Event,
    KeyIssued,
    KeyRevoked,
    KeyUsed,
    PasswordSet,
    SessionEnded,
    SessionOpened,
    UserBarred,
    UserGranted,
)
from remit.values.role import Role

Dated = tuple[int, Event]
"""When it was entered (Unix, ms), and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """An API key."""

    key: str
    name: str
    digest: str
    roles: tuple[Role, ...]
    person: str
    until_ms: int | None
    made_ms: int
    made_by: str
    used_ms: int | None = None
    """When it was last shown, to the day."""
    revoked_ms: int | None = None

    def opens(self, now_ms: int) -> bool:
        """It is neither revoked nor too old."""
        return self.revoked_ms is None and (self.until_ms is None or now_ms < self.until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserState:
    """A user of the console."""

    user: str
    grants: Mapping[str, tuple[Role, ...]] = field(default_factory=dict)
    hash: str = ""
    """Of the password; empty: they cannot sign in with one."""
    hash_ms: int = 0
    """When it was set: sign-ins before count no more."""
    barred: bool = False
    made_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A sign-in."""

    principal: str
    how: str
    since_ms: int
    until_ms: int
    ended: bool = False


def key_of(dated: Iterable[Dated]) -> KeyState | None:
    """The key of a book; None where it tells of none."""
    found: KeyState | None = None
    for time_ms, event in dated:
        if isinstance(event, KeyIssued):
            found = KeyState(
                key=event.key,
                name=event.name,
                digest=event.digest,
                roles=event.roles,
                person=event.person,
                until_ms=event.until_ms,
                made_ms=time_ms,
                made_by=event.principal,
            )
        elif found is not None and isinstance(event, KeyUsed):
            found = replace(found, used_ms=time_ms)
        elif found is not None and isinstance(event, KeyRevoked):
            found = replace(found, revoked_ms=time_ms)
    return found


def user_of(dated: Iterable[Dated]) -> UserState | None:
    """The user of a book; None where nobody was granted anything."""
    found: UserState | None = None
    for time_ms, event in dated:
        if isinstance(event, UserGranted):
            known = found or UserState(user=event.user, made_ms=time_ms)
            found = replace(known, grants={each.tenant: each.roles for each in event.grants})
        elif found is not None and isinstance(event, PasswordSet):
            found = replace(found, hash=event.hash, hash_ms=time_ms)
        elif found is not None and isinstance(event, UserBarred):
            found = replace(found, barred=event.barred)
    return found


def session_of(dated: Iterable[Dated]) -> SessionState | None:
    """The session of a book; None where nobody signed in."""
    found: SessionState | None = None
    for time_ms, event in dated:
        if isinstance(event, SessionOpened):
            found = SessionState(
                principal=event.principal,
                how=event.how,
                since_ms=time_ms,
                until_ms=event.until_ms,
            )
        elif found is not None and isinstance(event, SessionEnded):
            found = replace(found, ended=True)
    return found
