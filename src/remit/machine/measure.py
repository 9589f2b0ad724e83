"""How many tokens a conversation may be at most, and the rolling digest over it."""

import hashlib
from collections.abc import Iterable

from remit.values.bound import MESSAGE_FRAME, part_bound
from remit.values.message import Message, Part, Role


def bound_of(parts: Iterable[Part]) -> int:
    """Upper bound of the tokens of these parts, as one more message."""
    return MESSAGE_FRAME + sum(part_bound(part) for part in parts)


def roll(digest: bytes, role: Role, parts: Iterable[Part]) -> bytes:
    """The digest of a conversation that goes on with these parts."""
    rolled = hashlib.sha256(digest)
    rolled.update(role.encode())
    for part in parts:
        rolled.update(part.model_dump_json().encode())
    return rolled.digest()


def measured(messages: Iterable[Message]) -> tuple[bytes, int]:
    """Digest and bound of a whole conversation."""
    digest, size = b"", 0
    for message in messages:
        digest = roll(digest, message.role, message.parts)
        size += bound_of(message.parts)
    return digest, size
