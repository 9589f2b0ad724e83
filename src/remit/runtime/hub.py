"""Live streams of runs: journal events in journal order, deltas between them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from remit.journal.events import Event

# Items a reader may lag behind. Deltas are dropped first; a reader that lags further is cut off
# and can read the journal instead.
_DELTA_BACKLOG = 1_000
_EVENT_BACKLOG = 10_000


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A journalled event: it is durable. `version` is its record's, `index` its place there."""

    run: str
    version: int
    index: int
    event: Event


@dataclass(frozen=True, slots=True)
class StreamDelta:
    """A piece of an answer on its way; never stored. Keyed by (call, attempt, part, offset).

    What is held back of a part, lest a secret be cut in two, may come when the next has begun:
    order by part and offset.
    """

    run: str
    call: str
    attempt: int
    part: int
    offset: int
    kind: Literal["text", "thinking", "call"]
    text: str


@dataclass(frozen=True, slots=True)
class StreamRetraction:
    """What came of this attempt is taken back: the stream broke, or was cut. Drop its deltas."""

    run: str
    call: str
    attempt: int


StreamItem = StreamEvent | StreamDelta | StreamRetraction


class Subscription:
    """One reader of one tree of runs."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[StreamItem | None] = asyncio.Queue()
        self.lagged = False

    def put(self, item: StreamItem) -> None:
        """Hand an item over, or drop it when the reader is too slow."""
        if self.lagged:
            return
        size = self._queue.qsize()
        if isinstance(item, StreamDelta) and size >= _DELTA_BACKLOG:
            return
        if size >= _EVENT_BACKLOG:
            self.lagged = True
            self.close()
            return
        self._queue.put_nowait(item)

    def close(self) -> None:
        """No more items will come."""
        self._queue.put_nowait(None)

    async def items(self) -> AsyncIterator[StreamItem]:
        """Items in order until the stream is closed."""
        while (item := await self._queue.get()) is not None:
            yield item


class Hub:
    """Passes items of running drivers to their readers in this process."""

    def __init__(self) -> None:
        self._readers: dict[tuple[str, str], set[Subscription]] = {}

    def subscribe(self, tenant: str, root: str) -> Subscription:
        """A new reader of a root run and its sub-runs."""
        reader = Subscription()
        self._readers.setdefault((tenant, root), set()).add(reader)
        return reader

    def unsubscribe(self, tenant: str, root: str, reader: Subscription) -> None:
        """The reader is gone."""
        readers = self._readers.get((tenant, root))
        if readers is not None:
            readers.discard(reader)
            if not readers:
                del self._readers[(tenant, root)]

    def listens(self, tenant: str, root: str) -> bool:
        """Somebody reads this tree of runs."""
        return (tenant, root) in self._readers

    def publish(self, tenant: str, root: str, item: StreamItem) -> None:
        """Hand `item` to everybody who reads this tree of runs."""
        for reader in self._readers.get((tenant, root), ()):
            reader.put(item)
