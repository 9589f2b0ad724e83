"""Scenarios written as TOML: numbers keep their digits, and lines are found again."""

import re
import tomllib

from remit.errors import ConfigError
from remit.simulator.tables import Path, Source, Table
from remit.wire.jsontext import Number

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)


def read_toml(text: str, name: str) -> Table:
    """The whole file. Raises `ConfigError`."""
    try:
        # Numbers with a point keep their digits: 1.10 reaches the tool as 1.10.
        document = tomllib.loads(text, parse_float=_exact)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigError(f"{name}: not TOML: {exc}") from exc
    return Table(document, Source(name, _Lines(text)), ())


def _exact(lexeme: str) -> Number:
    plain = lexeme.replace("_", "").removeprefix("+")
    if not _NUMBER.fullmatch(plain):
        raise tomllib.TOMLDecodeError(f"{lexeme} is not a number JSON has")
    return Number(plain)


class _Lines:
    """The text of a file, to find the line of a key again: the parser forgets it."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def line(self, path: Path, key: str) -> int:
        """The line a key probably stands in, else that of its part of the file; 0 if unknown."""
        start, end = self._part(path)
        word = re.escape(key)
        wanted = re.compile(rf"(^|[\s{{,.])[\"']?{word}[\"']?\s*=|^\s*\[+\s*([\w.]+\.)?{word}\s*\]")
        for number, line in enumerate(self._lines[start:end], start + 1):
            if wanted.search(line):
                return number
        return start

    def _part(self, path: Path) -> tuple[int, int]:
        """The line of the `[[rule]]` that a path leads into, and that of the next one."""
        if len(path) < 2:  # noqa: PLR2004  name of the array and position in it
            return 0, len(self._lines)
        headers = [
            number
            for number, line in enumerate(self._lines, 1)
            if line.partition("#")[0].replace(" ", "").strip() == f"[[{path[0]}]]"
        ]
        headers.append(len(self._lines) + 1)
        place = int(path[1])
        # Written as an array of inline tables it has no headers.
        known = place + 1 < len(headers)
        return (headers[place], headers[place + 1]) if known else (0, len(self._lines))
