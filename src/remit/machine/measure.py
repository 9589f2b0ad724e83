"""How many bytes of a conversation reach the model, and the rolling digest over it."""

import hashlib
from collections.abc import Iterable

from remit.values.message import CallPart, Message, Part, ResultPart, Role, TextPart, ThinkingPart


def part_bytes(part: Part) -> int:
    """UTF-8 bytes of a part that reach the model."""
    match part:
        case TextPart(text=text):
            return len(text.encode())
        case ThinkingPart():
            return sum(len(each.encode()) for each in (part.text, part.signature, part.redacted))
        case CallPart():
            return sum(len(each.encode()) for each in (part.arguments, part.tool, part.provider_id))
        case ResultPart():
            return sum(len(each.encode()) for each in (part.text, part.tool, part.provider_id))


FRAME_BYTES = 32
"""For what a provider puts around a message's part or a tool, in tokens at most."""


def bytes_of(parts: Iterable[Part]) -> int:
    """UTF-8 bytes of these parts with their frames: an upper bound of their tokens."""
    return sum(part_bytes(part) + FRAME_BYTES for part in parts)


def roll(digest: bytes, role: Role, parts: Iterable[Part]) -> bytes:
    """The digest of a conversation that goes on with these parts."""
    rolled = hashlib.sha256(digest)
    rolled.update(role.encode())
    for part in parts:
        rolled.update(part.model_dump_json().encode())
    return rolled.digest()


def measured(messages: Iterable[Message]) -> tuple[bytes, int]:
    """Digest and bytes of a whole conversation."""
    digest, size = b"", 0
    for message in messages:
        digest = roll(digest, message.role, message.parts)
        size += bytes_of(message.parts)
    return digest, size
