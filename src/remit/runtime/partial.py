"""What was streamed so far of one model call: text by part, readable from any offset, bounded."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

DeltaKind = Literal["text", "thinking", "call"]

# Of one call. A longest answer of today, 128,000 tokens, is half of it; what is longer reaches
# its readers whole, with the event.
MAX_CALL_CHARS = 1024 * 1024
# An answer comes in ten thousands of pieces: they are put together when so many lie apart, which
# copies each character some hundred times at most and keeps a piece's overhead small.
_APART = 256


@dataclass(slots=True)
class PartialPart:
    """One part of an answer on its way."""

    kind: DeltaKind
    length: int = 0
    _pieces: list[str] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    def add(self, text: str) -> None:
        """The part grew by `text`."""
        if len(self._pieces) >= _APART:
            self._pieces, self._starts = ["".join(self._pieces)], [0]
        self._starts.append(self.length)
        self._pieces.append(text)
        self.length += len(text)

    def since(self, offset: int) -> str:
        """The text from `offset` on; the piece itself where exactly the last one is asked for."""
        if offset >= self.length:
            return ""
        at = bisect_right(self._starts, offset) - 1
        first = self._pieces[at][offset - self._starts[at] :]
        return "".join((first, *self._pieces[at + 1 :]))


@dataclass(slots=True)
class Partial:
    """One attempt of one model call. `cut`: it grew too long, nothing of it is kept any more."""

    run: str
    call: str
    attempt: int
    chars: int = 0
    cut: bool = False
    parts: dict[int, PartialPart] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from all others of its tree."""
        return (self.run, self.call, self.attempt)

    def add(self, part: int, kind: DeltaKind, text: str) -> None:
        """A piece came."""
        if part not in self.parts:
            self.parts[part] = PartialPart(kind)
        self.parts[part].add(text)
        self.chars += len(text)

    def drop(self) -> None:
        """Keep nothing of it."""
        self.parts.clear()
        self.chars = 0
        self.cut = True
