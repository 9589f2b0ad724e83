"""Rows of the ledger in Postgres: summed when they are entered, and again by what is asked for."""

from collections.abc import Sequence

from remit.adapters.postgres.connecting import Connection
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
    "tenant": "tenant",
    "day": "day",
    "user": '"user"',
    "agent": "agent",
    "model": "model",
}
_NAMES = ", ".join(AMOUNTS)
_ARRAYS = ", ".join(["%s::text[]"] * len(_COLUMNS) + ["%s::bigint[]"] * len(AMOUNTS))
_ADD = ", ".join(f"{name} = ledger.{name} + excluded.{name}" for name in AMOUNTS)
_SUMS = ", ".join(f"sum({name})::bigint" for name in AMOUNTS)
# The names come from tables of this module and its floor below; values are parameters.
_ENTER = (
    f'INSERT INTO remit.ledger (tenant, day, "user", agent, model, {_NAMES}) '  # noqa: S608  # names of columns
    f'SELECT * FROM unnest({_ARRAYS}) ON CONFLICT (tenant, day, "user", agent, model) '
    f"DO UPDATE SET {_ADD}"
)


async def write_ledger(
    connection: Connection, sums: Sequence[LedgerSum], after: int, upto: int
) -> bool:
    """Add to rows and move the cursor; False when it does not stand at `after`.

    When the answer was lost and this is done once more, the cursor has moved: False, and nothing
    is entered twice.
    """
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO remit.cursors VALUES (%s, 0) ON CONFLICT DO NOTHING", (LEDGER_CURSOR,)
        )
        # Whoever comes second waits here for the first, and then finds another position.
        moved = await connection.execute(
            "UPDATE remit.cursors SET position = %s WHERE name = %s AND position = %s",
            (upto, LEDGER_CURSOR, after),
        )
        if moved.rowcount != 1:
            return False
        if sums:
            keys = [[getattr(each.key, name) for each in sums] for name in _COLUMNS]
            amounts = [[getattr(each.amounts, name) for each in sums] for name in AMOUNTS]
            await connection.execute(_ENTER.encode(), [*keys, *amounts])
    return True


async def move_cursor(connection: Connection, name: str, position: int, expect: int | None) -> bool:
    """Move a projection's cursor; False when it does not stand at `expect`."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO remit.cursors VALUES (%s, 0) ON CONFLICT DO NOTHING", (name,)
        )
        moved = await connection.execute(
            "UPDATE remit.cursors SET position = %s "
            "WHERE name = %s AND (%s::bigint IS NULL OR position = %s)",
            (position, name, expect, expect),
        )
    return moved.rowcount == 1


async def clear_ledger(connection: Connection) -> None:
    """Forget all rows, and how far they reached."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO remit.cursors VALUES (%s, 0) "
            "ON CONFLICT (name) DO UPDATE SET position = 0",
            (LEDGER_CURSOR,),
        )
        await connection.execute("DELETE FROM remit.ledger")


async def read_ledger(
    connection: Connection,
    by: tuple[LedgerField, ...],
    where: LedgerFilter,
    after: LedgerKey | None,
    limit: int,
) -> list[LedgerSum]:
    """Rows summed by these fields and sorted by them in their order."""
    columns = [_COLUMNS[name] for name in by]
    wheres, values = _wheres(where)
    if after is not None and by:
        wheres.append(f"({', '.join(columns)}) > ({', '.join('%s' for _ in by)})")
        values += [getattr(after, name) for name in by]
    statement = (
        f"SELECT {', '.join([*columns, 'count(*)', _SUMS])} FROM remit.ledger "  # noqa: S608  # names of columns
        f"{'WHERE ' if wheres else ''}{' AND '.join(wheres)}"
    )
    if by:
        statement += f" GROUP BY {', '.join(columns)} ORDER BY {', '.join(columns)}"
    found = await connection.execute(f"{statement} LIMIT %s".encode(), (*values, limit))
    count = len(by)
    return [
        LedgerSum(LedgerKey(**dict(zip(by, row, strict=False))), Amounts(*row[count + 1 :]))
        for row in await found.fetchall()
        if row[count]
    ]


def _wheres(where: LedgerFilter) -> tuple[list[str], list[str | int]]:
    conditions = (
        ("tenant = %s", where.tenant),
        ('"user" = %s', where.user),
        ("agent = %s", where.agent),
        ("model = %s", where.model),
        ("day >= %s", where.since),
        ("day <= %s", where.until),
    )
    known = [(text, value) for text, value in conditions if value is not None]
    return [text for text, _ in known], [value for _, value in known]
