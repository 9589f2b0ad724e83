"""Nominates secret rules with Hyperscan: all patterns of all rules in one pass over a text."""

import threading
from collections.abc import Sequence

import hyperscan

from remit.policy.secret_rule import ArmedRule

COMPILE_BYTES = 512 * 1024
"""Text that keywords alone nominate for before the patterns are compiled, which takes a fifth of a
second and 20 MB: a process that reads less would never earn them back."""


class HyperscanNominator:
    """Nominates a rule when its pattern, not just a keyword of it, occurs; RE2 decides then.

    Hyperscan reports a pattern if any part of the text matches, wherever it begins; so it names
    every rule in which RE2 finds something, and rarely another. For a text that it cannot scan, and
    until `COMPILE_BYTES` were read, keywords nominate.
    """

    def __init__(self, rules: Sequence[ArmedRule], *, compile_bytes: int = COMPILE_BYTES) -> None:
        self._patterns = [each.rule.pattern.encode() for each in rules]
        self._credit = compile_bytes
        self._database: hyperscan.Database | None = None
        self._local = threading.local()
        self._lock = threading.Lock()

    def nominated(self, data: bytes) -> list[int] | None:
        """The numbers of the rules, in order; None leaves it to the keywords."""
        if self._credit > 0:
            self._credit -= len(data)
            return None
        try:
            return self._scanned(data)
        except hyperscan.error:
            self._credit = 1 << 62  # a rule it cannot compile, or no memory: slower, never less
            return None

    def _scanned(self, data: bytes) -> list[int]:
        if not data:
            return []
        with self._lock:
            if self._database is None:
                self._database = self._compiled()
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:  # one for each thread: a scan writes to it
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        found: set[int] = set()

        def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.add(number)

        self._database.scan(data, match_event_handler=note, scratch=scratch)
        return sorted(found)

    def _compiled(self) -> hyperscan.Database:
        database = hyperscan.Database()
        database.compile(
            expressions=self._patterns,
            ids=list(range(len(self._patterns))),
            flags=hyperscan.HS_FLAG_SINGLEMATCH,
        )
        return database
