"""Leaf numbers of a tenant's records, kept as spans of neighbours in the feed.

One row says that leaf `leaf + i` is the record at `position + i`, for `count` records. With one
tenant the whole journal is one row; with many that write at the same time, one row per record at
worst.
"""

import sqlite3

from remit.adapters.sqlite.names import Names


def write_sequence(connection: sqlite3.Connection, names: Names, tenant_name: str) -> int:
    """Number the records that have no leaf yet; how many leaves there are."""
    tenant = names.known_tenant(connection, tenant_name)
    if tenant is None:
        return 0
    newest = connection.execute(
        "SELECT leaf, position, count FROM spans WHERE tenant = ? ORDER BY leaf DESC LIMIT 1",
        (tenant,),
    ).fetchone()
    leaf, start, count = newest or (0, 0, 0)
    positions = connection.execute(
        "SELECT position FROM records WHERE tenant = ? AND position >= ? ORDER BY position",
        (tenant, start + count),
    )
    changed: dict[int, tuple[int, int]] = {}
    for (position,) in positions:
        if count == 0 or position != start + count:
            leaf, start, count = leaf + count, position, 0
        count += 1
        changed[leaf] = (start, count)
    connection.executemany(
        "INSERT INTO spans VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET count = ?4",
        [(tenant, leaf, *span) for leaf, span in changed.items()],
    )
    return int(leaf + count)


def read_leaves(connection: sqlite3.Connection, tenant: str, start: int, end: int) -> list[bytes]:
    """The record hashes with leaf numbers from `start` to below `end`."""
    rows = connection.execute(
        "SELECT proof FROM spans CROSS JOIN records "
        "WHERE spans.tenant = (SELECT id FROM tenants WHERE name = ?1) "
        "AND leaf < ?3 AND leaf + count > ?2 "
        "AND records.position BETWEEN spans.position + max(?2 - leaf, 0) "
        "AND spans.position + min(?3 - leaf, count) - 1 "
        "ORDER BY leaf, records.position",
        (tenant, start, end),
    )
    return [row[0][:32] for row in rows]
