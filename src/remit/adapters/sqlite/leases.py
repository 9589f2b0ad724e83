"""Leases on one machine: a dead owner is known by its file lock, so nobody waits for it."""

import sqlite3
from collections.abc import Callable

from remit.adapters.sqlite.reading import read_run
from remit.journal.admit import LIVE
from remit.journal.rows import Claimed

IsDead = Callable[[str], bool]


def write_claim(
    connection: sqlite3.Connection,
    place: tuple[str, str],
    lease: tuple[str, int, int],
    is_dead: IsDead,
) -> Claimed | None:
    """Give the run at (tenant, run) to the owner of `lease` = (owner, now_ms, until_ms)."""
    owner, now_ms, until_ms = lease
    row = read_run(connection, *place)
    if row is None or row.status not in LIVE:
        return None
    leased = row.owner is not None and row.lease_until_ms > now_ms
    if leased and row.owner != owner and not is_dead(row.owner or ""):
        return None
    epoch = row.epoch if leased and row.owner == owner else row.epoch + 1
    connection.execute(
        "UPDATE runs SET owner = ?3, lease_until_ms = ?4, epoch = ?5 "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND run = ?2",
        (*place, owner, until_ms, epoch),
    )
    taken = read_run(connection, *place)
    return None if taken is None else Claimed(taken, row.owner)


def write_renewal(
    connection: sqlite3.Connection, place: tuple[str, str], epoch: int, until_ms: int
) -> bool:
    """Prolong a lease of this epoch."""
    cursor = connection.execute(
        "UPDATE runs SET lease_until_ms = ?4 "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND run = ?2 "
        "AND epoch = ?3 AND owner IS NOT NULL",
        (*place, epoch, until_ms),
    )
    return cursor.rowcount == 1


def write_release(connection: sqlite3.Connection, place: tuple[str, str], epoch: int) -> None:
    """End a lease of this epoch."""
    connection.execute(
        "UPDATE runs SET owner = NULL, lease_until_ms = 0 "
        "WHERE tenant = (SELECT id FROM tenants WHERE name = ?1) AND run = ?2 AND epoch = ?3",
        (*place, epoch),
    )


def write_farewell(connection: sqlite3.Connection, owners: tuple[str, ...]) -> None:
    """End every lease of owners that can drive nothing any more."""
    for owner in owners:
        connection.execute(
            "UPDATE runs SET owner = NULL, lease_until_ms = 0 "
            "WHERE owner = ? AND status IN ('running', 'waiting')",
            (owner,),
        )


def read_owners(connection: sqlite3.Connection) -> set[str]:
    """Who holds a lease on a live run, over or not."""
    rows = connection.execute(
        "SELECT DISTINCT owner FROM runs "
        "WHERE owner IS NOT NULL AND status IN ('running', 'waiting')"
    )
    return {owner for (owner,) in rows}


def read_due(
    connection: sqlite3.Connection, now_ms: int, limit: int, is_dead: IsDead
) -> list[tuple[str, str]]:
    """Live runs that want to be driven and that nobody drives, longest untouched first."""
    rows = connection.execute(
        "SELECT tenants.name, runs.run, owner, lease_until_ms FROM runs INDEXED BY runs_live "
        "JOIN tenants ON tenants.id = runs.tenant "
        "WHERE status IN ('running', 'waiting') AND ("
        "status = 'running' OR wake_at_ms <= ? OR EXISTS (SELECT 1 FROM letters "
        "WHERE letters.tenant = runs.tenant AND letters.run = runs.run AND body IS NOT NULL)) "
        "ORDER BY updated_ms, runs.run",
        (now_ms,),
    )
    dead: dict[str, bool] = {}
    due: list[tuple[str, str]] = []
    for tenant, run, owner, lease_until_ms in rows:
        if owner is not None and lease_until_ms > now_ms:
            if owner not in dead:
                dead[owner] = is_dead(owner)
            if not dead[owner]:
                continue
        due.append((tenant, run))
        if len(due) == limit:
            break
    return due
