"""Leases between machines: another owner is waited for, and the skew of clocks with it."""

from remit.adapters.postgres.connecting import Connection
from remit.adapters.postgres.reading import run_row
from remit.journal.rows import Claimed

SKEW_MS = 2_000
"""How far the clocks of two machines may differ: another's lease is respected this much longer.

NTP keeps clocks within some milliseconds; two seconds covers one that has lost it lately.
"""

_CLAIM = """
WITH before AS (
    SELECT tenant, run, owner, lease_until_ms FROM remit.runs
    WHERE tenant = %(tenant)s AND run = %(run)s AND status IN ('running', 'waiting')
        AND (owner IS NULL OR owner = %(owner)s OR lease_until_ms + %(skew)s <= %(now)s)
    FOR UPDATE
)
UPDATE remit.runs SET owner = %(owner)s, lease_until_ms = %(until)s,
    epoch = epoch + CASE
        WHEN before.owner = %(owner)s AND before.lease_until_ms > %(now)s THEN 0 ELSE 1 END
FROM before WHERE runs.tenant = before.tenant AND runs.run = before.run
RETURNING before.owner, runs.tenant, runs.run, root, parent, agent, spec, "user", session, status,
    version, epoch, created_ms, updated_ms, wake_at_ms, runs.owner, runs.lease_until_ms
"""
_RENEW = """
UPDATE remit.runs SET lease_until_ms = %s
WHERE tenant = %s AND run = %s AND epoch = %s AND owner IS NOT NULL
"""
_RELEASE = """
UPDATE remit.runs SET owner = NULL, lease_until_ms = 0
WHERE tenant = %s AND run = %s AND epoch = %s
"""
_DUE = """
SELECT tenant, run FROM remit.runs
WHERE status IN ('running', 'waiting')
    AND (owner IS NULL OR lease_until_ms + %(skew)s <= %(now)s)
    AND (status = 'running' OR wake_at_ms <= %(now)s OR EXISTS (
        SELECT 1 FROM remit.letters
        WHERE letters.tenant = runs.tenant AND letters.run = runs.run AND body IS NOT NULL))
ORDER BY updated_ms, run LIMIT %(limit)s
"""


async def claim(
    connection: Connection, place: tuple[str, str], lease: tuple[str, int, int]
) -> Claimed | None:
    """Give the run at (tenant, run) to the owner of `lease` = (owner, now_ms, until_ms)."""
    owner, now_ms, until_ms = lease
    found = await connection.execute(
        _CLAIM,
        {
            "tenant": place[0],
            "run": place[1],
            "owner": owner,
            "now": now_ms,
            "until": until_ms,
            "skew": SKEW_MS,
        },
    )
    row = await found.fetchone()
    return None if row is None else Claimed(run_row(row[1:]), row[0])


async def renew(connection: Connection, place: tuple[str, str], epoch: int, until_ms: int) -> bool:
    """Prolong a lease of this epoch."""
    done = await connection.execute(_RENEW, (until_ms, *place, epoch))
    return done.rowcount == 1


async def release(connection: Connection, place: tuple[str, str], epoch: int) -> None:
    """End a lease of this epoch."""
    await connection.execute(_RELEASE, (*place, epoch))


async def due(connection: Connection, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Live runs that want to be driven and that nobody drives, longest untouched first."""
    found = await connection.execute(_DUE, {"now": now_ms, "limit": limit, "skew": SKEW_MS})
    return [(tenant, run) for tenant, run in await found.fetchall()]
