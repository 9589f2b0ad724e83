"""What a call would do, told before anybody agrees: what a tool says of it, and what is kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, cast

from pydantic import BaseModel, ConfigDict

from remit.errors import ToolError
from remit.values.clean import Clean

Sign = Literal["add", "cut", "same", "place"]
SIGNS: Mapping[str, Sign] = {"+": "add", "-": "cut", " ": "same", "@": "place"}
MAX_CHANGES = 5_000
"""Things that one call may change and a person still be asked about: far more than one looks at."""
_WHOLE = 1_000  # lines of a record around a change: all of any record


@dataclass(frozen=True, slots=True)
class Change:
    """One thing before and after; None: it is not there."""

    name: str
    before: str | bytes | None
    after: str | bytes | None
    around: int = 3
    """Lines shown around a change, as `diff -u` has."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a call would do, as its tool tells it: words, and things before and after.

    Nothing of it is markup: control characters, escapes and characters that turn the direction of
    writing are shown by their codes, secrets as placeholders.
    """

    note: str = ""
    changes: tuple[Change, ...] = ()

    @classmethod
    def text(cls, text: str) -> Self:
        """In words alone."""
        return cls(note=text)

    @classmethod
    def files(
        cls, files: Mapping[str, tuple[str | bytes | None, str | bytes | None]], *, note: str = ""
    ) -> Self:
        """Whole contents before and after, by path; None where there is no file."""
        return cls(note, tuple(Change(name, *sides) for name, sides in files.items()))

    @classmethod
    def record(
        cls,
        name: str,
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
        *,
        note: str = "",
    ) -> Self:
        """The fields of a record before and after; None where there is no record."""
        return cls(note, (Change(name, _fields(before), _fields(after), _WHOLE),))

    def check(self) -> None:
        """Raise `ToolError` for what is none of these types, or more than anybody could look at."""
        if not (self.note or self.changes):
            raise ToolError("its preview is empty")
        if len(self.changes) > MAX_CHANGES:
            many = f"it would change {len(self.changes)} things; {MAX_CHANGES} are the most"
            raise ToolError(many)
        texts = [(self.note, str), *((each.name, str) for each in self.changes)]
        sides = [(side, str | bytes | None) for c in self.changes for side in (c.before, c.after)]
        for value, kind in (*texts, *sides):
            if not isinstance(value, kind):
                raise ToolError(f"its preview holds {type(value).__name__} where text belongs")


def _fields(record: Mapping[str, object] | None) -> str | None:
    """A field a line; a value that could look like more than one is written as JSON."""
    if record is None:
        return None
    return "".join(f"{_word(name)}: {_word(value)}\n" for name, value in record.items())


def _word(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable() and value == value.strip()
    return cast("str", value) if plain else json.dumps(value, ensure_ascii=False, default=str)


class Previewed(BaseModel):
    """What people are shown of a call, as it is journalled. Empty `text`: nothing would change.

    Each line stands after its sign: `+` added, `-` taken away, a space for what stays, `@` for a
    place (a file, a record, line numbers) and what is said about it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Clean
    lines: int
    """Of the whole; `text` has the first of them."""
    added: int = 0
    cut: int = 0
    artifact: str = ""
    """Digest of the whole, where `text` is not all of it."""
    artifact_bytes: int = 0

    @property
    def shown(self) -> tuple[str, ...]:
        """The lines that `text` has."""
        return tuple(self.text.split("\n")) if self.text else ()

    @property
    def missing(self) -> str:
        """What `text` leaves out, in words; empty where it is the whole."""
        if not self.artifact:
            return ""
        more = self.lines - len(self.shown)
        what = f"{more:,} more lines" if more else "the ends of long lines"
        return f"cut, {what}; whole in the artifact {self.artifact[:16]}"

    @property
    def sums(self) -> str:
        """How much changes: `+12 -3`."""
        return f"+{self.added:,} -{self.cut:,}"


def signed(line: str) -> tuple[Sign, str]:
    """The sign of a line and what stands after it; of line numbers all of it."""
    sign = SIGNS.get(line[:1], "place")
    if sign == "place":
        return sign, line if line.startswith("@@") else line[1:].lstrip(" ")
    return sign, line[1:]
