"""Leaf numbers of a tenant's records: given in feed order, one at a time, never changed."""

from remit.adapters.postgres.connecting import Connection

_TREE = """
INSERT INTO remit.trees VALUES (%s, 0, 0) ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT size, position FROM remit.trees WHERE tenant = %s FOR UPDATE
"""
# One step numbers at most this many, so that a long backlog does not become one long statement.
_STEP = 10_000
_NUMBER = """
WITH fresh AS (
    SELECT position, hash FROM remit.records
    WHERE tenant = %(tenant)s AND position > %(after)s
        AND position < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %(base)s) << 12
    ORDER BY position LIMIT %(step)s
), numbered AS (
    INSERT INTO remit.leaves
    SELECT %(tenant)s, %(size)s + row_number() OVER (ORDER BY position) - 1, hash FROM fresh
)
UPDATE remit.trees SET size = size + (SELECT count(*) FROM fresh),
    position = coalesce((SELECT max(position) FROM fresh), position)
WHERE tenant = %(tenant)s RETURNING size
"""
_LEAVES = """
SELECT hash FROM remit.leaves WHERE tenant = %s AND leaf >= %s AND leaf < %s ORDER BY leaf
"""


async def sequence(connection: Connection, tenant: str, base: int) -> int:
    """Number the final records that have no leaf yet; how many leaves there are."""
    await connection.execute(_TREE, (tenant,))
    while True:
        async with connection.transaction():
            row = await (await connection.execute(_LOCK, (tenant,))).fetchone()
            size, after = row if row is not None else (0, 0)
            values = {
                "tenant": tenant,
                "after": after,
                "base": base,
                "size": size,
                "step": _STEP,
            }
            done = await (await connection.execute(_NUMBER, values)).fetchone()
        total = int(done[0]) if done is not None else 0
        if total - size < _STEP:
            return total


async def read_leaves(connection: Connection, tenant: str, start: int, end: int) -> list[bytes]:
    """The record hashes with leaf numbers from `start` to below `end`."""
    found = await connection.execute(_LEAVES, (tenant, start, end))
    return [hash_ for (hash_,) in await found.fetchall()]
