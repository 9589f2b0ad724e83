"""Tells channels what runs ask of humans: each request at least once, whoever crashes.

A lane is a channel, or a person of a channel who has quiet hours. It follows the feed of records
with a cursor of its own, which moves only after its notices were delivered or given up. A lease,
itself a cursor that is compared and set, lets one process at a time deliver on a lane.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from remit.errors import IntegrityError, NotDelivered, OutsideError
from remit.journal.codec import open_record
from remit.journal.rows import FeedItem
from remit.ports import Clock, Dice, Notifier, Store
from remit.projections.asking import Asked, asked
from remit.values.notice import Notice

POLL_S = 0.5
"""How long a request may wait before a channel is told: people take longer to look."""
LEASE_MS = 30_000  # as a run's; a process that died is followed up after that
SKEW_MS = 5_000  # clocks of machines differ by this much
ATTEMPTS = 6  # with these pauses about half a minute: a restart of whatever receives
FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 30.0
DEADLINE_S = 10.0  # of one attempt: receivers answer within seconds, or have more to do than that
_BATCH = 200  # records; the lease is renewed between attempts, however long it takes
_AT_ONCE = 8  # notices of one lane under way
_TOLD = 10_000  # keys of urgent notices that were told in quiet hours, and whose cursor waits
_LEASE_SCALE = 1_000  # below the milliseconds of a lease: a number that tells its owner apart


class Book(Protocol):
    """Where failures are entered, so that somebody can be told of them."""

    async def failed(self, channel: str, notice: Notice, attempts: int, error: str) -> None:
        """Enter that a notice was given up."""
        ...


@dataclass(slots=True, kw_only=True)
class Lane:
    """One way of notices. `notices` gives those of a request that are still to be told."""

    name: str
    channel: str
    notifier: Notifier
    notices: Callable[[Asked], Awaitable[Sequence[Notice]]]
    quiet_until: Callable[[int], int | None]
    store: Store
    clock: Clock
    dice: Dice
    book: Book
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    _lease: int = 0
    _told: OrderedDict[str, None] = field(default_factory=OrderedDict)

    # ------------------------------------------------------------ turns

    async def turn(self) -> bool:
        """Deliver what is due; False where nothing is, or another process does it.

        Raises `OutsideError`, `IntegrityError` for a store that cannot be read.
        """
        async with self._turns:
            return await self._hold() and await self._held_turn()

    async def _held_turn(self) -> bool:
        work = asyncio.ensure_future(self._work())
        keep = asyncio.ensure_future(self._keep())
        try:
            await asyncio.wait({work, keep}, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else False  # else the lease was lost
        finally:
            for task in (work, keep):
                task.cancel()
            await asyncio.gather(work, keep, return_exceptions=True)

    async def let_go(self) -> None:
        """Give up the lease, so that the next process need not wait for its end."""
        held, self._lease = self._lease, 0
        if held:
            await self.store.set_cursor(self._lease_name, 0, expect=held)

    async def _work(self) -> bool:
        after = await self.store.cursor(self.name)
        quiet_ms = self.quiet_until(self.clock.now_ms())
        if quiet_ms is not None:
            return await self._look_ahead(after, quiet_ms)
        items = await self.store.feed(after, limit=_BATCH)
        if not items:
            return False
        await self._deliver(_requests(items))
        await self.store.set_cursor(self.name, items[-1].position, expect=after)
        return True

    async def _look_ahead(self, after: int, quiet_ms: int) -> bool:
        """In quiet hours only what would be refused before they end is told; the rest waits.

        What was told so is told once more after them, under its key, where another process goes on.
        """
        ahead = max(after, await self.store.cursor(self._ahead_name))
        items = await self.store.feed(ahead, limit=_BATCH)
        if not items:
            return False
        urgent = [
            each
            for each in _requests(items)
            if each.expires_ms is not None and each.expires_ms <= quiet_ms
        ]
        for notice in await self._deliver(urgent):
            self._told[notice.key] = None
            if len(self._told) > _TOLD:
                self._told.popitem(last=False)
        await self.store.set_cursor(self._ahead_name, items[-1].position)
        return True

    # ------------------------------------------------------------ delivering

    async def _deliver(self, requests: Sequence[Asked]) -> list[Notice]:
        """Tell what these come to; returns once each was delivered or given up."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(request: Asked) -> list[Notice]:
            async with gate:
                found = [each for each in await self.notices(request) if each.key not in self._told]
                for notice in found:
                    await self._tell(request, notice)
                return found

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(request)) for request in requests]
        return [notice for task in tasks for notice in task.result()]

    async def _tell(self, request: Asked, notice: Notice) -> None:
        pause_s, error = FIRST_PAUSE_S, ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self.notifier.tell(notice, deadline_s=DEADLINE_S)
            except NotDelivered as exc:
                error = str(exc)
                if not exc.again or attempt == ATTEMPTS:
                    await self.book.failed(self.channel, notice, attempt, error)
                    return
                spread = 1 + self.dice.jitter() / 1_000_000
                await self.pause(min(MAX_PAUSE_S, max(pause_s * spread, exc.after_s)))
                pause_s = min(MAX_PAUSE_S, pause_s * 2)
            else:
                return
            if notice.key not in [each.key for each in await self.notices(request)]:
                return  # answered meanwhile

    # ------------------------------------------------------------ the lease

    @property
    def _ahead_name(self) -> str:
        return f"{self.name}/ahead"

    @property
    def _lease_name(self) -> str:
        return f"{self.name}/lease"

    async def _hold(self) -> bool:
        """Take or prolong the lease; False while another process has it."""
        now_ms = self.clock.now_ms()
        held = await self.store.cursor(self._lease_name)
        if held != self._lease and held // _LEASE_SCALE + SKEW_MS > now_ms:
            return False
        mark = int.from_bytes(self.dice.entropy(2), "big") % _LEASE_SCALE
        fresh = (now_ms + LEASE_MS) * _LEASE_SCALE + mark
        if not await self.store.set_cursor(self._lease_name, fresh, expect=held):
            return False
        self._lease = fresh
        return True

    async def _keep(self) -> None:
        """Prolong the lease until it is lost."""
        while True:
            await asyncio.sleep(LEASE_MS / 3000)
            if not await self._hold():
                return


def _requests(items: Sequence[FeedItem]) -> list[Asked]:
    found: list[Asked] = []
    for item in items:
        header, body = item.record.header, open_record(item.record)
        if body is not None:
            found += asked(header.tenant, header.run, body.events)
    return found


async def watch_lane(lane: Lane) -> None:
    """Deliver on a lane, again and again; the next look may succeed where one failed."""
    try:
        while True:
            try:
                busy = await lane.turn()
            except* (OutsideError, IntegrityError):
                busy = False
            if not busy:
                await asyncio.sleep(POLL_S)
    finally:
        await lane.let_go()
