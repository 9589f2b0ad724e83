"""One reader of a tenant as a whole: what happens in all its runs, in a few words, by the feed."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from remit.journal.rows import Switch
from remit.ports import Store
from remit.runtime.feeding import FeedWatch, News, news_of
from remit.runtime.switchboard import Switchboard

# Records of the past that are read at a time.
_PAGE = 500


@dataclass(frozen=True, slots=True)
class TenantNow:
    """Where the reader stands, and what is switched off for the tenant: first, and when it changes.

    `position` is the cursor from which it would go on.
    """

    position: int
    off: tuple[Switch, ...]


TenantItem = News | TenantNow
TenantBatch = list[TenantItem]


class LiveTenant:
    """Reads the news of a tenant after a position of the feed, None for from now on, once."""

    def __init__(
        self, store: Store, watch: FeedWatch, board: Switchboard, tenant: str, after: int | None
    ) -> None:
        self._store = store
        self._watch = watch
        self._board = board
        self._tenant = tenant
        self._position = -1 if after is None else after
        self._off: tuple[Switch, ...] | None = None

    async def batches(self, idle_s: float) -> AsyncGenerator[TenantBatch, None]:
        """What there is to tell, for ever; empty after `idle_s` of silence. Raises `StoreError`."""
        await self._watch.join()
        known, watcher = self._watch.watch(self._tenant)
        try:
            if self._position < 0:
                self._position = known.end
            elif self._position > known.end:
                # Another process was read that is ahead of this one, or another journal: then
                # nothing would be told until this one has grown as far.
                end = await self._store.feed_end()
                self._position = min(self._position, max(end, known.end))
            while True:
                batch: TenantBatch = []
                off = self._board.concerning(self._tenant)
                if off != self._off:
                    self._off = off
                    batch.append(TenantNow(self._position, off))
                found = known.after(self._position)
                if found is None:
                    batch += await self._past(known.since)
                elif found:
                    batch += found
                    self._position = found[-1].position
                if batch:
                    yield batch
                elif found is not None and not await watcher.wait(idle_s):
                    yield []
        finally:
            self._watch.unwatch(self._tenant, watcher)
            self._watch.leave()

    async def _past(self, since: int) -> list[News]:
        """A page from the store; all up to `since` is read where it is not full."""
        items = await self._store.feed(self._position, tenant=self._tenant, limit=_PAGE)
        if items:
            self._position = items[-1].position
        if len(items) < _PAGE:
            self._position = max(self._position, since)
        return [news for news in map(news_of, items) if news is not None]
