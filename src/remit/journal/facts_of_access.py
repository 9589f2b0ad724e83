"""Facts about who may use the server: API keys, users, passwords, sign-ins. Hashes, never secrets.

They stand in books: a key's in the tenant whose key it is, a user's and a session's in `*`.
"""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.clean import Clean
from remit.values.role import Role
from remit.values.tag import tag


class RoleGrant(Fact):
    """What somebody may do in a tenant; `*` is every tenant."""

    tenant: str
    roles: tuple[Role, ...]


class KeyIssued(Fact):
    """An API key exists from now on."""

    type: Literal["KeyIssued"] = tag("KeyIssued")
    key: str
    name: str
    digest: str
    """SHA-256 of its secret, in hex: 256 random bits need no slower hash."""
    roles: tuple[Role, ...]
    person: str = ""
    """The human in whose name it approves and answers."""
    until_ms: int | None = None
    principal: str


class KeyUsed(Fact):
    """The key was shown on the day of this record; told once a day."""

    type: Literal["KeyUsed"] = tag("KeyUsed")
    key: str


class KeyRevoked(Fact):
    """The key opens nothing any more."""

    type: Literal["KeyRevoked"] = tag("KeyRevoked")
    key: str
    principal: str
    reason: Clean = Clean("")


class UserGranted(Fact):
    """A user of the console has these roles now, in place of any before."""

    type: Literal["UserGranted"] = tag("UserGranted")
    user: str
    grants: tuple[RoleGrant, ...]
    principal: str


class PasswordSet(Fact):
    """A user has another password; sign-ins before are over."""

    type: Literal["PasswordSet"] = tag("PasswordSet")
    user: str
    hash: str
    """Argon2id with its parameters and salt, in the PHC string format."""
    principal: str


class UserBarred(Fact):
    """A user may not sign in any more, or again."""

    type: Literal["UserBarred"] = tag("UserBarred")
    user: str
    barred: bool
    principal: str
    reason: Clean = Clean("")


class SessionOpened(Fact):
    """Somebody signed in in a browser."""

    type: Literal["SessionOpened"] = tag("SessionOpened")
    session: str
    """The beginning of the SHA-256 of the cookie's token, in hex."""
    principal: str
    how: Literal["link", "password"]
    until_ms: int


class SessionEnded(Fact):
    """A sign-in was ended before its time."""

    type: Literal["SessionEnded"] = tag("SessionEnded")
    session: str
    principal: str
