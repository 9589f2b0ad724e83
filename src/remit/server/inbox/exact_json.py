"""JSON as it was written: order, digits and names that stand twice are kept; nothing hides."""

import json
from dataclasses import dataclass
from typing import NoReturn, cast

from remit.errors import ArgumentError

_MAX_DEPTH = 64  # as in schemas: what is deeper no person reads
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A number with the digits it came with."""

    text: str


@dataclass(frozen=True, slots=True)
class Members:
    """An object; a name may stand twice."""

    pairs: tuple[tuple[str, object], ...]

    @property
    def named(self) -> dict[str, object]:
        """By name; of two of one name the last, as parsers take it."""
        return dict(self.pairs)

    @property
    def twice(self) -> bool:
        """A name stands twice: what a person reads and what a program takes may differ."""
        return len(self.named) != len(self.pairs)


def parse(text: str) -> object:
    """The value of JSON text. Raises `ArgumentError`."""

    def refuse(word: str) -> NoReturn:
        raise ArgumentError(f"{word} is no JSON number")

    try:
        return json.loads(
            text,
            parse_int=Lexeme,
            parse_float=Lexeme,
            parse_constant=refuse,
            object_pairs_hook=lambda pairs: Members(tuple(pairs)),
        )
    except (ValueError, RecursionError) as exc:
        raise ArgumentError(f"not JSON: {exc}") from exc


def dump(value: object) -> str:
    """JSON text without spaces. Raises `ArgumentError` for what is nested too deep."""
    return _write(value, "", 0, ":", "")


def indented(value: object) -> str:
    """JSON text for people, one member a line."""
    return _write(value, "\n", 0, ": ", _INDENT)


def _write(value: object, newline: str, depth: int, colon: str, indent: str) -> str:
    if depth > _MAX_DEPTH:
        raise ArgumentError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, Lexeme):
        return value.text
    if isinstance(value, Members):
        inner = [
            f"{json.dumps(name, ensure_ascii=False)}{colon}"
            f"{_write(each, newline, depth + 1, colon, indent)}"
            for name, each in value.pairs
        ]
        return _block("{", inner, "}", newline, depth, indent)
    if isinstance(value, list):
        items = cast("list[object]", value)
        inner = [_write(each, newline, depth + 1, colon, indent) for each in items]
        return _block("[", inner, "]", newline, depth, indent)
    return json.dumps(value, ensure_ascii=False)


def _block(begin: str, inner: list[str], end: str, newline: str, depth: int, indent: str) -> str:
    if not inner:
        return begin + end
    start = f"{newline}{indent * (depth + 1)}"
    return f"{begin}{start}{f',{start}'.join(inner)}{newline}{indent * depth}{end}"
