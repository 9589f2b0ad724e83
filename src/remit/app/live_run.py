"""One reader of a run and its sub-runs: the journal so far, then what happens, words on their way.

Nothing is lost and nothing comes twice, wherever a reader is cut off: it goes on from its cursor,
is told first what was streamed so far of the answers under way, then what comes after. What other
processes journal comes too, without the words on their way.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from remit.app.live_cursor import Cursor
from remit.app.live_past import past
from remit.journal.events import (
    Event,
    ModelCompleted,
    ModelFailed,
    OutputEscalated,
    SubrunEnded,
)
from remit.ports import Store
from remit.runtime.hub import (
    CallKey,
    Channel,
    Ear,
    Hub,
    StreamDelta,
    StreamEvent,
    StreamItem,
    StreamRetraction,
)
from remit.runtime.partial import DeltaKind, Partial
from remit.values.ids import root_of

# Events of the past that are handed over at a time.
_PAGE = 64
# What a driver of another process writes after a run's end comes within this time, in seconds.
_AFTERWARDS_S = 0.25


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """One part of an answer on its way, from its beginning."""

    part: int
    kind: DeltaKind
    text: str


@dataclass(frozen=True, slots=True)
class SnapshotCall:
    """A model call under way."""

    run: str
    call: str
    attempt: int
    parts: tuple[SnapshotPart, ...]


@dataclass(frozen=True, slots=True)
class StreamSnapshot:
    """All that was streamed of the answers under way; whatever else a reader had of any is void."""

    calls: tuple[SnapshotCall, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An item for the reader, and for events the cursor from which it goes on after them."""

    item: StreamItem | StreamSnapshot
    cursor: str = ""


Batch = list[Told]


class LiveRun:
    """Reads the run of `cursor`, once.

    `drives`: whether a tree is driven in this process. `resumed`: begin with a snapshot instead
    of the deltas so far.
    """

    def __init__(
        self,
        store: Store,
        hub: Hub,
        tenant: str,
        cursor: Cursor,
        *,
        drives: Callable[[str, str], bool],
        resumed: bool,
    ) -> None:
        self.cursor = cursor
        self._store = store
        self._hub = hub
        self._key = (tenant, root_of(cursor.run))
        self._drives = drives
        self._snapshot_due = resumed
        self._offsets: dict[CallKey, dict[int, int]] = {}
        """What the reader has of each answer under way, by part."""
        self._settled: set[CallKey] = set()
        """Calls of which the journal told the outcome before this process heard of it."""
        self._late = False
        """Its end was written elsewhere: something may come after it."""

    @property
    def driven_here(self) -> bool:
        """Words on their way can be had."""
        return self._drives(*self._key)

    async def batches(self, done: Callable[[], bool], idle_s: float) -> AsyncGenerator[Batch, None]:
        """What there is to tell, until `done` and all is told; empty after `idle_s` of silence.

        Raises `StoreError` and `IntegrityError`.
        """
        ear = self._hub.listen(*self._key)
        ear.ring(behind=True)
        swept = False
        try:
            while True:
                if not await ear.wait(idle_s):
                    yield []
                over = done()
                batch = self._collect(ear)
                if batch:
                    yield batch
                if ear.behind or (over and not swept):
                    if over and self._late:
                        await asyncio.sleep(_AFTERWARDS_S)
                    swept = over
                    ear.behind = False
                    async with aclosing(self._catch_up(ear)) as pages:
                        async for page in pages:
                            yield page
                    ear.ring()  # to say what is said now, and to see whether it is over
                elif over:
                    return
                elif done():
                    ear.ring()
        finally:
            self._hub.leave(ear)

    # ------------------------------------------------------------ the journal

    async def _catch_up(self, ear: Ear) -> AsyncGenerator[Batch, None]:
        """What the journal has beyond the cursor."""
        cursor, page = self.cursor, Batch()
        async with aclosing(past(self._store, self._key[0], cursor)) as records:
            async for header, events in records:
                for index, event in enumerate(events):
                    if not cursor.has(header.run, header.version, index):
                        item = StreamEvent(header.run, header.version, index, event, header.time_ms)
                        self._tell(self._hub.channel(ear), item, page)
                cursor.pass_by(header.run, header.version)
                if len(page) >= _PAGE:
                    yield page
                    page = []
        if page:
            yield page

    # ------------------------------------------------------------ what happens now

    def _collect(self, ear: Ear) -> Batch:
        """What was published since the last look; `ear.behind` where the journal must be read."""
        channel, batch = self._hub.channel(ear), Batch()
        for item in channel.take(ear):
            place = (item.run, item.version, item.index)
            if not self.cursor.concerns(item.run) or self.cursor.has(*place):
                continue
            if ear.behind or not self.cursor.follows(*place) or self._is_early(item.event):
                ear.behind = True
                break
            self._tell(channel, item, batch)
        if not ear.behind:
            self._say(channel, batch)
        return batch

    def _is_early(self, event: Event) -> bool:
        """A sub-run's end that its parent knows before this reader does."""
        return isinstance(event, SubrunEnded) and not self.cursor.is_over(event.child)

    def _tell(self, channel: Channel, item: StreamEvent, batch: Batch) -> None:
        """Tell an event, and before it what belongs before it."""
        match item.event:
            case ModelCompleted(call=call, attempt=attempt):
                key = (item.run, call, attempt)
                partial = channel.find(key)
                if partial is not None and not self._snapshot_due:
                    self._words(partial, batch)
                self._offsets.pop(key, None)
                self._settled.add(key)
            case ModelFailed(call=call, attempt=attempt):
                key = (item.run, call, attempt)
                self._settled.add(key)
                if self._offsets.pop(key, None) is not None:
                    batch.append(Told(StreamRetraction(*key)))
            case OutputEscalated(call=call, attempt=attempt):
                batch.append(Told(StreamRetraction(item.run, call, attempt)))
            case _:
                pass
        was_over = self.cursor.ended
        self.cursor.take(item.run, item.version, item.index, item.event)
        if self.cursor.ended and not was_over:
            self._late = not self.driven_here
        batch.append(Told(item, self.cursor.text()))

    def _say(self, channel: Channel, batch: Batch) -> None:
        """Tell what is new of the answers under way, and which of them are none any more."""
        self._settled &= channel.partials.keys()
        if self._snapshot_due:
            self._snapshot_due = False
            batch.append(Told(self._snapshot(channel)))
            return
        # Its outcome was told, or it has none; words that were told after it were a mistake.
        for key in [key for key in self._offsets if key not in channel.partials]:
            del self._offsets[key]
            batch.append(Told(StreamRetraction(*key)))
        for partial in self._under_way(channel):
            self._words(partial, batch)

    def _under_way(self, channel: Channel) -> list[Partial]:
        return [
            partial
            for key, partial in channel.partials.items()
            if key not in self._settled and self.cursor.concerns(partial.run)
        ]

    def _words(self, partial: Partial, batch: Batch) -> None:
        offsets = self._offsets.setdefault(partial.key, {})
        for number, part in sorted(partial.parts.items()):
            offset = offsets.get(number, 0)
            if offset < part.length:
                text = part.since(offset)
                offsets[number] = part.length
                batch.append(Told(StreamDelta(*partial.key, number, offset, part.kind, text)))

    def _snapshot(self, channel: Channel) -> StreamSnapshot:
        calls = []
        for partial in self._under_way(channel):
            parts = sorted(partial.parts.items())
            self._offsets[partial.key] = {number: part.length for number, part in parts}
            texts = tuple(SnapshotPart(number, part.kind, part.since(0)) for number, part in parts)
            calls.append(SnapshotCall(*partial.key, texts))
        return StreamSnapshot(tuple(calls))
