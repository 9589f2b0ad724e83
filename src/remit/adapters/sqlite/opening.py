"""Open the connections of a SQLite journal: private file, write-ahead log, full synchronisation."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from remit.adapters.sqlite.faults import patiently, translate
from remit.adapters.sqlite.schema import migrate
from remit.errors import StoreGone, StoreReadOnly

# A burst lets the log grow; this is the size it is cut back to.
_LOG_LIMIT_BYTES = 64 * 1024 * 1024
_STATEMENTS = 256  # prepared statements kept per connection: more than this package has


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the file (0600) and brings its schema up to date."""
    _make_file(path)
    try:
        connection = _connect(path)
        try:
            patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
            connection.execute("PRAGMA synchronous = FULL")
            # The writer does this itself, after its callers have their answers.
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}")
            migrate(connection, str(path))
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as exc:
        raise translate(exc, path) from exc
    return connection


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


def _make_file(path: Path) -> None:
    """Make the file and its folder for the owner alone; what is there stays as it is."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: to close a file that SQLite has open in this process would drop its locks.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except PermissionError as exc:
        raise StoreReadOnly(
            f"{path}: may not be made ({exc.strerror}). The user of this process needs to write "
            "the folder, or name another file"
        ) from exc
    except OSError as exc:
        raise StoreGone(f"{path}: cannot be made ({exc.strerror}); name another file") from exc
