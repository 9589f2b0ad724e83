"""One look at the store's feed for all live readers of a process, whoever wrote what it finds.

It looks while anybody reads: soon after something was journalled here, else at a steady pace for
what other processes journal. Runs that others drive are passed on to the hub, and what concerns a
tenant to those who watch it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from remit.errors import IntegrityError, StoreCorrupt, StoreError
from remit.journal.codec import open_record
from remit.journal.record import Body
from remit.journal.rows import FeedItem
from remit.ports import Store
from remit.projections.happenings import Happening, happenings_of
from remit.runtime.hub import Hub, StreamEvent
from remit.values.ids import root_of

# Between two looks: what others journalled is told after this time at most, and a look while
# nothing happens costs a tenth of a millisecond.
_PACE_S = 0.1
# After something was journalled here; what comes within this time is found by one look.
_SOON_S = 0.02
# A feed stops before the oldest transaction that still runs; so runs that are not driven here are
# also looked at in the journal itself, this often.
_AFRESH_S = 5.0
_PAGE = 1000
# What a watcher of a tenant may be behind before it is sent to the journal.
BACKLOG = 1024
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class News:
    """What one record came to for a tenant, and its place in the feed."""

    position: int
    time_ms: int
    happenings: tuple[Happening, ...]


class Watcher:
    """One reader of a tenant's news."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """There may be something new."""
        self._bell.set()

    async def wait(self, timeout_s: float) -> bool:
        """True when there may be something new since the last call, False after the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._bell.wait()
        except TimeoutError:
            return False
        self._bell.clear()
        return True


@dataclass(slots=True)
class TenantNews:
    """The newest news of a tenant that somebody watches; it has all after the position `since`."""

    since: int
    news: deque[News] = field(default_factory=deque)
    watchers: set[Watcher] = field(default_factory=set)

    @property
    def end(self) -> int:
        """The position after which anything is new."""
        return self.news[-1].position if self.news else self.since

    def add(self, news: News) -> None:
        """Keep news, and forget the oldest beyond the bound."""
        self.news.append(news)
        if len(self.news) > BACKLOG:
            self.since = self.news.popleft().position

    def after(self, position: int) -> list[News] | None:
        """All news after a position; None where some of them are not kept any more."""
        if position < self.since:
            return None
        found: list[News] = []
        for each in reversed(self.news):
            if each.position <= position:
                break
            found.append(each)
        found.reverse()
        return found


def news_of(item: FeedItem) -> News | None:
    """What a record comes to for who watches its tenant; None for nothing."""
    header = item.record.header
    try:
        body = open_record(item.record)
    except (IntegrityError, StoreCorrupt):
        return None  # `remit verify` says so; a page of news is no place for it
    happenings = () if body is None else happenings_of(header.run, body.events)
    return News(item.position, header.time_ms, happenings) if happenings else None


class FeedWatch:
    """Looks at the feed while somebody reads."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        *,
        drives: Callable[[str, str], bool],
        changes: Callable[[], int],
    ) -> None:
        """`changes`: how often the switches changed; whoever watches a tenant is told."""
        self._store = store
        self._hub = hub
        self._drives = drives
        self._changes = changes
        self._told = 0
        self._tenants: dict[str, TenantNews] = {}
        self._position: int | None = None
        self._readers = 0
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def join(self) -> None:
        """Somebody begins to read: from now on nothing is missed. Raises `StoreError`."""
        async with self._starting:
            if self._task is None or self._task.done():
                self._position = await self._store.feed_end()
                self._task = asyncio.create_task(self._watch(), name="remit-feed")
            self._readers += 1

    def leave(self) -> None:
        """Somebody reads no more; the last one ends the looking."""
        self._readers -= 1
        if not self._readers and self._task is not None:
            self._task.cancel()
            self._task = None

    def watch(self, tenant: str) -> tuple[TenantNews, Watcher]:
        """A new watcher of a tenant, who has joined."""
        if tenant not in self._tenants:
            position = self._position or 0
            self._tenants[tenant] = TenantNews(position)
        watcher = Watcher()
        self._tenants[tenant].watchers.add(watcher)
        return self._tenants[tenant], watcher

    def unwatch(self, tenant: str, watcher: Watcher) -> None:
        """The watcher is gone."""
        found = self._tenants.get(tenant)
        if found is not None:
            found.watchers.discard(watcher)
            if not found.watchers:
                del self._tenants[tenant]

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        afresh = loop.time() + _AFRESH_S
        while True:
            try:
                full = await self._look()
            except StoreError:
                await asyncio.sleep(_RETRY_S)  # readers go on where they are once it is back
                continue
            if loop.time() >= afresh:
                afresh = loop.time() + _AFRESH_S
                self._look_afresh()
            if self._changes() != self._told:
                self._told = self._changes()
                self._ring(self._tenants)
            if not full:
                await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PACE_S):
                await self._hub.bell.wait()
            await asyncio.sleep(_SOON_S)
        self._hub.bell.clear()

    async def _look(self) -> bool:
        """One look; True where there is more at once."""
        items = await self._store.feed(self._position or 0, limit=_PAGE)
        grown: set[str] = set()
        for item in items:
            self._position = item.position
            header = item.record.header
            self._pass_on(item)
            if header.tenant in self._tenants:
                found = self._tenants[header.tenant]
                news = news_of(item)
                if news is not None:
                    found.add(news)
                    grown.add(header.tenant)
        self._ring(grown)
        return len(items) >= _PAGE

    def _ring(self, tenants: Iterable[str]) -> None:
        for tenant in tenants:
            for watcher in self._tenants[tenant].watchers:
                watcher.ring()

    def _pass_on(self, item: FeedItem) -> None:
        """Tell the readers of a run that another process drives."""
        header = item.record.header
        root = root_of(header.run)
        if self._drives(header.tenant, root) or not self._hub.is_read(header.tenant, root):
            return
        try:
            body = open_record(item.record) or Body(causes=(), events=())
        except (IntegrityError, StoreCorrupt):
            self._hub.ring(header.tenant, root, behind=True)  # which tells them why
            return
        for index, event in enumerate(body.events):
            told = StreamEvent(header.run, header.version, index, event, header.time_ms)
            self._hub.publish(header.tenant, root, told)

    def _look_afresh(self) -> None:
        for tenant, root in self._hub.watched():
            if not self._drives(tenant, root):
                self._hub.ring(tenant, root, behind=True)
