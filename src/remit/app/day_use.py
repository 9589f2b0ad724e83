"""Our side of a reconciliation: one day of the journal, summed without holding it."""

from datetime import date

from remit.journal.codec import open_record
from remit.journal.rows import FeedItem
from remit.policy.book import book_of
from remit.ports import Store
from remit.projections.daily_use import DailyUse, DayUse
from remit.projections.timeline import Pair
from remit.values.statement import DAY, start_ms

_PAGE = 1_000  # records opened at a time
_MAX_POSITION = 2**62


def bill_holder(provider: str) -> str:
    """Whose book the bills of a provider stand in."""
    return f"bill:{provider}"


async def day_use(
    store: Store, day: date, provider: str, prefixes: tuple[str, ...], tenant: str | None = None
) -> DayUse:
    """What the models of a provider were used for on a UTC day.

    `tenant=None`: by all tenants. Raises `ChainBroken` or `StoreCorrupt` for damaged records.
    """
    daily = DailyUse(day, prefixes)
    # A call begins at most a day before it is settled: no model call may take longer.
    first, after = start_ms(day - DAY), start_ms(day + DAY + DAY)
    position = await _position(store, tenant, first)
    while items := await store.feed(position, tenant=tenant, limit=_PAGE):
        daily.add(_pairs(items, daily))
        position = items[-1].position
        if all(item.record.header.time_ms >= after for item in items):
            break
    for owner in sorted({doubt.tenant for doubt in daily.use.doubts.values()}):
        for record in await store.records(owner, book_of(bill_holder(provider))):
            body = open_record(record)
            daily.add([] if body is None else [(record.header, body)])
    return daily.use


def _pairs(items: list[FeedItem], daily: DailyUse) -> list[Pair]:
    found: list[Pair] = []
    for item in items:
        body = open_record(item.record)
        if body is None:
            daily.use.erased += 1
        else:
            found.append((item.record.header, body))
    return found


async def _position(store: Store, tenant: str | None, first_ms: int) -> int:
    """A position before every record decided at `first_ms` or later.

    Records stand in the order of their commit, which is that of their time but for the clocks of
    several machines; `first_ms` lies a day before what is looked for, more than clocks differ.
    """
    low, high = 0, 1
    while high < _MAX_POSITION and await _is_before(store, tenant, high, first_ms):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if await _is_before(store, tenant, middle, first_ms):
            low = middle
        else:
            high = middle
    return low


async def _is_before(store: Store, tenant: str | None, position: int, first_ms: int) -> bool:
    """Whether the record behind this position is older than `first_ms`."""
    items = await store.feed(position, tenant=tenant, limit=1)
    return bool(items) and items[0].record.header.time_ms < first_ms
