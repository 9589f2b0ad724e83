"""Reads past calls from the feed and judges them again under other rules, in bounded memory."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from remit.journal.codec import body_of, may_hold, open_record, plain_of
from remit.journal.events import RunStarted
from remit.journal.record import Body, Header
from remit.machine.questions import origins_in
from remit.policy.book import is_book
from remit.projections.verdicts import Change, Counterfactual, RunSight, learn
from remit.runtime.reader import Reader

# Records of one look at the store; and after how many others on this loop have a turn.
_BATCH, _BREATH = 500, 64
# Runs whose circumstances are kept: a few hundred bytes each. Others are read again.
_RUNS = 10_000
# Clocks of several machines differ, so records are not quite in the order of their times.
_SLACK_MS = 3_600_000


@dataclass(slots=True)
class _Known:
    sight: RunSight
    digest: str


@dataclass(slots=True)
class PolicyDiff:
    """Compares two sets of rules over the calls that runs really made."""

    reader: Reader
    rules: Counterfactual
    since_ms: int = 0
    tenant: str | None = None
    skipped: int = 0
    """Records whose payload was erased."""
    _known: OrderedDict[tuple[str, str], _Known] = field(default_factory=OrderedDict)

    async def changes(self) -> AsyncIterator[Change]:
        """Calls whose verdict would change, in the order of the journal.

        Raises `IntegrityError` for a damaged record, `NotFound` for an erased declaration.
        """
        after, telling = await self._start(), self.rules.telling
        while True:
            items = await self.reader.store.feed(after, tenant=self.tenant, limit=_BATCH)
            if not items:
                return
            for number, item in enumerate(items):
                plain = item.plain or plain_of(item.record)
                if plain is None:
                    self.skipped += not is_book(item.record.header.run)
                elif may_hold(plain, telling):  # few of a run's records tell of a verdict
                    for change in await self._of(item.record.header, plain):
                        yield change
                if number % _BREATH == 0:
                    await asyncio.sleep(0)
            after = items[-1].position

    async def _start(self) -> int:
        """A position before which every record is older; found by halving."""
        goal_ms = self.since_ms - _SLACK_MS
        if goal_ms <= 0:
            return 0
        low, high = 0, 1
        while not await self._is_late(high, goal_ms):
            low, high = high, high * 2
        while low + 1 < high:
            middle = (low + high) // 2
            if await self._is_late(middle, goal_ms):
                high = middle
            else:
                low = middle
        return low

    async def _is_late(self, position: int, goal_ms: int) -> bool:
        found = await self.reader.store.feed(position, tenant=self.tenant, limit=1)
        return not found or found[0].record.header.time_ms >= goal_ms

    async def _of(self, header: Header, plain: bytes) -> list[Change]:
        if is_book(header.run):
            return []
        known = await self._known_of(header)
        if known is None:
            self.skipped += 1
            return []
        body = body_of(plain, header)
        await self._take_in_history(known.sight, header.tenant, body)
        judged = self.rules.judged
        found = list(self.rules.changes(known.sight, known.digest, (header, body)))
        if header.time_ms >= self.since_ms:
            return found
        self.rules.judged = judged  # only looked at for what it says of later calls
        return []

    async def _known_of(self, header: Header) -> _Known | None:
        """What the run's records before this one say; None where there is no such run."""
        key = header.tenant, header.run
        known = self._known.get(key)
        if known is None:
            known = await self._read_before(header)
            if known is None:
                return None
            self._known[key] = known
            if len(self._known) > _RUNS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return known

    async def _read_before(self, header: Header) -> _Known | None:
        store = self.reader.store
        row = await store.run(header.tenant, header.run)
        if row is None:
            return None
        known = _Known(RunSight(await self.reader.spec(row.tenant, row.spec)), row.spec)
        if header.version > 1:
            for earlier in await store.records(header.tenant, header.run):
                if earlier.header.version >= header.version:
                    break
                body = open_record(earlier)
                if body is None:
                    continue
                await self._take_in_history(known.sight, header.tenant, body)
                for event in body.events:
                    learn(known.sight, event)
        return known

    async def _take_in_history(self, sight: RunSight, tenant: str, body: Body) -> None:
        """What earlier runs of the session read, where a rule asks for it."""
        if not self.rules.wants_origins or not body.events:
            return
        first = body.events[0]
        if isinstance(first, RunStarted) and first.continues is not None:
            history = await self.reader.history(tenant, first.continues)
            sight.origins |= dict.fromkeys(origins_in(history))
