"""A reader of a tenant: from its cursor on, from memory where that reaches, else from the store."""

from contextlib import aclosing
from pathlib import Path

import pytest

from remit.app import live_tenant as module
from remit.app.app import App
from remit.app.live import LiveFeeds
from remit.app.live_tenant import TenantNow
from remit.errors import NotFound
from remit.runtime import feeding
from remit.runtime.feeding import News
from tests.runtime.stage import an_agent, journal_at, opened

AGENT = an_agent()


async def read(app: App, after: int | None, count: int, tenant: str = "local") -> list[News]:
    """The first news after a position."""
    found: list[News] = []
    async with aclosing(LiveFeeds(app).tenant(tenant, after, 60)) as batches:
        async for batch in batches:
            found += [item for item in batch if isinstance(item, News)]
            if len(found) >= count:
                break
    return found


@pytest.mark.requirement("UX-2", "TEN-1")
@pytest.mark.parametrize("page", [1, 3, 500])
async def test_it_goes_on_after_any_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    async with opened(journal_at(tmp_path), [AGENT], "one", "two", "three") as app:
        for _ in range(3):
            await app.run(AGENT, "Go")
            await app.run(AGENT, "Go", tenant="other")
        every = await read(app, 0, 6)
        kinds = [[each.kind for each in news.happenings] for news in every]
        assert kinds == [["run-began"], ["model-answered", "run-ended"]] * 3
        for cut in range(5):
            rest = await read(app, every[cut].position, 5 - cut)
            assert rest == every[cut + 1 :]
        assert not app.engine.services.hub._channels


@pytest.mark.requirement("UX-1")
async def test_a_position_of_another_journal_is_no_wait_for_ever(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [AGENT], "one", "two") as app:
        await app.run(AGENT, "Go")
        end = await app.store.feed_end()
        async with aclosing(LiveFeeds(app).tenant("local", 9_999_999_999_999_999_999, 60)) as told:
            assert await anext(told) == [TenantNow(end, ())]
            await app.run(AGENT, "Go")
            (news, *_) = await anext(told)
            assert isinstance(news, News)
            assert news.position > end


async def test_who_reads_slower_than_it_happens_is_served_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "BACKLOG", 2)
    async with opened(journal_at(tmp_path), [AGENT], "one") as app:
        found: list[News] = []
        async with aclosing(LiveFeeds(app).tenant("local", None, 60)) as batches:
            (first,) = await anext(batches)
            assert first == TenantNow(0, ())
            for _ in range(6):
                await app.run(AGENT, "Go")
            async for batch in batches:
                found += [item for item in batch if isinstance(item, News)]
                if len(found) == 12:
                    break
        positions = [news.position for news in found]
        assert positions == sorted(set(positions))


async def test_silence_is_told_too(tmp_path: Path) -> None:
    async with (
        opened(journal_at(tmp_path), [AGENT]) as app,
        aclosing(LiveFeeds(app).tenant("local", None, 0.001)) as batches,
    ):
        assert isinstance((await anext(batches))[0], TenantNow)
        assert await anext(batches) == []


async def test_there_is_a_stream_of_runs_only(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [AGENT], "one") as app:
        run = (await app.run(AGENT, "Go")).id
        feeds = LiveFeeds(app)
        for tenant, name in (("other", run), ("local", "run_x")):
            with pytest.raises(NotFound):
                await feeds.run(tenant, name)
        live = await feeds.run("local", run)
        assert live is not None
        async with aclosing(feeds.batches_of(live, 60)) as batches:
            told = [told async for batch in batches for told in batch]
        assert await feeds.run("local", run, told[-2].cursor) is None  # the snapshot came last
