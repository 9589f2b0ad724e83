"""Sums the feed of records into the store's ledger, exactly once each, however many do it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence

from remit.journal.codec import open_record
from remit.journal.record import Record
from remit.journal.rows import FeedItem, RunRow
from remit.policy.book import is_book
from remit.ports import Store
from remit.projections.ledger import Charge, RunCharges, Who, corrected_runs, sums
from remit.projections.timeline import Pair
from remit.values.ledger import (
    LEDGER_CURSOR,
    NOTHING,
    Amounts,
    LedgerField,
    LedgerFilter,
    LedgerSum,
    utc_day,
)

# Records of one transaction: a hundred milliseconds of reading that are lost if others were faster.
_BATCH = 500
# Runs whose open calls are kept between two records: as many as may be live in a busy system, at a
# few hundred bytes each. One that is not here is read again from its beginning.
_RUNS = 10_000
# Runs looked through for a list of sessions; what has more is asked by day, user or session.
_ROWS = 1_000
# Reading this many records takes about 2 ms; then others on this loop have a turn.
_BREATH = 16


class Ledger:
    """Reads sums of the ledger and keeps them up to date.

    The rows are sums by tenant, UTC day, user, agent and model, so there are as many as such
    combinations were in use, not as many as calls.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: OrderedDict[tuple[str, str], RunCharges] = OrderedDict()
        self._turn = asyncio.Lock()

    async def catch_up(self) -> int:
        """Enter every record that is not in the sums yet; how many this call entered.

        Raises `IntegrityError` for a damaged record: nothing after it is counted until it is
        mended; and `StoreError`.
        """
        entered = 0
        async with self._turn:
            while True:
                after = await self._store.cursor(LEDGER_CURSOR)
                items = await self._store.feed(after, limit=_BATCH)
                if not items:
                    return entered
                found = await self._charges(items)
                rows = [LedgerSum(key, amounts) for key, amounts in sums(found).items()]
                upto = items[-1].position
                if await self._store.enter_ledger(rows, after=after, upto=upto):
                    entered += len(items)

    async def rebuild(self) -> int:
        """Forget the sums and make them anew from the journal; how many records were read."""
        await self._store.clear_ledger()
        return await self.catch_up()

    async def read(
        self, by: tuple[LedgerField, ...], where: LedgerFilter, limit: int
    ) -> list[LedgerSum]:
        """Sums of all that was settled until now."""
        await self.catch_up()
        return await self._store.ledger(by, where, limit=limit)

    async def total(self, where: LedgerFilter) -> Amounts:
        """All of it together, up to the last `catch_up`."""
        found = await self._store.ledger((), where)
        return found[0].amounts if found else NOTHING

    # ------------------------------------------------------------ entries, read on demand

    async def sessions(self, where: LedgerFilter) -> dict[tuple[str, str], Amounts]:
        """Sums by (tenant, session), read from the runs that were active then."""
        found: dict[tuple[str, str], Amounts] = {}
        async for charge in self.charges(where):
            name = charge.tenant, charge.who.session
            found[name] = found.get(name, NOTHING) + charge.amounts
        return found

    async def charges(
        self, where: LedgerFilter, *, session: str | None = None
    ) -> AsyncIterator[Charge]:
        """Every entry that `where` takes, of newer runs first."""
        for books in (False, True):
            if books and session is not None:
                return  # a book is of no session
            async for row in self._rows(where, session, books=books):
                for charge in await charges_of(self._store, row):
                    if where.takes(charge.key):
                        yield charge

    async def _rows(
        self, where: LedgerFilter, session: str | None, *, books: bool
    ) -> AsyncIterator[RunRow]:
        before: str | None = None
        while True:
            page = await self._store.runs(
                where.tenant, session=session, before=before, limit=_ROWS, books=books
            )
            for row in page:
                if _may_hold(row, where, books=books):
                    yield row
            if len(page) < _ROWS:
                return
            before = page[-1].run

    # ------------------------------------------------------------ records in feed order

    async def charges_of_items(self, items: Sequence[FeedItem]) -> list[Charge]:
        """The entries of records in feed order, each call with what follows the last one's."""
        return await self._charges(items)

    async def _charges(self, items: Sequence[FeedItem]) -> list[Charge]:
        found: list[Charge] = []
        for number, item in enumerate(items, start=1):
            body = open_record(item.record)
            if body is not None:
                run = await self._run_before(item.record, (item.record.header, body))
                found += run.add((item.record.header, body))
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        return found

    async def _run_before(self, record: Record, pair: Pair) -> RunCharges:
        """The run as it stood before a record."""
        header = record.header
        key = header.tenant, header.run
        known = self._runs.get(key)
        if known is None or known.version != header.version - 1:
            known = await self._read_before(record)
        known.others = await others_of(self._store, header.tenant, header.run, [pair])
        self._runs[key] = known
        self._runs.move_to_end(key)
        if len(self._runs) > _RUNS:
            self._runs.popitem(last=False)
        return known

    async def _read_before(self, record: Record) -> RunCharges:
        header = record.header
        run = RunCharges(header.tenant, header.run)
        row = await self._store.run(header.tenant, header.run)
        if row is not None:
            run.who = who_of(row)
        if header.version > 1:
            for earlier in await self._store.records(header.tenant, header.run):
                if earlier.header.version >= header.version:
                    break
                body = open_record(earlier)
                if body is not None:
                    run.add((earlier.header, body))
        return run


def _may_hold(row: RunRow, where: LedgerFilter, *, books: bool) -> bool:
    """Whether entries of this run can be among those that are meant, by its row alone."""
    late = where.until is not None and utc_day(row.created_ms) > where.until
    early = where.since is not None and utc_day(row.updated_ms) < where.since
    if late or early:
        return False
    return books or (where.user in (None, row.user) and where.agent in (None, row.agent))


def who_of(row: RunRow) -> Who:
    """In whose name a run works."""
    return Who(user=row.user, agent=row.agent, session=row.session)


async def others_of(store: Store, tenant: str, run: str, pairs: Sequence[Pair]) -> dict[str, Who]:
    """Who the runs are that these records of a book speak of."""
    if not is_book(run):
        return {}
    rows = [await store.run(tenant, name) for name in sorted(corrected_runs(pairs))]
    return {row.run: who_of(row) for row in rows if row is not None}


async def charges_of(store: Store, row: RunRow) -> list[Charge]:
    """The entries of one run or book. Raises `IntegrityError` for a damaged record."""
    pairs: list[Pair] = []
    for record in await store.records(row.tenant, row.run):
        body = open_record(record)
        if body is not None:
            pairs.append((record.header, body))
    run = RunCharges(row.tenant, row.run, who=who_of(row))
    run.others = await others_of(store, row.tenant, row.run, pairs)
    return [charge for pair in pairs for charge in run.add(pair)]
