"""A preview drawn as the signed lines that people read; what is compared is clean beforehand."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from remit.values.clean import Clean
from remit.values.preview import Change, Preview, Previewed
from remit.values.visible import visible

# Longer contents are told by size and digest: cleaning a megabyte takes a second where only the
# slow engine is there, and nobody reads it line by line.
_SIDE_CHARS = 256 * 1024
_ALL_CHARS = 2 * 1024 * 1024
# Comparing takes time with the square of the lines: two thousand together take up to 0.02 s.
# What differs by more is shown as all of the old and all of the new.
_COMPARED = 2_000
# What an event carries: several screens. The rest is kept beside the journal.
MAX_LINES = 400
MAX_CHARS = 16_000
MAX_LINE = 500
_SIDES = ("before", "after")

_Token = tuple[str, bool]
"""A line, and whether it has an end."""


@dataclass(slots=True)
class Drawing:
    """The lines of a preview while they are drawn."""

    clean: Callable[[str], Clean]
    lines: list[str] = field(default_factory=list)
    added: int = 0
    cut: int = 0
    _chars: int = _ALL_CHARS
    _compared: int = _COMPARED
    _bound: list[object] = field(default_factory=list)

    @property
    def binding(self) -> str:
        """Digest of all that is shown, before any of it was made visible or cut."""
        tree = json.dumps(self._bound, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(tree.encode()).hexdigest()[:32]

    def note(self, text: str) -> None:
        """Words of the tool."""
        said = self.clean(text)
        self._bound.append(said)
        if said:
            self.lines += [f" {visible(line)}" for line in said.rstrip("\n").split("\n")]

    def change(self, change: Change) -> None:
        """One thing before and after."""
        name = self.clean(change.name)
        sides = [self._side(change.before), self._side(change.after)]
        self._bound.append([name, *sides, change.around])
        head = f"@ {visible(name).replace(chr(10), ' ')}"
        if None in (change.before, change.after):
            head += " (new)" if change.before is None else " (goes)"
        self.lines.append(head)
        if isinstance(sides[0], dict) or isinstance(sides[1], dict):
            pairs = zip(_SIDES, sides, strict=True)
            self.lines += [f"@ {side}: {_told(value)}" for side, value in pairs]
        if sides[0] == sides[1]:
            self.lines.append("@ the content stays")
            return
        before, after = (_tokens(each if isinstance(each, str) else "") for each in sides)
        self._compare(before, after, change.around)

    def _side(self, side: str | bytes | None) -> Clean | dict[str, object] | None:
        """Clean text; size and digest of what is no text, or too long."""
        if side is None:
            return None
        text = side if isinstance(side, str) else _decoded(side)
        if text is not None and len(text) <= min(_SIDE_CHARS, self._chars):
            self._chars -= len(text)
            return self.clean(text)
        raw = side if isinstance(side, bytes) else side.encode(errors="surrogatepass")
        why = "not text" if text is None else "too long to be shown"
        return {"why": why, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}

    def _compare(self, before: list[_Token], after: list[_Token], around: int) -> None:
        """Unified hunks; a common beginning and end are not compared."""
        same = min(len(before), len(after))
        first = next((i for i in range(same) if before[i] != after[i]), same)
        last = next((i for i in range(same - first) if before[-1 - i] != after[-1 - i]), None)
        tail = same - first if last is None else last
        start, stop = max(0, first - around), max(0, tail - around)
        old, new = before[start : len(before) - stop], after[start : len(after) - stop]
        for group in self._groups(old, new, around):
            (_, top, _, up, _), (_, _, low, _, down) = group[0], group[-1]
            ranges = _range(start + top, low - top), _range(start + up, down - up)
            self.lines.append(f"@@ -{ranges[0]} +{ranges[1]} @@")
            for tag, i, j, k, m in group:
                if tag == "equal":
                    self._put(" ", new[k:m])
                    continue
                self.cut += self._put("-", old[i:j])
                self.added += self._put("+", new[k:m])

    def _groups(
        self, old: list[_Token], new: list[_Token], around: int
    ) -> Iterator[list[tuple[str, int, int, int, int]]]:
        weight = len(old) + len(new)
        if weight > self._compared:
            yield [("replace", 0, len(old), 0, len(new))]
            return
        self._compared -= weight
        for group in SequenceMatcher(None, old, new).get_grouped_opcodes(around):
            yield list(group)

    def _put(self, sign: str, tokens: Sequence[_Token]) -> int:
        for text, ended in tokens:
            self.lines.append(f"{sign}{visible(text)}")
            if not ended:
                self.lines.append("@ no line end at the end of the file")
        return len(tokens)


def _decoded(side: bytes) -> str | None:
    """The text that bytes are; None where they are none."""
    if b"\0" in side:
        return None
    try:
        return side.decode()
    except UnicodeDecodeError:
        return None


def _tokens(text: str) -> list[_Token]:
    lines = text.split("\n")
    found = [(line, True) for line in lines[:-1]]
    return [*found, (lines[-1], False)] if lines[-1] else found


def _told(side: Clean | dict[str, object] | None) -> str:
    if side is None:
        return "nothing"
    if isinstance(side, str):
        return f"text, {len(side):,} characters"
    return f"{side['why']}, {side['bytes']:,} bytes, SHA-256 {side['sha256']}"


def _range(start: int, length: int) -> str:
    """Line numbers as `diff -u` writes them."""
    begin = start + 1 if length else start
    return str(begin) if length == 1 else f"{begin},{length}"


def drawn(preview: Preview, clean: Callable[[str], Clean]) -> Drawing:
    """The lines of a preview; `clean` takes secrets out of each whole text before it is compared.

    Raises `ToolError` for a preview that cannot be shown.
    """
    preview.check()
    drawing = Drawing(clean)
    drawing.note(preview.note)
    for change in preview.changes:
        drawing.change(change)
    return drawing


def kept(drawing: Drawing) -> tuple[Previewed, bytes]:
    """What an event carries, and the whole text for beside the journal (empty: nothing is cut)."""
    lines: list[str] = []
    left = MAX_CHARS
    for line in drawing.lines[:MAX_LINES]:
        part = line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"
        if len(part) > left:
            break
        left -= len(part) + 1
        lines.append(part)
    text = Clean.vouch("\n".join(lines))
    found = Previewed(text=text, lines=len(drawing.lines), added=drawing.added, cut=drawing.cut)
    if lines == drawing.lines:
        return found, b""
    whole = "\n".join(drawing.lines).encode()
    named = {"artifact": hashlib.sha256(whole).hexdigest(), "artifact_bytes": len(whole)}
    return found.model_copy(update=named), whole
