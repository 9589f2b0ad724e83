"""What a reader of a tree of runs has not seen yet, from the journal: causes first, else by time.

Each run comes in its own order. A sub-run begins after the event that asked for it, and is told to
its end before its parent says that it has ended; between them the records' times decide.
"""

from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from remit.app.live_cursor import Cursor
from remit.journal.codec import open_record
from remit.journal.events import Event, SubrunEnded, SubrunRequested
from remit.journal.record import Header, Record
from remit.ports import Store

# Records of one run held at a time; a reader that takes them slowly holds no more.
_PAGE = 256


@dataclass(slots=True)
class _Queue:
    """Records of one run that wait for their turn; `more` are in the store."""

    records: deque[Record]
    more: bool
    head: tuple[Header, tuple[Event, ...]] | None = field(default=None)

    def open(self) -> tuple[Header, tuple[Event, ...]]:
        """The first record; no events where it was erased. Raises `IntegrityError`."""
        if self.head is None:
            body = open_record(self.records[0])
            self.head = (self.records[0].header, () if body is None else body.events)
        return self.head

    def pop(self) -> None:
        self.records.popleft()
        self.head = None


async def past(
    store: Store, tenant: str, cursor: Cursor
) -> AsyncGenerator[tuple[Header, tuple[Event, ...]], None]:
    """Records above the cursor, which whoever reads moves on with each.

    Raises `StoreError` and `IntegrityError`.
    """
    queues: dict[str, _Queue] = {}
    for run in tuple(cursor.places):  # parents first: what they say of sub-runs is there then
        await _load(store, tenant, cursor, run, queues)
    while queues:
        run = _next(queues)
        header, events = queues[run].open()
        queues[run].pop()
        yield header, events
        for event in events:
            if isinstance(event, SubrunRequested) and event.child not in queues:
                await _load(store, tenant, cursor, event.child, queues)
        if not queues[run].records:
            more = queues.pop(run).more
            if more:
                await _load(store, tenant, cursor, run, queues)


async def _load(
    store: Store, tenant: str, cursor: Cursor, run: str, queues: dict[str, _Queue]
) -> None:
    place = cursor.places.get(run)
    if place is None:  # it ended long ago
        return
    records = await store.records(tenant, run, place.after)
    if records:
        queues[run] = _Queue(deque(records[:_PAGE]), len(records) > _PAGE)


def _next(queues: dict[str, _Queue]) -> str:
    """The run whose first record comes next."""
    runs = sorted(queues, key=lambda run: (queues[run].open()[0].time_ms, run))
    for run in runs:
        ends = (each for each in queues[run].open()[1] if isinstance(each, SubrunEnded))
        if not any(each.child in queues for each in ends):
            return run
    return runs[0]  # no journal that a driver has written gets here
