"""Read records, runs, letters, accounts and the rest of a Postgres journal."""

from psycopg.rows import TupleRow

from remit.adapters.postgres.connecting import Connection
from remit.journal.record import Header, Record
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

_RECORDS = """
SELECT tenant, run, version, epoch, time_ms, engine, payload, salt, commitment, previous, hash,
    mac, key_id FROM remit.records
WHERE tenant = %s AND run = %s AND version > %s ORDER BY version
"""
# Everything below the oldest transaction that still runs is final: see schema.py.
_FEED = """
SELECT position, tenant, run, version, epoch, time_ms, engine, payload, salt, commitment, previous,
    hash, mac, key_id FROM remit.records
WHERE position > %(after)s
    AND position < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %(base)s) << 12
ORDER BY position LIMIT %(limit)s
"""
_FEED_OF_TENANT = _FEED.replace("WHERE", "WHERE tenant = %(tenant)s AND")
FEED_END = """
SELECT max(position) FROM remit.records
WHERE position < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %s) << 12
"""
_RUNS = """
SELECT tenant, run, root, parent, agent, spec, "user", session, status, version, epoch, created_ms,
    updated_ms, wake_at_ms, owner, lease_until_ms FROM remit.runs
"""
_ONE_RUN = f"{_RUNS} WHERE tenant = %s AND run = %s"


def _record(row: TupleRow) -> Record:
    header = Header(
        tenant=row[0], run=row[1], version=row[2], epoch=row[3], time_ms=row[4], engine=row[5]
    )
    return Record(
        header=header,
        payload=row[6],
        salt=row[7],
        commitment=row[8],
        previous=row[9],
        hash=row[10],
        mac=row[11],
        key_id=row[12],
    )


async def read_records(connection: Connection, tenant: str, run: str, after: int) -> list[Record]:
    """The records of a run above `after`."""
    found = await connection.execute(_RECORDS, (tenant, run, after))
    return [_record(row) for row in await found.fetchall()]


async def read_feed(
    connection: Connection, place: tuple[int, int], tenant: str | None, limit: int
) -> list[FeedItem]:
    """Final records after `place` = (position, base) in feed order."""
    after, base = place
    query = _FEED if tenant is None else _FEED_OF_TENANT
    found = await connection.execute(
        query.encode(), {"after": after, "base": base, "limit": limit, "tenant": tenant}
    )
    return [FeedItem(row[0], _record(row[1:])) for row in await found.fetchall()]


def run_row(row: TupleRow) -> RunRow:
    """The row of a run from its columns in the order of the class."""
    return RunRow(**dict(zip(RunRow.__dataclass_fields__, row, strict=True)))


async def read_run(connection: Connection, tenant: str, run: str) -> RunRow | None:
    """The row of a run."""
    row = await (await connection.execute(_ONE_RUN.encode(), (tenant, run))).fetchone()
    return None if row is None else run_row(row)


def runs_query(
    tenant: str | None,
    session: str | None,
    status: tuple[RunStatus, ...],
    parent: str | None,
    before: str | None,
    limit: int,
    *,
    books: bool = False,
) -> tuple[str, list[str | int | list[RunStatus]]]:
    """The statement and parameters of a list of runs, newest first."""
    where = ["agent = ''" if books else "agent <> ''"]
    values: list[str | int | list[RunStatus]] = []
    for condition, wanted in (
        ("tenant = %s", tenant),
        ("session = %s", session),
        ("parent = %s", parent),
        ("run < %s", before),
    ):
        if wanted is not None:
            where.append(condition)
            values.append(wanted)
    if status:
        where.append("status = ANY(%s)")
        values.append(list(status))
    values.append(limit)
    order = "ORDER BY run DESC, tenant DESC LIMIT %s"
    return f"{_RUNS} WHERE {' AND '.join(where)} {order}", values


async def read_runs(
    connection: Connection, statement: str, values: list[str | int | list[RunStatus]]
) -> list[RunRow]:
    """The rows of `runs_query`."""
    found = await connection.execute(statement.encode(), values)
    return [run_row(row) for row in await found.fetchall()]


async def read_inbox(connection: Connection, tenant: str, run: str) -> list[InboxRow]:
    """Letters of a run that wait, oldest first."""
    found = await connection.execute(
        "SELECT number, key, kind, body, time_ms FROM remit.letters "
        "WHERE tenant = %s AND run = %s AND body IS NOT NULL ORDER BY number",
        (tenant, run),
    )
    return [
        InboxRow(number, Letter(run=run, key=key, kind=kind, body=body, time_ms=time_ms))
        for number, key, kind, body, time_ms in await found.fetchall()
    ]


async def read_balances(
    connection: Connection, tenant: str, prefix: str, after: str, limit: int
) -> list[Balance]:
    """Limited accounts whose name begins with `prefix` and comes after `after`, by name."""
    found = await connection.execute(
        'SELECT account, posted, held, "limit" FROM remit.accounts WHERE tenant = %s '
        "AND account >= %s AND account > %s AND starts_with(account, %s) "
        "ORDER BY account LIMIT %s",
        (tenant, max(prefix, after), after, prefix, limit),
    )
    return [Balance(*row) for row in await found.fetchall()]


async def read_limits(
    connection: Connection, tenant: str, prefixes: tuple[str, ...], limit: int
) -> list[LimitLine]:
    """Limits that operators set, of accounts whose name begins with one of these, by name."""
    found: dict[str, int] = {}
    for prefix in prefixes:
        rows = await connection.execute(
            'SELECT account, "limit" FROM remit.limits WHERE tenant = %s '
            "AND account >= %s AND starts_with(account, %s) ORDER BY account LIMIT %s",
            (keeper(tenant, prefix), prefix, prefix, limit),
        )
        found.update(await rows.fetchall())
    return [LimitLine(name, found[name]) for name in sorted(found)[:limit]]


async def read_open_holds(connection: Connection, tenant: str, run: str) -> list[HoldLine]:
    """Holds whose name begins with the run's and a colon."""
    found = await connection.execute(
        'SELECT hold, account, amount, "limit" FROM remit.holds WHERE tenant = %s '
        "AND hold >= %s AND hold < %s ORDER BY hold, account",
        (tenant, f"{run}:", f"{run};"),
    )
    return [HoldLine(*row) for row in await found.fetchall()]


async def read_switches(connection: Connection) -> list[Switch]:
    """All switches by target."""
    found = await connection.execute(
        "SELECT target, reason, principal, since_ms, until_ms FROM remit.switches ORDER BY target"
    )
    return [Switch(*row) for row in await found.fetchall()]


async def read_value(
    connection: Connection, statement: str, values: tuple[str | int, ...]
) -> bytes | int | None:
    """The single value of a statement, None where it finds no row."""
    row = await (await connection.execute(statement.encode(), values)).fetchone()
    return None if row is None else row[0]
