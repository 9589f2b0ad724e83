"""Open the connections of a SQLite journal: private file, write-ahead log, full synchronisation."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from remit.adapters.sqlite.faults import PATIENCE_S, patiently, translate
from remit.adapters.sqlite.owners import owners_folder, try_lock
from remit.adapters.sqlite.schema import migrate
from remit.errors import StoreBusy, StoreGone, StoreReadOnly

# A burst lets the log grow; this is the size it is cut back to.
_LOG_LIMIT_BYTES = 64 * 1024 * 1024
_OPENING_PAUSE_S = 0.01  # opening takes about this long
_STATEMENTS = 256  # prepared statements kept per connection: more than this package has


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the file (0600) and brings its schema up to date."""
    folder = _make_files(path)
    try:
        with _one_at_a_time(path, folder):
            connection = _connect(path)
            try:
                _prepare(connection)
                migrate(connection, str(path))
            except BaseException:
                connection.close()
                raise
    except sqlite3.Error as exc:
        raise translate(exc, path) from exc
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    connection.execute("PRAGMA synchronous = FULL")
    # The writer does this itself, after its callers have their answers.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}")


@contextmanager
def _one_at_a_time(path: Path, folder: int) -> Iterator[None]:
    """Keep two openers apart: both at once making the log can block each other for ever.

    The lock is on the owners' `folder`, an open descriptor, which is closed at the end.
    """
    try:
        end = time.monotonic() + PATIENCE_S
        while not try_lock(folder):
            if time.monotonic() > end:
                raise StoreBusy(
                    f"{path}: another process has been opening it for {PATIENCE_S:g} s. "
                    "Find who holds it open (`fuser`) and try again"
                )
            time.sleep(_OPENING_PAUSE_S)
        yield
    finally:
        os.close(folder)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    try:
        connection = _connect(path)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as exc:
        raise translate(exc, path) from exc
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    # `mode=rw`: a file that vanished is an error, never made anew.
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )


def _make_files(path: Path) -> int:
    """Make the file and the folders for the owner alone; what is there stays as it is.

    The descriptor of the owners' folder.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: to close a file that SQLite has open in this process would drop its locks.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        folder = owners_folder(path)
        folder.mkdir(mode=0o700, exist_ok=True)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError as exc:
        raise StoreReadOnly(
            f"{path}: may not be made or opened ({exc.strerror}). The user of this process needs "
            "to write the folder, or name another file"
        ) from exc
    except OSError as exc:
        raise StoreGone(f"{path}: cannot be made ({exc.strerror}); name another file") from exc
