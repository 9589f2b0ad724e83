"""The tables of a Postgres journal, in the schema `remit`, and the migrations that make them.

`records.position` is the transaction's id, followed by 12 bits for the record's place in it. So
positions grow in the order of transaction ids, and everything below the oldest transaction that
still runs (`pg_snapshot_xmin`) is final: a feed that stops there never meets a lower number later.
A number drawn from a sequence would not do: it can be drawn early and committed late.
Ids start again from a low number when a dump is restored; `meta.base` is what to add then.
"""

from remit.adapters.postgres.connecting import Connection
from remit.errors import StoreError

PLACE_BITS = 12
"""Room for 4,096 records in one transaction."""

_FIRST = """
CREATE TABLE remit.meta (base bigint NOT NULL);
INSERT INTO remit.meta VALUES (0);
CREATE TABLE remit.runs (
    tenant text COLLATE "C" NOT NULL, run text COLLATE "C" NOT NULL,
    root text NOT NULL, parent text, agent text NOT NULL, spec text NOT NULL,
    "user" text NOT NULL, session text NOT NULL, status text NOT NULL,
    version bigint NOT NULL, epoch bigint NOT NULL,
    created_ms bigint NOT NULL, updated_ms bigint NOT NULL, wake_at_ms bigint,
    owner text, lease_until_ms bigint NOT NULL, head bytea NOT NULL,
    PRIMARY KEY (tenant, run)
);
CREATE INDEX runs_by_session ON remit.runs (tenant, session, run);
CREATE INDEX runs_by_parent ON remit.runs (tenant, parent, run) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX runs_active ON remit.runs (tenant, session)
    WHERE parent IS NULL AND status IN ('running', 'waiting');
CREATE INDEX runs_live ON remit.runs (tenant, run) WHERE status IN ('running', 'waiting');
CREATE TABLE remit.records (
    tenant text COLLATE "C" NOT NULL, run text COLLATE "C" NOT NULL, version bigint NOT NULL,
    position bigint NOT NULL, epoch bigint NOT NULL, time_ms bigint NOT NULL,
    engine text NOT NULL, payload bytea NOT NULL, salt bytea NOT NULL, commitment bytea NOT NULL,
    previous bytea NOT NULL, hash bytea NOT NULL, mac bytea NOT NULL, key_id text NOT NULL,
    PRIMARY KEY (tenant, run, version)
);
CREATE UNIQUE INDEX records_by_tenant ON remit.records (tenant, position);
CREATE UNIQUE INDEX records_by_position ON remit.records (position);
CREATE TABLE remit.accounts (
    tenant text COLLATE "C" NOT NULL, account text COLLATE "C" NOT NULL,
    posted bigint NOT NULL, held bigint NOT NULL, "limit" bigint NOT NULL, warned boolean NOT NULL,
    PRIMARY KEY (tenant, account)
);
CREATE TABLE remit.holds (
    tenant text COLLATE "C" NOT NULL, hold text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL, amount bigint NOT NULL, "limit" bigint NOT NULL,
    PRIMARY KEY (tenant, hold, account)
);
CREATE TABLE remit.letters (
    tenant text COLLATE "C" NOT NULL, run text COLLATE "C" NOT NULL, key text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, body bytea,
    time_ms bigint NOT NULL,
    PRIMARY KEY (tenant, run, key)
);
CREATE INDEX letters_waiting ON remit.letters (tenant, run, number) WHERE body IS NOT NULL;
CREATE TABLE remit.vault (
    tenant text COLLATE "C" NOT NULL, placeholder text COLLATE "C" NOT NULL,
    run text NOT NULL, sealed bytea NOT NULL,
    PRIMARY KEY (tenant, placeholder)
);
CREATE TABLE remit.blobs (
    tenant text COLLATE "C" NOT NULL, digest text COLLATE "C" NOT NULL, content bytea NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE TABLE remit.cursors (name text PRIMARY KEY, position bigint NOT NULL);
CREATE TABLE remit.trees (
    tenant text COLLATE "C" PRIMARY KEY, size bigint NOT NULL, position bigint NOT NULL
);
CREATE TABLE remit.leaves (
    tenant text COLLATE "C" NOT NULL, leaf bigint NOT NULL, hash bytea NOT NULL,
    PRIMARY KEY (tenant, leaf)
);
CREATE TABLE remit.heads (
    tenant text COLLATE "C" NOT NULL, size bigint NOT NULL, head bytea NOT NULL,
    PRIMARY KEY (tenant, size)
);
CREATE TABLE remit.switches (
    target text COLLATE "C" PRIMARY KEY, reason text NOT NULL, principal text NOT NULL,
    since_ms bigint NOT NULL, until_ms bigint
)
"""

_LIMITS = """
CREATE TABLE remit.limits (
    tenant text COLLATE "C" NOT NULL, account text COLLATE "C" NOT NULL, "limit" bigint NOT NULL,
    PRIMARY KEY (tenant, account)
);
CREATE INDEX runs_books ON remit.runs (tenant, run) WHERE agent = ''
"""

_LEDGER = """
CREATE TABLE remit.ledger (
    tenant text COLLATE "C" NOT NULL, day text COLLATE "C" NOT NULL,
    "user" text COLLATE "C" NOT NULL, agent text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    calls bigint NOT NULL, input bigint NOT NULL, cache_read bigint NOT NULL,
    cache_write bigint NOT NULL, cache_write_1h bigint NOT NULL, output bigint NOT NULL,
    reasoning bigint NOT NULL, cost bigint NOT NULL, assumed bigint NOT NULL,
    over_hold bigint NOT NULL,
    PRIMARY KEY (tenant, day, "user", agent, model)
)
"""

MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("the first tables", _FIRST),
    ("limits set by operators; books", _LIMITS),
    ("sums of the ledger", _LEDGER),
)
"""(title, statements); the number of a migration is its place, from 1. Never edited, only added."""

# Any constant will do, as long as every version of Remit takes the same: "remit" in ASCII.
_MIGRATION_LOCK = 0x72656D6974


async def migrate(
    connection: Connection, where: str, migrations: tuple[tuple[str, str], ...] = MIGRATIONS
) -> int:
    """Bring the schema to today's version, once however many open it; what positions start from.

    Raises `StoreError` for a newer schema.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        done = await _version(connection)
        if done > len(migrations):
            raise StoreError(
                f"{where}: its schema is version {done}, this Remit knows {len(migrations)}. "
                "It was written by a newer Remit: use that version, or a newer one"
            )
        for number, (title, statements) in enumerate(migrations[done:], start=done + 1):
            for statement in statements.split(";\n"):
                await connection.execute(statement.encode())
            await connection.execute(
                "INSERT INTO remit.migrations VALUES (%s, %s)", (number, title)
            )
        return await _base(connection)


async def _version(connection: Connection) -> int:
    """The number of the newest migration done; makes the schema where there is none."""
    found = await connection.execute("SELECT to_regclass('remit.migrations') IS NOT NULL")
    if (await found.fetchone()) != (True,):
        await connection.execute("CREATE SCHEMA IF NOT EXISTS remit")
        await connection.execute(
            "CREATE TABLE remit.migrations (number integer PRIMARY KEY, title text NOT NULL)"
        )
    newest = await connection.execute("SELECT coalesce(max(number), 0) FROM remit.migrations")
    row = await newest.fetchone()
    return 0 if row is None else int(row[0])


async def _base(connection: Connection) -> int:
    """What to add to transaction ids, raised where they stand below those of stored records."""
    row = await (
        await connection.execute(
            "SELECT base, pg_snapshot_xmax(pg_current_snapshot())::text::bigint, "
            "(SELECT coalesce(max(position), 0) FROM remit.records) FROM remit.meta FOR UPDATE"
        )
    ).fetchone()
    if row is None:
        raise StoreError("remit.meta is empty; restore it with `INSERT INTO remit.meta VALUES (0)`")
    base, next_id, newest = row
    lowest = (newest >> PLACE_BITS) + 1 - next_id
    if base < lowest:
        base = lowest
        await connection.execute("UPDATE remit.meta SET base = %s", (base,))
    return int(base)
