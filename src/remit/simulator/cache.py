"""The provider's prompt cache: prefixes marked for caching, found again by their bytes."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from remit.simulator.compose import BYTES_PER_TOKEN, tokens

LIFETIME_S = 300.0  # the real cache's five minutes, renewed by every use
LOOK_BACK = 20  # blocks before a breakpoint in which the real cache looks for an older entry
# A large image costs about so many tokens with every provider (Anthropic: width x height / 750).
_MEDIA_BYTES = 1500 * BYTES_PER_TOKEN
# Base 64 of an image or document that is longer, as the four protocols carry it.
_MEDIA = re.compile(rb'(?:;base64,|"data":")([A-Za-z0-9+/]{%d,}={0,2})"' % _MEDIA_BYTES)
_MAX_ENTRIES = 10_000  # 32-byte digests: the bound keeps a server that runs for weeks small


@dataclass(frozen=True, slots=True)
class Segment:
    """A block of a prompt, in the order the model reads them."""

    content: bytes
    is_breakpoint: bool = False


def weight(content: bytes) -> int:
    """The bytes that a block counts as: an image is scaled down, however large its file is."""
    return len(content) - sum(len(found[1]) - _MEDIA_BYTES for found in _MEDIA.finditer(content))


@dataclass(frozen=True, slots=True)
class Counted:
    """Input tokens of a prompt, and how many of them came from the cache or went into it."""

    total: int
    read: int
    written: int


class PromptCache:
    """Remembers marked prefixes for a while."""

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, float] = OrderedDict()

    def count(self, segments: Sequence[Segment], *, min_tokens: int, now_s: float) -> Counted:
        """Count a prompt, use what is cached of it, and keep what is marked.

        `now_s` comes from a clock that never goes back.
        """
        digest = hashlib.sha256()
        prefixes: list[tuple[bytes, int]] = []
        size = 0
        for segment in segments:
            digest.update(len(segment.content).to_bytes(8, "big") + segment.content)
            size += weight(segment.content)
            prefixes.append((digest.digest(), tokens(size)))
        marks = [
            place
            for place, segment in enumerate(segments)
            if segment.is_breakpoint and prefixes[place][1] >= min_tokens
        ]
        read = max((self._find(prefixes, mark, now_s) for mark in marks), default=0)
        kept = prefixes[marks[-1]][1] if marks else 0
        for mark in marks:
            self._keep(prefixes[mark][0], now_s)
        return Counted(tokens(size), read, max(0, kept - read))

    def _find(self, prefixes: list[tuple[bytes, int]], mark: int, now_s: float) -> int:
        """Tokens of the longest cached prefix that ends at a breakpoint or shortly before."""
        for place in range(mark, max(-1, mark - LOOK_BACK - 1), -1):
            key, count = prefixes[place]
            if self._entries.get(key, -LIFETIME_S) + LIFETIME_S > now_s:
                self._keep(key, now_s)
                return count
        return 0

    def _keep(self, key: bytes, now_s: float) -> None:
        self._entries[key] = now_s
        self._entries.move_to_end(key)
        if len(self._entries) > _MAX_ENTRIES:
            self._entries.popitem(last=False)
