"""Append a batch in one transaction: lock and read in one trip, decide here, write in another.

Rows are locked in sorted order, so that two workers never wait for each other in a circle: names
of new runs and sessions and the limits of tenants, then runs, then limited accounts. Accounts that
nobody else touches are locked without anybody noticing; those shared by a tenant, or by all, are
held for one commit. Who reads a tenant's limits shares one lock, whoever sets one has it alone: a
limit that is set holds for every append that commits later, also where there was none before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from remit.adapters.postgres.connecting import Connection
from remit.adapters.postgres.writing import Rows, Written, columns, write
from remit.errors import ChainBroken, UsageError
from remit.journal.admit import LIVE, Stand, admit
from remit.journal.rows import Answer, Append, Appended, Conflict, Exceeded, Fenced
from remit.journal.settle import (
    HoldKey,
    Settled,
    Standing,
    crossed_letter,
    settle,
    touched_accounts,
    touched_holds,
    touched_limits,
)
from remit.journal.transfers import HoldLine
from remit.values.account import keeper

RunKey = tuple[str, str]
AccountKey = tuple[str, str]
Cursor = AsyncCursor[TupleRow]

_LOCK_NAMES = """
SELECT CASE WHEN alone THEN pg_advisory_xact_lock(number)
    ELSE pg_advisory_xact_lock_shared(number) END
FROM (SELECT hashtextextended(name, 0) AS number, alone
    FROM unnest(%s::text[], %s::boolean[]) AS named (name, alone) ORDER BY number) AS names
"""
_LOCK_RUNS = """
SELECT tenant, run, version, epoch, status, head FROM remit.runs
WHERE (tenant, run) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
ORDER BY tenant, run FOR UPDATE
"""
_ACTIVE = """
SELECT tenant, session, version, run FROM remit.runs
WHERE (tenant, session) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
    AND parent IS NULL AND status IN ('running', 'waiting')
"""
# Written before it is locked, so that two workers cannot both find it missing.
_MAKE_ACCOUNTS = """
INSERT INTO remit.accounts SELECT tenant, account, 0, 0, 0, false
FROM unnest(%s::text[], %s::text[]) AS touched (tenant, account) ORDER BY tenant, account
ON CONFLICT DO NOTHING RETURNING tenant, account
"""
_LOCK_ACCOUNTS = """
SELECT tenant, account, posted, held, "limit", warned FROM remit.accounts
WHERE (tenant, account) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
ORDER BY tenant, account FOR UPDATE
"""
# Read by a statement of its own, after the one that locks: each sees what is committed by then.
_LIMITS = """
SELECT tenant, account, "limit" FROM remit.limits
WHERE (tenant, account) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_HOLDS = """
SELECT tenant, hold, account, amount, "limit" FROM remit.holds
WHERE (tenant, hold, account) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))
"""
_STORED = """
SELECT tenant, run, version, hash FROM remit.records
WHERE (tenant, run, version) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[]))
"""


@dataclass
class _World:
    """What the batch was checked against, kept up to date append by append."""

    runs: dict[RunKey, Stand] = field(default_factory=dict)
    active: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """(tenant, session) -> (version, run)."""
    standings: dict[AccountKey, Standing] = field(default_factory=dict)
    limits: dict[AccountKey, int] = field(default_factory=dict)
    made: set[AccountKey] = field(default_factory=set)
    holds: dict[str, dict[HoldKey, HoldLine]] = field(default_factory=dict)
    stored: dict[tuple[str, str, int], bytes] = field(default_factory=dict)


async def append_batch(
    connection: Connection, appends: Sequence[Append], base: int
) -> list[Answer | ChainBroken | UsageError]:
    """The answers, in order; everything is durable when this returns.

    When this raises, nothing was written, unless the connection was lost: then nobody knows, and
    doing it again is safe.
    """
    world = await _read(connection, appends)
    written = Written()
    answers = [_decide(world, written, append) for append in appends]
    written.unmade = sorted(world.made - written.standings.keys())
    async with connection.pipeline():
        await write(connection, written, base)
        await connection.execute("COMMIT")
    return answers


async def _read(connection: Connection, appends: Sequence[Append]) -> _World:
    """Begin, lock everything that the batch touches, and read it."""
    names = _locks(appends)
    runs = sorted({(a.record.header.tenant, a.record.header.run) for a in appends})
    sessions = sorted(
        {(a.record.header.tenant, a.new.session) for a in appends if a.new is not None}
    )
    accounts = sorted(
        {
            (keeper(a.record.header.tenant, account), account)
            for a in appends
            for account in touched_accounts(a.holds, a.posts)
        }
    )
    limits = sorted({key for append in appends for key in _limit_keys(append)})
    holds = sorted(
        {(a.record.header.tenant, *key) for a in appends for key in touched_holds(a.holds, a.posts)}
    )
    async with connection.pipeline():
        await connection.execute("BEGIN")
        if names:
            await connection.execute(_LOCK_NAMES, columns(names))
        found_runs = await connection.execute(_LOCK_RUNS, columns(runs))
        found_active = await _ask(connection, _ACTIVE, sessions)
        made = await _ask(connection, _MAKE_ACCOUNTS, accounts)
        found_accounts = await _ask(connection, _LOCK_ACCOUNTS, accounts)
        found_holds = await _ask(connection, _HOLDS, holds)
        found_limits = await _ask(connection, _LIMITS, limits)
    world = _World()
    for tenant, run, *stand in await found_runs.fetchall():
        world.runs[tenant, run] = Stand(*stand)
    for tenant, session, version, run in await _rows(found_active):
        world.active[tenant, session] = (version, run)
    world.made = {(tenant, account) for tenant, account in await _rows(made)}
    for tenant, account, *numbers in await _rows(found_accounts):
        world.standings[tenant, account] = Standing(*numbers)
    for tenant, account, limit in await _rows(found_limits):
        world.limits[tenant, account] = limit
    for tenant, hold, account, amount, limit in await _rows(found_holds):
        line = HoldLine(hold, account, amount, limit)
        world.holds.setdefault(tenant, {})[hold, account] = line
    await _read_stored(connection, appends, world)
    return world


async def _ask(connection: Connection, statement: str, rows: Rows) -> Cursor | None:
    """Ask about rows, if there are any."""
    if not rows:
        return None
    return await connection.execute(statement.encode(), columns(rows))


async def _rows(cursor: Cursor | None) -> list[TupleRow]:
    return [] if cursor is None else await cursor.fetchall()


def _limit_keys(append: Append) -> list[AccountKey]:
    """Where the limits stand that its holds must keep."""
    tenant = append.record.header.tenant
    return [(keeper(tenant, name), name) for name in touched_limits(append.holds)]


def _locks(appends: Sequence[Append]) -> list[tuple[str, bool]]:
    """The names to lock, each with whether nobody may share it."""
    alone = {name for append in appends for name in _names(append)}
    for append in appends:
        tenant = append.record.header.tenant
        alone |= {f"limits {keeper(tenant, each.account)}" for each in append.limits}
    read = {f"limits {tenant}" for append in appends for tenant, _ in _limit_keys(append)}
    return [(name, name in alone) for name in sorted(alone | read)]


def _names(append: Append) -> tuple[str, ...]:
    """What must not come into being twice at the same time."""
    if append.new is None:
        return ()
    header = append.record.header
    run = f"run {header.tenant} {header.run}"
    if append.new.parent is not None:
        return (run,)
    return (run, f"session {header.tenant} {append.new.session}")


async def _read_stored(connection: Connection, appends: Sequence[Append], world: _World) -> None:
    """Read the hashes at versions that are taken: the same record may have been written before."""
    taken = []
    for append in appends:
        header = append.record.header
        row = world.runs.get((header.tenant, header.run))
        if row is not None and row.version >= header.version:
            taken.append((header.tenant, header.run, header.version))
    if taken:
        found = await connection.execute(_STORED, columns(taken))
        for tenant, run, version, hash_ in await found.fetchall():
            world.stored[tenant, run, version] = hash_


def _decide(world: _World, written: Written, append: Append) -> Answer | ChainBroken | UsageError:
    """The answer to one append; what it writes goes to `written`, what it changes to `world`."""
    header = append.record.header
    tenant = header.tenant
    try:
        answer = _admit(world, append)
    except (ChainBroken, UsageError) as exc:
        return exc
    if answer is not None:
        return answer
    settled = settle(
        append.holds,
        append.posts,
        _standings(world, append),
        world.holds.setdefault(tenant, {}),
        {key[1]: world.limits[key] for key in _limit_keys(append) if key in world.limits},
    )
    if isinstance(settled, Exceeded):
        return settled
    _enter(world, append, settled)
    world.runs[tenant, header.run] = Stand(
        header.version, header.epoch, append.status, append.record.hash
    )
    world.stored[tenant, header.run, header.version] = append.record.hash
    if append.new is not None and append.new.parent is None and append.status in LIVE:
        world.active[tenant, append.new.session] = (header.version, header.run)
    letters = [crossed_letter(header.run, each, header.time_ms) for each in settled.crossed]
    written.add(append, settled, letters)
    return Appended(settled.crossed)


def _standings(world: _World, append: Append) -> dict[str, Standing]:
    """What is known of the accounts that an append touches."""
    tenant = append.record.header.tenant
    found = {}
    for name in touched_accounts(append.holds, append.posts):
        known = world.standings.get((keeper(tenant, name), name))
        if known is not None:
            found[name] = known
    return found


def _enter(world: _World, append: Append, settled: Settled) -> None:
    """What the next append of the batch finds on accounts, holds and limits."""
    tenant = append.record.header.tenant
    for name, standing in settled.standings.items():
        world.standings[keeper(tenant, name), name] = standing
    for key, line in settled.open_holds.items():
        if line is None:
            world.holds[tenant].pop(key, None)
        else:
            world.holds[tenant][key] = line
    for each in append.limits:
        where = (keeper(tenant, each.account), each.account)
        if each.limit is None:
            world.limits.pop(where, None)
        else:
            world.limits[where] = each.limit


def _admit(world: _World, append: Append) -> Appended | Conflict | Fenced | None:
    header = append.record.header
    row = world.runs.get((header.tenant, header.run))
    if row is not None:
        stored = world.stored.get((header.tenant, header.run, header.version))
        return admit(append, row, stored)
    if append.new is None:
        return Conflict("version", 0, header.run)
    if append.new.parent is None:
        active = world.active.get((header.tenant, append.new.session))
        if active is not None:
            return Conflict("session", *active)
    return None
