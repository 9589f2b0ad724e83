"""The trial balance of a journal: what its events come to, account by account."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from remit.journal.codec import open_record
from remit.journal.record import Record
from remit.journal.transfers import transfers
from remit.ports import Store
from remit.values.account import OPERATOR, keeper

Place = tuple[str, str]
"""(keeper, account)."""
_PAGE = 1_000
_ROWS = 100_000
_PATIENCE_S = 30.0


async def whole_feed(store: Store, tenant: str | None = None) -> list[Record]:
    """Every record, once the feed has them all: it stops before a transaction under way."""
    rows = [
        *await store.runs(tenant, limit=_ROWS),
        *await store.runs(tenant, books=True, limit=_ROWS),
    ]
    written = sum(row.version for row in rows)
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            found: list[Record] = []
            after = 0
            while items := await store.feed(after, tenant=tenant, limit=_PAGE):
                after = items[-1].position
                found += [item.record for item in items]
            if len(found) >= written:
                return found
            await asyncio.sleep(0.01)


async def told(store: Store) -> dict[Place, tuple[int, int]]:
    """(posted, held) of every account by the events alone: entries added up, holds left open.

    Raises `KeyError` for an entry that releases a hold which is not open, unless it stands in a
    book: a correction releases none.
    """
    posted: dict[Place, int] = defaultdict(int)
    held: dict[tuple[str, str, str], int] = {}
    for record in await whole_feed(store):
        header = record.header
        body = open_record(record)
        holds, entries = transfers(header.run, () if body is None else body.events)
        for entry in entries:
            posted[keeper(header.tenant, entry.account), entry.account] += entry.amount
            if not header.run.startswith("book_"):
                held.pop((header.tenant, entry.hold, entry.account))
        for hold in holds:
            held[header.tenant, hold.hold, hold.account] = hold.amount
            posted[keeper(header.tenant, hold.account), hold.account] += 0
    reserved: dict[Place, int] = defaultdict(int)
    for (tenant, _, account), amount in held.items():
        reserved[keeper(tenant, account), account] += amount
    return {place: (amount, reserved[place]) for place, amount in posted.items()}


async def kept(store: Store, tenants: Iterable[str]) -> dict[Place, tuple[int, int]]:
    """(posted, held) of every account as the store keeps it, page by page."""
    found: dict[Place, tuple[int, int]] = {}
    for tenant in (*tenants, OPERATOR):
        after = ""
        while page := await store.balances(tenant, after=after, limit=_PAGE):
            after = page[-1].account
            found |= {(tenant, each.account): (each.posted, each.held) for each in page}
    return found
