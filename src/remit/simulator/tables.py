"""Tables of a scenario, whatever it is written in: typed members, mistakes with their place."""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from remit.errors import ConfigError
from remit.simulator.template import names
from remit.wire.jsontext import Json, Number

_Word = TypeVar("_Word")

Path = tuple[str | int, ...]
"""Keys and positions that lead to a table."""


class Places(Protocol):
    """Where things stand in a text."""

    def line(self, path: Path, key: str) -> int:
        """The line of a key, from 1; 0 if it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A text that was read: what it is called, and where its keys stand."""

    name: str
    places: Places


class Table:
    """A table at a place in a file; every reading method raises `ConfigError`."""

    def __init__(self, members: dict[str, object], source: Source, path: Path) -> None:
        self.members = members
        self._source = source
        self._path = path

    def error(self, key: str, message: str) -> ConfigError:
        """An error about a key."""
        line = self._source.places.line(self._path, key)
        place = f"{self._source.name}, line {line}" if line else self._source.name
        dotted = ".".join(str(step) for step in (*self._path, key))
        return ConfigError(f"{place}: {dotted}: {message}")

    def only(self, known: Collection[str]) -> None:
        """Refuse a key that is not known."""
        for key in self.members:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise self.error(key, f"no such key{hint} Known: {', '.join(known)}")

    def _is(self, key: str, kind: type[object], words: str) -> object | None:
        value = self.members.get(key)
        if value is None:
            return None
        # In Python a boolean is an integer; in a scenario it is a mistake.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, f"expected {words}, not {value!r}")
        return value

    def text(self, key: str) -> str:
        """A text, empty if missing."""
        return str(self._is(key, str, "a text") or "")

    def boolean(self, key: str) -> bool | None:
        """A boolean, None if missing."""
        value = self._is(key, bool, "true or false")
        return None if value is None else bool(value)

    def integer(self, key: str, default: int) -> int:
        """An integer that is not negative."""
        number = self.signed(key, default)
        if number < 0:
            raise self.error(key, "not below 0")
        return number

    def signed(self, key: str, default: int = 0) -> int:
        """An integer that may be negative."""
        value = self._is(key, int, "an integer")
        return default if value is None else int(str(value))

    def decimal(self, key: str, default: float) -> float:
        """A number that is not negative."""
        value = self.members.get(key)
        if isinstance(value, Number):
            value = float(value.lexeme)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise self.error(key, f"expected a number, not {value!r}")
        if value is not None and value < 0:
            raise self.error(key, "not below 0")
        return default if value is None else float(value)

    def choice(self, key: str, known: tuple[_Word, ...]) -> _Word:
        """One of the known words."""
        value = self.members.get(key)
        for one in known:
            if one == value:
                return one
        near = difflib.get_close_matches(str(value), [str(one) for one in known], 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        options = ", ".join(str(one) for one in known)
        raise self.error(key, f"{value!r} is none of {options}{hint}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.members.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"expected a list of texts, not {value!r}")
        return tuple(str(item) for item in value)

    def positives(self, key: str) -> tuple[int, ...]:
        """One integer from 1, or a list of them."""
        value = self.members.get(key, [])
        listed = value if isinstance(value, list) else [value]
        numbers = [one for one in listed if isinstance(one, int) and not isinstance(one, bool)]
        if len(numbers) < len(listed) or any(one < 1 for one in numbers):
            raise self.error(key, f"expected an integer from 1, or a list of them, not {value!r}")
        return tuple(numbers)

    def pattern(self, key: str) -> re.Pattern[str] | None:
        """A regular expression."""
        text = self.text(key)
        try:
            return re.compile(text) if text else None
        except re.error as exc:
            raise self.error(key, f"not a regular expression: {exc}") from exc

    def table(self, key: str) -> "Table":
        """A table, empty if missing."""
        value = self.members.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"expected a table, not {value!r}")
        return Table(value, self._source, (*self._path, key))

    def tables(self, key: str) -> "Iterator[Table]":
        """A list of tables."""
        value = self.members.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, "expected a list of tables")
        for number, item in enumerate(value):
            yield Table(item, self._source, (*self._path, key, number))

    def json_members(self) -> dict[str, Json]:
        """The members as JSON values."""
        return {key: self._json(key, value) for key, value in self.members.items()}

    def _json(self, key: str, value: object) -> Json:
        match value:
            case None | str() | bool() | Number():
                return value
            case int():
                return Number(str(value))
            case list():
                return [self._json(key, item) for item in value]
            case dict():
                return {str(name): self._json(str(name), item) for name, item in value.items()}
            case _:
                raise self.error(key, f"{value!r} is nothing JSON has; write it as a text")

    def check_names(self, key: str, value: Json, known: Collection[str]) -> None:
        """Refuse `${name}` that no pattern of the rule captures."""
        for name in names(value):
            if name not in known:
                raise self.error(
                    key, f"${{{name}}} is captured by no pattern; known: {', '.join(sorted(known))}"
                )
