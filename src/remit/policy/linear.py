"""Patterns of rules run in linear time (RE2), so that no rule and no input can hang a decision."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol, cast

import re2

from remit.errors import SpecError

# Compiled patterns kept: more than any rule set has; a bound, so that odd input cannot fill memory.
_PATTERNS = 4096


class Searcher(Protocol):
    """The part of a compiled RE2 pattern that rules use."""

    def search(self, text: str) -> object | None:
        """Something when the pattern occurs in `text`, else None."""
        ...


@lru_cache(maxsize=_PATTERNS)
def compiled(pattern: str) -> Searcher:
    """The compiled pattern. Raises `SpecError` when it is not valid RE2."""
    options = re2.Options()
    options.log_errors = False  # the error says it; stderr belongs to the program
    try:
        return cast("Searcher", re2.compile(pattern, options))
    except re2.error as exc:
        # RE2 itself speaks in bytes.
        why = exc.args[0].decode() if exc.args and isinstance(exc.args[0], bytes) else exc
        raise SpecError(f"the pattern {pattern!r} is not valid RE2: {why}") from exc


class PatternSet:
    """Many patterns searched in one pass."""

    __slots__ = ("_count", "_set")

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        # Found everywhere: where it is not, RE2 ran out of memory and says that nothing fits.
        self._count = self._set.Add("")
        self._set.Compile()

    def search(self, text: str) -> list[int] | None:
        """Which patterns occur, by their number; None where that cannot be said."""
        try:
            found: list[int] = self._set.Match(text)
        except UnicodeEncodeError:  # half a surrogate pair
            return None
        if self._count not in found:
            return None
        found.remove(self._count)
        return found


@lru_cache(maxsize=256)  # as many as sets of rules are kept ready
def pattern_set(patterns: tuple[str, ...]) -> PatternSet:
    """The set of these patterns; all are valid."""
    return PatternSet(patterns)


def searching(pattern: str) -> Callable[[str], bool]:
    """Whether the pattern occurs in a text. Raises `SpecError` when it is not valid RE2."""
    search = compiled(pattern).search

    def occurs(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeEncodeError:  # half a surrogate pair is shown as `?`
            return search(text.encode("utf-8", "replace").decode()) is not None

    return occurs
