"""The tables of a SQLite journal and the numbered migrations that make them.

Names of tenants and pairs of (engine, key id) are kept once and stand in rows as small numbers.
`records` is in commit order, so its rowid is the feed's position; rows are never deleted, only
erased, so that no position is given twice. `back` is the position of the run's record before, so
a run is read backwards from `runs.last` without an index of its own. `proof` is hash, MAC and salt
(32 + 16 + 16 bytes), or hash, MAC and commitment (80 bytes) once the payload is erased; until
then the commitment can be computed. A consumed letter keeps its key and loses its body.
"""

import sqlite3

from remit.adapters.sqlite.faults import patiently
from remit.errors import ConfigError, StoreError

APPLICATION_ID = 0x52454D54  # "REMT": tells our files from other programs'

_FIRST = """
CREATE TABLE tenants (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE stamps (
    id INTEGER PRIMARY KEY, engine TEXT NOT NULL, key_id TEXT NOT NULL, UNIQUE (engine, key_id)
);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, run TEXT NOT NULL, root TEXT NOT NULL, parent TEXT,
    agent TEXT NOT NULL, spec TEXT NOT NULL, user TEXT NOT NULL, session TEXT NOT NULL,
    status TEXT NOT NULL, version INTEGER NOT NULL, epoch INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, wake_at_ms INTEGER,
    owner TEXT, lease_until_ms INTEGER NOT NULL, last INTEGER NOT NULL,
    UNIQUE (tenant, run)
);
CREATE INDEX runs_by_session ON runs (tenant, session, run);
CREATE INDEX runs_by_parent ON runs (tenant, parent, run) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX runs_active ON runs (tenant, session)
    WHERE parent IS NULL AND status IN ('running', 'waiting');
CREATE INDEX runs_live ON runs (tenant, run) WHERE status IN ('running', 'waiting');
CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, run INTEGER NOT NULL, version INTEGER NOT NULL,
    epoch INTEGER NOT NULL, time_ms INTEGER NOT NULL, stamp INTEGER NOT NULL, back INTEGER,
    payload BLOB NOT NULL, proof BLOB NOT NULL
);
CREATE INDEX records_by_tenant ON records (tenant);
CREATE TABLE accounts (
    tenant INTEGER NOT NULL, account TEXT NOT NULL, posted INTEGER NOT NULL,
    held INTEGER NOT NULL, "limit" INTEGER NOT NULL, warned INTEGER NOT NULL,
    PRIMARY KEY (tenant, account)
) WITHOUT ROWID;
CREATE TABLE holds (
    tenant INTEGER NOT NULL, hold TEXT NOT NULL, account TEXT NOT NULL,
    amount INTEGER NOT NULL, "limit" INTEGER NOT NULL,
    PRIMARY KEY (tenant, hold, account)
) WITHOUT ROWID;
CREATE TABLE letters (
    number INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, run TEXT NOT NULL, key TEXT NOT NULL,
    kind TEXT NOT NULL, body BLOB, time_ms INTEGER NOT NULL,
    UNIQUE (tenant, run, key)
);
CREATE INDEX letters_waiting ON letters (tenant, run) WHERE body IS NOT NULL;
CREATE TABLE vault (
    tenant INTEGER NOT NULL, placeholder TEXT NOT NULL, run TEXT NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (tenant, placeholder)
) WITHOUT ROWID;
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, digest TEXT NOT NULL, content BLOB NOT NULL,
    UNIQUE (tenant, digest)
);
CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE spans (
    tenant INTEGER NOT NULL, leaf INTEGER NOT NULL, position INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, leaf)
) WITHOUT ROWID;
CREATE TABLE heads (
    tenant INTEGER NOT NULL, size INTEGER NOT NULL, head BLOB NOT NULL,
    PRIMARY KEY (tenant, size)
) WITHOUT ROWID;
CREATE TABLE switches (
    target TEXT PRIMARY KEY, reason TEXT NOT NULL, principal TEXT NOT NULL,
    since_ms INTEGER NOT NULL, until_ms INTEGER
) WITHOUT ROWID;
"""

_LIMITS = """
CREATE TABLE limits (
    tenant INTEGER NOT NULL, account TEXT NOT NULL, "limit" INTEGER NOT NULL,
    PRIMARY KEY (tenant, account)
) WITHOUT ROWID;
CREATE INDEX runs_books ON runs (tenant, run) WHERE agent = ''
"""

_LEDGER = """
CREATE TABLE ledger (
    tenant INTEGER NOT NULL, day TEXT NOT NULL, user TEXT NOT NULL, agent TEXT NOT NULL,
    model TEXT NOT NULL,
    calls INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, assumed INTEGER NOT NULL,
    over_hold INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, user, agent, model)
) WITHOUT ROWID
"""

MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("the first tables", _FIRST),
    ("limits set by operators; books", _LIMITS),
    ("sums of the ledger", _LEDGER),
)
"""(title, statements); the number of a migration is its place, from 1. Never edited, only added."""


def migrate(
    connection: sqlite3.Connection, where: str, migrations: tuple[tuple[str, str], ...] = MIGRATIONS
) -> None:
    """Bring the schema to today's version, once however many open the file at the same time.

    Raises `ConfigError` for another program's database and `StoreError` for a newer schema.
    """
    patiently(lambda: connection.execute("BEGIN"))
    try:
        done = patiently(lambda: _version(connection, where))
    finally:
        connection.execute("COMMIT")
    if done == len(migrations):
        return
    patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        _apply(connection, where, migrations)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _apply(
    connection: sqlite3.Connection, where: str, migrations: tuple[tuple[str, str], ...]
) -> None:
    done = _version(connection, where)
    if done > len(migrations):
        raise StoreError(
            f"{where}: its schema is version {done}, this Remit knows {len(migrations)}. "
            "It was written by a newer Remit: use that version, or a newer one"
        )
    if done == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(
            "CREATE TABLE migrations (number INTEGER PRIMARY KEY, title TEXT NOT NULL)"
        )
    for number, (title, statements) in enumerate(migrations[done:], start=done + 1):
        for statement in statements.split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, title))


def _version(connection: sqlite3.Connection, where: str) -> int:
    """The number of the newest migration done, 0 for an empty file; within one transaction."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise ConfigError(
            f"{where}: this is the database of another program. "
            "Name a file that does not exist yet, or a journal that Remit has made"
        )
    (number,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
    return int(number)
