"""RE2 over bytes with types: offsets are those of the text's UTF-8, and no input makes it slow."""

from collections.abc import Iterable
from typing import Protocol, cast

import re2

from remit.errors import ConfigError

MEMORY_BYTES = 64 << 20
"""RE2's ceiling for one pattern's automaton. Its default of 8 MB makes long lists of known values
fall back to a search thirty times slower; the memory is taken only as states are met."""


class Hit(Protocol):
    """Where a pattern was found."""

    def span(self, group: int = 0) -> tuple[int, int]:
        """First and last (exclusive) byte of a group; (-1, -1) if it took no part."""
        ...


class Finder(Protocol):
    r"""A compiled pattern. What stands before `pos` and behind `end` is seen by `\b` only."""

    def search(self, text: bytes, pos: int | None = None, end: int | None = None) -> Hit | None:
        """The leftmost match in `text[pos:end]`."""
        ...

    def match(self, text: bytes, pos: int | None = None, end: int | None = None) -> Hit | None:
        """A match that begins at `pos`."""
        ...

    def fullmatch(self, text: bytes) -> Hit | None:
        """A match of all of `text`."""
        ...


class Sieve(Protocol):
    """Many patterns in one automaton."""

    def Match(self, text: bytes) -> list[int] | None:  # noqa: N802 - the name in re2
        """The numbers of the patterns that occur in `text`, None without any."""
        ...


def compiled(pattern: str | bytes, where: str) -> Finder:
    """A pattern ready to search UTF-8; one in bytes searches any bytes.

    Raises `ConfigError` naming `where`.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    if isinstance(pattern, bytes):
        options.encoding = re2.Options.Encoding.LATIN1
    else:
        pattern = pattern.encode()
    try:
        return cast("Finder", re2.compile(pattern, options))
    except re2.error as exc:
        reason = exc.args[0].decode() if isinstance(exc.args[0], bytes) else exc
        raise ConfigError(f"{where}: {pattern!r} is not valid RE2: {reason}") from exc


def sieve(patterns: Iterable[str]) -> Sieve:
    """An automaton that tells in one pass which patterns occur, in upper or lower case."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = MEMORY_BYTES
    made = re2.Set.SearchSet(options)
    for pattern in patterns:
        made.Add(pattern)
    made.Compile()
    return cast("Sieve", made)
