"""Rows of the ledger in SQLite: summed when they are entered, and again by what is asked for."""

import sqlite3
from collections.abc import Sequence

from remit.adapters.sqlite.names import Names
from remit.adapters.sqlite.reading import read_cursor
from remit.values.ledger import (
    AMOUNTS,
    LEDGER_CURSOR,
    Amounts,
    LedgerField,
    LedgerFilter,
    LedgerKey,
    LedgerSum,
)

_COLUMNS: dict[LedgerField, str] = {
    "tenant": "tenants.name",
    "day": "day",
    "user": "user",
    "agent": "agent",
    "model": "model",
}
_NAMES = ", ".join(AMOUNTS)
_MARKS = ", ".join("?" for _ in AMOUNTS)
_ADD = ", ".join(f"{name} = {name} + excluded.{name}" for name in AMOUNTS)
_SUMS = ", ".join(f"sum({name})" for name in AMOUNTS)
# The names come from tables of this module and its floor below; values are parameters.
_ENTER = (
    f"INSERT INTO ledger (tenant, day, user, agent, model, {_NAMES}) "  # noqa: S608  # names of columns
    f"VALUES (?, ?, ?, ?, ?, {_MARKS}) ON CONFLICT DO UPDATE SET {_ADD}"
)


def write_ledger(
    connection: sqlite3.Connection, names: Names, sums: Sequence[LedgerSum], after: int, upto: int
) -> bool:
    """Add to rows and move the cursor; False when it does not stand at `after`."""
    if read_cursor(connection, LEDGER_CURSOR) != after:
        return False
    for each in sums:
        key, amounts = each.key, each.amounts
        tenant = names.tenant(connection, key.tenant)
        values = (getattr(amounts, name) for name in AMOUNTS)
        connection.execute(_ENTER, (tenant, key.day, key.user, key.agent, key.model, *values))
    return move_cursor(connection, LEDGER_CURSOR, upto)


def clear_ledger(connection: sqlite3.Connection) -> None:
    """Forget all rows, and how far they reached."""
    connection.execute("DELETE FROM ledger")
    move_cursor(connection, LEDGER_CURSOR, 0)


def move_cursor(
    connection: sqlite3.Connection, name: str, position: int, expect: int | None = None
) -> bool:
    """Move a projection's cursor; False when it does not stand at `expect`."""
    if expect is not None and read_cursor(connection, name) != expect:
        return False
    connection.execute(
        "INSERT INTO cursors VALUES (?1, ?2) ON CONFLICT DO UPDATE SET position = ?2",
        (name, position),
    )
    return True


def read_ledger(
    connection: sqlite3.Connection,
    by: tuple[LedgerField, ...],
    where: LedgerFilter,
    after: LedgerKey | None,
    limit: int,
) -> list[LedgerSum]:
    """Rows summed by these fields and sorted by them in their order."""
    columns = [_COLUMNS[name] for name in by]
    wheres, values = _wheres(where)
    if after is not None and by:
        wheres.append(f"({', '.join(columns)}) > ({', '.join('?' for _ in by)})")
        values += [getattr(after, name) for name in by]
    statement = (
        f"SELECT {', '.join([*columns, 'count(*)', _SUMS])} FROM ledger "  # noqa: S608  # names of columns
        f"JOIN tenants ON tenants.id = tenant {'WHERE ' if wheres else ''}{' AND '.join(wheres)}"
    )
    if by:
        statement += f" GROUP BY {', '.join(columns)} ORDER BY {', '.join(columns)}"
    rows = connection.execute(f"{statement} LIMIT ?", (*values, limit))
    count = len(by)
    return [
        LedgerSum(LedgerKey(**dict(zip(by, row, strict=False))), Amounts(*row[count + 1 :]))
        for row in rows
        if row[count]
    ]


def _wheres(where: LedgerFilter) -> tuple[list[str], list[str | int]]:
    conditions = (
        ("tenant = (SELECT id FROM tenants WHERE name = ?)", where.tenant),
        ("user = ?", where.user),
        ("agent = ?", where.agent),
        ("model = ?", where.model),
        ("day >= ?", where.since),
        ("day <= ?", where.until),
    )
    known = [(text, value) for text, value in conditions if value is not None]
    return [text for text, _ in known], [value for _, value in known]
