"""The feed is looked at once for all readers, while there are any, whoever wrote what it has."""

import asyncio
from dataclasses import replace

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreGone
from remit.journal.codec import seal
from remit.journal.events import Event, RunEnded, RuntimeSaid
from remit.journal.record import GENESIS, Body, Header
from remit.journal.rows import FeedItem
from remit.runtime import feeding as module
from remit.runtime.feeding import FeedWatch, News, TenantNews, news_of
from remit.runtime.hub import Hub
from remit.values.clean import Clean
from tests.runtime.stage import PATIENCE_S, until

ENDED = RunEnded(status="completed", reason="done")
NOTE = RuntimeSaid(text=Clean("note"))


class Store(MemoryStore):
    """A store that takes records as they come, and counts the looks."""

    def __init__(self) -> None:
        super().__init__()
        self._open = True
        self.looks = 0
        self.gone = False

    def write(self, *events: Event, tenant: str = "acme", run: str = "run_1") -> None:
        records = self._records.setdefault((tenant, run), [])
        header = Header(
            tenant=tenant, run=run, version=len(records) + 1, epoch=1, time_ms=7, engine="e"
        )
        body = Body(causes=(), events=events)
        previous = records[-1].hash if records else GENESIS
        records.append(seal(header, body, previous=previous, salt=bytes(16), key=b"k", key_id="k"))
        self._feed.append(FeedItem(len(self._feed) + 1, records[-1]))

    @override
    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        self.looks += 1
        if self.gone:
            raise StoreGone("the cable was pulled")
        return await super().feed(after, tenant=tenant, limit=limit)


class Process:
    """A hub with its watch; `driven` are the trees that are driven here."""

    def __init__(self) -> None:
        self.store, self.hub = Store(), Hub()
        self.driven: set[tuple[str, str]] = set()
        self.changes = 0
        self.watch = FeedWatch(
            self.store,
            self.hub,
            drives=lambda *key: key in self.driven,
            changes=lambda: self.changes,
        )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACE_S", 0.002)
    monkeypatch.setattr(module, "_RETRY_S", 0.002)
    monkeypatch.setattr(module, "_SOON_S", 0.0)


@pytest.mark.requirement("UX-1")
async def test_readers_of_what_others_drive_are_told_and_of_what_is_driven_here_not() -> None:
    one = Process()
    await one.watch.join()
    far = one.hub.listen("acme", "run_1")
    near, other = one.hub.listen("acme", "run_2"), one.hub.listen("beta", "run_1")
    one.driven.add(("acme", "run_2"))
    one.store.write(NOTE, ENDED)
    one.store.write(NOTE, run="run_1.c1")
    one.store.write(NOTE, run="run_2")
    await until(lambda: len(one.hub.channel(far).slots) == 3)
    told = [(item.run, item.version, item.index) for item in one.hub.channel(far).take(far)]
    assert told == [("run_1", 1, 0), ("run_1", 1, 1), ("run_1.c1", 1, 0)]
    assert one.hub.channel(near).take(near) == one.hub.channel(other).take(other) == []
    one.watch.leave()


async def test_the_looking_ends_with_the_last_reader_and_begins_anew() -> None:
    one = Process()
    one.store.write(NOTE)
    await asyncio.gather(one.watch.join(), one.watch.join())
    await until(lambda: one.store.looks > 2)
    one.watch.leave()
    task = one.watch._task
    assert task is not None
    one.watch.leave()
    await asyncio.gather(task, return_exceptions=True)
    looks = one.store.looks
    one.store.write(ENDED)
    await asyncio.sleep(0.01)
    assert one.store.looks == looks
    await one.watch.join()
    known, watcher = one.watch.watch("acme")
    assert known.since == 2  # from now on
    one.store.write(ENDED)
    assert await watcher.wait(PATIENCE_S)
    assert [news.position for news in known.after(2) or []] == [3]
    one.watch.unwatch("acme", watcher)
    one.watch.unwatch("acme", watcher)  # twice is once
    assert not one.watch._tenants
    one.watch.leave()


async def test_a_store_that_fails_for_a_while_costs_nothing() -> None:
    one = Process()
    await one.watch.join()
    known, watcher = one.watch.watch("acme")
    one.store.gone = True
    looks = one.store.looks
    await until(lambda: one.store.looks > looks + 2)
    one.store.write(ENDED)
    one.store.gone = False
    assert await watcher.wait(PATIENCE_S)
    assert len(known.news) == 1
    one.watch.leave()


async def test_what_is_journalled_here_is_looked_for_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PACE_S", 3600)
    one = Process()
    await one.watch.join()
    _, watcher = one.watch.watch("acme")
    looks = one.store.looks
    await until(lambda: one.store.looks > looks)
    one.store.write(ENDED)
    one.hub.bell.set()
    assert await watcher.wait(PATIENCE_S)
    assert not await watcher.wait(0.001)
    one.watch.leave()


async def test_watchers_are_told_when_switches_change() -> None:
    one = Process()
    await one.watch.join()
    _, watcher = one.watch.watch("acme")
    one.changes = 1
    assert await watcher.wait(PATIENCE_S)
    one.watch.leave()


async def test_more_than_a_page_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 2)
    monkeypatch.setattr(module, "_PACE_S", 3600)
    one = Process()
    await one.watch.join()
    known, _ = one.watch.watch("acme")
    for _ in range(7):
        one.store.write(ENDED)
    one.hub.bell.set()
    await until(lambda: len(known.news) == 7)
    one.watch.leave()


async def test_a_damaged_record_sends_its_readers_to_the_journal_and_is_no_news() -> None:
    one = Process()
    await one.watch.join()
    ear = one.hub.listen("acme", "run_1")
    known, _ = one.watch.watch("acme")
    one.store.write(ENDED)
    item = one.store._feed.pop()
    broken = FeedItem(item.position, replace(item.record, salt=bytes(15) + b"x"))
    assert news_of(broken) is None
    one.store._feed.append(broken)
    await until(lambda: ear.behind)
    assert not known.news
    one.watch.leave()


async def test_runs_that_others_drive_are_looked_at_afresh_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_AFRESH_S", 0.0)
    one = Process()
    one.driven.add(("acme", "run_2"))
    far, near = one.hub.listen("acme", "run_1"), one.hub.listen("acme", "run_2")
    await one.watch.join()
    await until(lambda: far.behind)
    assert not near.behind
    one.watch.leave()


def test_the_newest_news_are_kept_and_it_is_known_since_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BACKLOG", 3)
    known = TenantNews(since=10)
    assert (known.after(10), known.after(9), known.end) == ([], None, 10)
    for position in range(11, 16):
        known.add(News(position, 7, ()))
    assert (known.since, known.end) == (12, 15)
    assert known.after(11) is None
    assert [news.position for news in known.after(13) or []] == [14, 15]
    assert known.after(15) == known.after(99) == []


async def test_what_says_nothing_is_no_news() -> None:
    one = Process()
    one.store.write(NOTE)
    one.store.write(NOTE, ENDED)
    first, second = map(news_of, one.store._feed)
    assert first is None
    assert second is not None
    assert [each.kind for each in second.happenings] == ["run-ended"]
