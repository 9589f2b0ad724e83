"""Read records, runs, letters, accounts and the rest of a SQLite journal."""

import sqlite3
from collections.abc import Iterable
from typing import cast

from remit.errors import StoreCorrupt
from remit.journal.codec import decompress
from remit.journal.record import GENESIS, MAC_BYTES, SALT_BYTES, Header, Record, commit
from remit.journal.rows import (
    Balance,
    FeedItem,
    InboxRow,
    Letter,
    LimitLine,
    RunRow,
    RunStatus,
    Switch,
)
from remit.journal.transfers import HoldLine
from remit.values.account import keeper

# What a feed gives along as plain text at most: pages of 1,000 records stay within 64 MB.
_SMALL = 65_536
_HASH = slice(0, 32)
_MAC = slice(32, 32 + MAC_BYTES)
_REST = slice(32 + MAC_BYTES, None)

# The tenant stands first in every statement but the operator's; ?1 is its name.
_RUNS = (
    "SELECT tenants.name, run, root, parent, agent, spec, user, session, status, version, epoch, "
    "created_ms, updated_ms, wake_at_ms, owner, lease_until_ms "
    "FROM runs JOIN tenants ON tenants.id = tenant"
)
_OF_TENANT = "tenant = (SELECT id FROM tenants WHERE name = ?1)"
_RUN = f"{_RUNS} WHERE {_OF_TENANT} AND run = ?2"
_FEED = """
SELECT records.position, tenants.name, runs.run,
    records.version, records.epoch, records.time_ms, engine, records.payload, records.proof, key_id,
    before.proof
FROM records JOIN tenants ON tenants.id = records.tenant JOIN runs ON runs.id = records.run
    JOIN stamps ON stamps.id = records.stamp
    LEFT JOIN records AS before ON before.position = records.back
WHERE records.position > ?2
ORDER BY records.position LIMIT ?3
"""
_FEED_OF_TENANT = _FEED.replace(
    "WHERE", "WHERE records.tenant = (SELECT id FROM tenants WHERE name = ?1) AND"
)

_RecordRow = tuple[int, int, int, str, bytes, bytes, str]


def record_of(tenant: str, run: str, row: _RecordRow, previous: bytes) -> Record:
    """A stored record. Raises `StoreCorrupt` when its payload cannot be read at all."""
    return _sealed(tenant, run, row, previous, _plain(tenant, run, row))


def _plain(tenant: str, run: str, row: _RecordRow) -> bytes:
    """The opened payload; empty where it was erased."""
    if not row[4]:
        return b""
    try:
        return decompress(row[4])
    except StoreCorrupt as exc:
        raise StoreCorrupt(f"{tenant}/{run} version {row[0]}: {exc}") from exc


def _sealed(tenant: str, run: str, row: _RecordRow, previous: bytes, plain: bytes) -> Record:
    version, epoch, time_ms, engine, payload, proof, key_id = row
    rest = proof[_REST]
    return Record(
        header=Header(
            tenant=tenant, run=run, version=version, epoch=epoch, time_ms=time_ms, engine=engine
        ),
        payload=payload,
        salt=rest if len(rest) == SALT_BYTES else b"",
        commitment=commit(rest, plain) if payload else rest,
        previous=previous,
        hash=proof[_HASH],
        mac=proof[_MAC],
        key_id=key_id,
    )


def read_records(connection: sqlite3.Connection, tenant: str, run: str, after: int) -> list[Record]:
    """The records of a run above `after`, found backwards from its newest."""
    rows = connection.execute(
        "WITH RECURSIVE chain (position) AS ("
        "SELECT last FROM runs "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND run = ?2 "
        # A chain only leads back, also where somebody changed it: or it would be read for ever.
        "UNION ALL SELECT back FROM chain JOIN records USING (position) "
        "WHERE version > ?3 AND back < position) "
        "SELECT version, epoch, time_ms, engine, payload, proof, key_id FROM chain "
        "JOIN records USING (position) JOIN stamps ON stamps.id = stamp ORDER BY version",
        (tenant, run, after),
    ).fetchall()
    records: list[Record] = []
    previous = GENESIS
    for row in rows:
        if row[0] > after:
            records.append(record_of(tenant, run, row, previous))
        previous = row[5][_HASH]
    return records


def read_feed(
    connection: sqlite3.Connection, after: int, tenant: str | None, limit: int
) -> list[FeedItem]:
    """Records of all runs, or of one tenant's, in commit order."""
    query = _FEED if tenant is None else _FEED_OF_TENANT
    found = []
    for position, name, run, *stored, before in connection.execute(query, (tenant, after, limit)):
        row = cast("_RecordRow", tuple(stored))
        plain = _plain(name, run, row)
        record = _sealed(name, run, row, GENESIS if before is None else before[_HASH], plain)
        found.append(FeedItem(position, record, plain if len(plain) <= _SMALL else b""))
    return found


def read_feed_end(connection: sqlite3.Connection) -> int:
    """The newest position, 0 in an empty journal."""
    (position,) = connection.execute("SELECT coalesce(max(position), 0) FROM records").fetchone()
    return int(position)


def _run_of(row: tuple[object, ...]) -> RunRow:
    names = RunRow.__dataclass_fields__
    return RunRow(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type] # columns in order


def read_run(connection: sqlite3.Connection, tenant: str, run: str) -> RunRow | None:
    """The row of a run."""
    row = connection.execute(_RUN, (tenant, run)).fetchone()
    return None if row is None else _run_of(row)


def runs_query(
    tenant: str | None,
    session: str | None,
    status: tuple[RunStatus, ...],
    parent: str | None,
    before: str | None,
    limit: int,
    *,
    books: bool = False,
) -> tuple[str, list[str | int | None]]:
    """The statement and parameters of a list of runs, newest first."""
    where = ["1"] if tenant is None else [_OF_TENANT]
    where.append("agent = ''" if books else "agent <> ''")
    values: list[str | int | None] = [tenant]
    for condition, wanted in (
        ("session = ?", session),
        ("parent = ?", parent),
        ("run < ?", before),
    ):
        if wanted is not None:
            values.append(wanted)
            where.append(f"{condition}{len(values)}")
    if status:
        marks = [f"?{len(values) + number}" for number in range(1, len(status) + 1)]
        values += status
        where.append(f"status IN ({', '.join(marks)})")
    values.append(limit)
    order = "ORDER BY run DESC, tenants.name DESC LIMIT ?"
    return f"{_RUNS} WHERE {' AND '.join(where)} {order}{len(values)}", values


def read_runs(
    connection: sqlite3.Connection, statement: str, values: Iterable[str | int | None]
) -> list[RunRow]:
    """The rows of `runs_query`."""
    return [_run_of(row) for row in connection.execute(statement, tuple(values))]


def read_inbox(connection: sqlite3.Connection, tenant: str, run: str) -> list[InboxRow]:
    """Letters of a run that wait, oldest first."""
    rows = connection.execute(
        "SELECT number, key, kind, body, time_ms FROM letters "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND run = ?2 "
        "AND body IS NOT NULL ORDER BY number",
        (tenant, run),
    )
    return [
        InboxRow(number, Letter(run=run, key=key, kind=kind, body=body, time_ms=time_ms))
        for number, key, kind, body, time_ms in rows
    ]


def read_balances(
    connection: sqlite3.Connection, tenant: str, prefix: str, after: str, limit: int
) -> list[Balance]:
    """Limited accounts whose name begins with `prefix` and comes after `after`, by name."""
    rows = connection.execute(
        'SELECT account, posted, held, "limit" FROM accounts '
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) "
        "AND account >= max(?2, ?3) AND account > ?3 AND substr(account, 1, length(?2)) = ?2 "
        "ORDER BY account LIMIT ?4",
        (tenant, prefix, after, limit),
    )
    return [Balance(*row) for row in rows]


def read_limits(
    connection: sqlite3.Connection, tenant: str, prefixes: tuple[str, ...], limit: int
) -> list[LimitLine]:
    """Limits that operators set, of accounts whose name begins with one of these, by name."""
    found: dict[str, int] = {}
    for prefix in prefixes:
        rows = connection.execute(
            'SELECT account, "limit" FROM limits '
            "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) "
            "AND account >= ?2 AND substr(account, 1, length(?2)) = ?2 ORDER BY account LIMIT ?3",
            (keeper(tenant, prefix), prefix, limit),
        )
        found.update(rows)
    return [LimitLine(name, found[name]) for name in sorted(found)[:limit]]


def read_open_holds(connection: sqlite3.Connection, tenant: str, run: str) -> list[HoldLine]:
    """Holds whose name begins with the run's and a colon."""
    rows = connection.execute(
        'SELECT hold, account, amount, "limit" FROM holds '
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) "
        "AND hold >= ?2 || ':' AND hold < ?2 || ';' ORDER BY hold, account",
        (tenant, run),
    )
    return [HoldLine(*row) for row in rows]


def read_switches(connection: sqlite3.Connection) -> list[Switch]:
    """All switches by target."""
    rows = connection.execute(
        "SELECT target, reason, principal, since_ms, until_ms FROM switches ORDER BY target"
    )
    return [Switch(*row) for row in rows]


def read_heads(connection: sqlite3.Connection, tenant: str, limit: int) -> list[tuple[int, bytes]]:
    """Signed heads, largest first."""
    rows = connection.execute(
        "SELECT size, head FROM heads "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) ORDER BY size DESC LIMIT ?2",
        (tenant, limit),
    )
    return [(size, head) for size, head in rows]


def read_blob(connection: sqlite3.Connection, tenant: str, digest: str) -> bytes | None:
    """A blob's content."""
    row = connection.execute(
        "SELECT content FROM blobs "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND digest = ?2",
        (tenant, digest),
    ).fetchone()
    return None if row is None else decompress(row[0])


def read_secret(connection: sqlite3.Connection, tenant: str, placeholder: str) -> bytes | None:
    """A sealed secret."""
    row = connection.execute(
        "SELECT sealed FROM vault "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND placeholder = ?2",
        (tenant, placeholder),
    ).fetchone()
    return None if row is None else bytes(row[0])


def read_cursor(connection: sqlite3.Connection, name: str) -> int:
    """The position of a projection, 0 at first."""
    row = connection.execute("SELECT position FROM cursors WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])
