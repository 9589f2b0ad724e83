"""Patterns of rules run in linear time (RE2), so that no rule and no input can hang a decision."""

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
        raise SpecError(f"the pattern {pattern!r} is not valid RE2: {exc}") from exc
