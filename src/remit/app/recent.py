"""The last day by the journal's feed: what was spent in which hour, which runs were stopped."""

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from remit.journal.codec import open_record
from remit.journal.events import RunEnded
from remit.journal.rows import FeedItem
from remit.ports import Clock, Store
from remit.runtime.ledger import Ledger
from remit.values.ledger import NOTHING, Amounts

HOUR_MS = 3_600_000
HOURS = 24
# Records read at most when it begins: a few hundred megabytes, half a minute on a small machine. A
# journal with more in a day is counted from later on, and says since when.
_MOST = 200_000
_PAGE = 500
_STOPPED = 50  # kept of a tenant; more is a matter of the list of runs
_TENANTS = 1_000  # whose stopped runs are kept


@dataclass(frozen=True, slots=True)
class Hour:
    """What was used in one hour of UTC, which begins at `start_ms`."""

    start_ms: int
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A run that ended without an answer."""

    time_ms: int
    tenant: str
    run: str
    reason: str
    detail: str


class Recent:
    """Follows the feed of one store, as far as it is asked to."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._ledger = Ledger(store)
        self._position = -1
        self._hours: dict[tuple[str, int], Amounts] = defaultdict(Amounts)
        self._stopped: OrderedDict[str, deque[Stopped]] = OrderedDict()
        self._lock = asyncio.Lock()
        self.since_ms = 0
        """From when on everything is counted."""
        self.behind = False
        """Not all that is journalled has been read yet."""

    async def catch_up(self, budget_s: float) -> None:
        """Read what is new, for about so many seconds. Raises `StoreError`, `IntegrityError`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + budget_s
        async with self._lock:
            if self._position < 0:
                await self._begin()
            self.behind = True
            while loop.time() < until:
                items = await self._store.feed(self._position, limit=_PAGE)
                if items:
                    await self._read(items)
                    self._position = items[-1].position
                if len(items) < _PAGE:
                    self.behind = False
                    break
            self._forget()

    async def _read(self, items: Sequence[FeedItem]) -> None:
        for charge in await self._ledger.charges_of_items(items):
            if charge.time_ms >= self.since_ms:
                key = charge.tenant, charge.time_ms // HOUR_MS * HOUR_MS
                self._hours[key] += charge.amounts
        for item in items:
            body = open_record(item.record)
            header = item.record.header
            for event in () if body is None else body.events:
                if isinstance(event, RunEnded) and event.status != "completed":
                    self._note(
                        Stopped(
                            time_ms=header.time_ms,
                            tenant=header.tenant,
                            run=header.run,
                            reason=event.reason,
                            detail=event.detail,
                        )
                    )

    def _note(self, ending: Stopped) -> None:
        known = self._stopped.setdefault(ending.tenant, deque(maxlen=_STOPPED))
        known.append(ending)
        self._stopped.move_to_end(ending.tenant)
        while len(self._stopped) > _TENANTS:
            self._stopped.popitem(last=False)

    def _forget(self) -> None:
        early = self._start()
        for key in [key for key in self._hours if key[1] < early]:
            del self._hours[key]

    def _start(self) -> int:
        """The beginning of the first hour that is shown."""
        return (self._clock.now_ms() // HOUR_MS - HOURS + 1) * HOUR_MS

    # ------------------------------------------------------------ where to begin

    async def _begin(self) -> None:
        """Find where the last day begins, or the last records that are not too many."""
        since_ms = self._start()
        position = await self._last(since_ms)
        end = await self._last(None) + 1
        if end - position > _MOST:
            position = end - _MOST
            first = await self._store.feed(position, limit=1)
            since_ms = max(since_ms, first[0].record.header.time_ms if first else since_ms)
        self._position, self.since_ms = position, since_ms

    async def _last(self, before_ms: int | None) -> int:
        """The last position that a record older than an instant follows (any record for None).

        By halving: positions grow with time, so twenty looks do for a million records.
        """
        low, high = 0, 1
        while await self._follows(high, before_ms):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            if await self._follows(middle, before_ms):
                low = middle
            else:
                high = middle
        return low

    async def _follows(self, position: int, before_ms: int | None) -> bool:
        found = await self._store.feed(position, limit=1)
        return bool(found) and (before_ms is None or found[0].record.header.time_ms < before_ms)

    # ------------------------------------------------------------ what is known

    def hours(self, tenant: str | None) -> tuple[Hour, ...]:
        """The last 24 hours of UTC, the present one last; `None` for all tenants."""
        start = self._start()
        found = {start + each * HOUR_MS: NOTHING for each in range(HOURS)}
        for (whose, hour), amounts in self._hours.items():
            if tenant in (None, whose) and hour in found:
                found[hour] += amounts
        return tuple(Hour(hour, amounts) for hour, amounts in found.items())

    def stopped(self, tenant: str | None) -> tuple[Stopped, ...]:
        """Runs that were stopped in the last day, the newest first."""
        known = self._stopped.values() if tenant is None else [self._stopped.get(tenant, deque())]
        day_ms = self._clock.now_ms() - HOURS * HOUR_MS
        found = [each for some in known for each in some if each.time_ms >= day_ms]
        return tuple(sorted(found, key=lambda each: -each.time_ms)[:_STOPPED])
