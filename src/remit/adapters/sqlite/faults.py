"""Faults of SQLite as store errors with file and remedy, patience with locks, vanished files."""

import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from remit.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)

T = TypeVar("T")

# Writers of other processes hold the lock for about one fsync (0.2 ms on a good disk): begin
# there and grow, so that a slow disk is not hammered. SQLite's own busy_timeout sleeps 1, 2, 5 …
# 100 ms, which costs 19 to 34 ms at the 99th percentile.
_FIRST_PAUSE_S = 0.0003
_PAUSE_GROWTH = 1.5
_LONGEST_PAUSE_S = 0.02
PATIENCE_S = 5.0
"""How long to wait for others' locks before `StoreBusy`: far beyond any commit, below a timeout."""


def is_busy(exc: sqlite3.Error) -> bool:
    """Whether others hold a lock; trying again helps."""
    return _primary(exc) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _primary(exc: sqlite3.Error) -> int:
    """The primary result code; an error of the Python module itself has none and gives 0."""
    code: int = getattr(exc, "sqlite_errorcode", 0)
    return code & 0xFF


def patiently(action: Callable[[], T]) -> T:
    """The result of `action`, tried again with jitter while others hold a lock."""
    pause_s = _FIRST_PAUSE_S
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return action()
        except sqlite3.OperationalError as exc:
            if not is_busy(exc) or time.monotonic() >= end:
                raise
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads waiters, no secret
        pause_s = min(pause_s * _PAUSE_GROWTH, _LONGEST_PAUSE_S)


def translate(exc: sqlite3.Error, path: Path) -> StoreError:
    """The store error that says what is wrong with `path` and what to do."""
    code = _primary(exc)
    said = f"({getattr(exc, 'sqlite_errorname', type(exc).__name__)}: {exc})"
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return StoreCorrupt(
            f"{path}: not a database, or damaged {said}. Keep the file for an examination and "
            "restore the journal from a backup"
        )
    if is_busy(exc):
        return StoreBusy(
            f"{path}: another process kept it locked for {PATIENCE_S:g} s {said}. "
            "Find who holds it open (`fuser`) and try again"
        )
    if not path.exists():
        return gone(path)
    if code == sqlite3.SQLITE_FULL or _cannot_grow(exc):
        return StoreFull(
            f"{path}: no more can be written {said}: the disk, a quota or the file size limit is "
            "full. Make room; nothing of this write was kept"
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
        return StoreReadOnly(
            f"{path}: may not be opened or written {said}. The user of this process needs to "
            "write the file and its folder"
        )
    return StoreError(f"{path}: the database failed {said}")


def _cannot_grow(exc: sqlite3.Error) -> bool:
    # A quota or RLIMIT_FSIZE shows as a failed write, not as SQLITE_FULL.
    return getattr(exc, "sqlite_errorname", "") in {
        "SQLITE_IOERR_WRITE",
        "SQLITE_IOERR_TRUNCATE",
        "SQLITE_IOERR_SHMSIZE",
    }


def gone(path: Path) -> StoreGone:
    """The error for a database that was taken away beneath us."""
    return StoreGone(
        f"{path}: the database file was removed or replaced while it was open. What was "
        "acknowledged before is in the file that was taken away: put it back, or start again"
    )


class Presence:
    """Tells whether the database and its log are still the files that were opened.

    A removed file can be written to as long as it is open; what is written is lost.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = (os.fspath(path), f"{path}-wal")
        self._seen = self._look()
        self.log_bytes = 0

    def _look(self) -> list[tuple[int, int]]:
        found = [os.stat(name) for name in self._names]  # noqa: PTH116 - twice per commit
        self.log_bytes = found[1].st_size
        return [(each.st_dev, each.st_ino) for each in found]

    def check(self) -> None:
        """Raise `StoreGone` when a file is missing or another one has its name."""
        try:
            now = self._look()
        except OSError as exc:
            raise gone(self._path) from exc
        if now != self._seen:
            raise gone(self._path)
