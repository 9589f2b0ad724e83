"""Nominates secret rules with Hyperscan: all patterns of all rules in one pass over a text."""

import threading
from collections.abc import Sequence

import hyperscan

from remit.policy.secret_rule import SecretRule

COMPILE_BYTES = 2 * 1024 * 1024
"""Text that keywords alone nominate for before the patterns are compiled, which takes a second of a
thread's time and 15 MB: a process that reads less would never earn them back."""


class HyperscanNominator:
    """Nominates a rule when its pattern, not just a keyword of it, occurs; RE2 decides then.

    Hyperscan reports a pattern if any part of the text matches, wherever it begins; so it names
    every rule in which RE2 finds something, and rarely another. Keywords nominate until
    `compile_bytes` were read and the patterns are compiled, by a thread of its own; with 0 they are
    compiled at once. If they cannot be, keywords go on.
    """

    def __init__(self, rules: Sequence[SecretRule], *, compile_bytes: int = COMPILE_BYTES) -> None:
        self._patterns = [rule.pattern.encode() for rule in rules]
        self._credit = compile_bytes
        self._database: hyperscan.Database | None = None
        self._local = threading.local()
        if compile_bytes <= 0:
            self._compile()

    def nominated(self, data: bytes) -> list[int] | None:
        """The numbers of the rules, in order; None leaves it to the keywords."""
        if self._database is None:
            self._read(len(data))
            return None
        try:
            return self._scanned(self._database, data)
        except hyperscan.error:  # no memory: slower, never less
            return None

    def _read(self, size: int) -> None:
        if self._credit > 0:
            self._credit -= size
            if self._credit <= 0:
                thread = threading.Thread(target=self._compile, name="hyperscan", daemon=True)
                thread.start()

    def _compile(self) -> None:
        database = hyperscan.Database()
        try:
            database.compile(
                expressions=self._patterns,
                ids=list(range(len(self._patterns))),
                flags=hyperscan.HS_FLAG_SINGLEMATCH,
            )
        except hyperscan.error:
            return  # a rule that it cannot compile, or no memory
        self._database = database

    def _scanned(self, database: hyperscan.Database, data: bytes) -> list[int]:
        if not data:
            return []
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:  # one for each thread: a scan writes to it
            scratch = self._local.scratch = hyperscan.Scratch(database)
        found: set[int] = set()

        def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.add(number)

        database.scan(data, match_event_handler=note, scratch=scratch)
        return sorted(found)
