"""Keys, users and sessions stand as the facts in their books say."""

import pytest

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
from remit.journal.facts_of_access import RoleGrant
from remit.projections.access import key_of, session_of, user_of

ISSUED = KeyIssued(key="K", name="ci", digest="d", roles=("viewer",), until_ms=50, principal="ann")


def dated(*events: Event) -> list[tuple[int, Event]]:
    return [(number, event) for number, event in enumerate(events, start=1)]


def test_a_key_is_issued_used_and_revoked() -> None:
    issued = key_of(dated(ISSUED))
    assert issued is not None
    assert issued.opens(49)
    assert not issued.opens(50)
    assert (issued.made_ms, issued.made_by, issued.used_ms) == (1, "ann", None)
    used = key_of(dated(ISSUED, KeyUsed(key="K")))
    assert used is not None
    assert used.used_ms == 2
    over = key_of(dated(ISSUED, KeyUsed(key="K"), KeyRevoked(key="K", principal="bob")))
    assert over is not None
    assert not over.opens(3)
    assert (over.revoked_ms, over.used_ms) == (3, 2)


def test_a_key_without_an_end_opens_for_ever() -> None:
    found = key_of(dated(ISSUED.model_copy(update={"until_ms": None})))
    assert found is not None
    assert found.opens(10**15)


def test_a_user_has_the_last_grants_and_the_last_password() -> None:
    one = UserGranted(
        user="ann", grants=(RoleGrant(tenant="a", roles=("viewer",)),), principal="root"
    )
    two = UserGranted(
        user="ann", grants=(RoleGrant(tenant="b", roles=("admin",)),), principal="root"
    )
    secret = PasswordSet(user="ann", hash="h", principal="root")
    off = UserBarred(user="ann", barred=True, principal="root")
    found = user_of(dated(one, secret, two, off))
    assert found is not None
    assert found.grants == {"b": ("admin",)}
    assert (found.hash, found.hash_ms, found.barred, found.made_ms) == ("h", 2, True, 1)
    on = user_of(dated(one, off, off.model_copy(update={"barred": False})))
    assert on is not None
    assert not on.barred


def test_a_session_opens_and_ends() -> None:
    opened = SessionOpened(session="s", principal="ann", how="link", until_ms=9)
    found = session_of(dated(opened))
    assert found is not None
    assert (found.principal, found.how, found.since_ms, found.until_ms) == ("ann", "link", 1, 9)
    ended = session_of(dated(opened, SessionEnded(session="s", principal="ann")))
    assert ended is not None
    assert ended.ended


@pytest.mark.parametrize(
    "event",
    [
        KeyUsed(key="K"),
        KeyRevoked(key="K", principal="x"),
        PasswordSet(user="u", hash="h", principal="x"),
        UserBarred(user="u", barred=True, principal="x"),
        SessionEnded(session="s", principal="x"),
    ],
    ids=lambda event: event.type,
)
def test_what_never_began_is_nothing(event: Event) -> None:
    assert key_of(dated(event)) is None
    assert user_of(dated(event)) is None
    assert session_of(dated(event)) is None
