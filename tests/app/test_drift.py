"""What servers changed while runs went on is entered once, and gone once it was accepted."""

import asyncio

import pytest

from remit import App
from remit.app.drift import Drift, stopped
from remit.errors import StoreGone
from remit.journal.events import ServerToolAccepted, ServerToolStopped
from remit.runtime.books import Entry
from remit.values.account import OPERATOR
from tests.runtime.stage import an_agent, opened

pytestmark = pytest.mark.requirement("TOOL-8")


async def seen(app: App) -> list[tuple[str, str, str]]:
    parts = app._open
    found = await stopped(app.store, parts.books)
    return [(each.fact.server, each.fact.tool, each.fact.offered) for each in found]


async def test_each_offer_is_entered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("memory:", [an_agent()]) as app:
        books = app._open.books
        for process in range(2):  # another process notices the same
            drift = Drift()
            drift.notice("shop", "early", "a", "b")  # before the journal is open: nothing
            drift.books = books
            for _ in range(3):
                drift.notice("shop", "find", "a", "b")
            drift.notice("crm", "gone", "a", "")
            await drift.close()
            assert len(await books.read(OPERATOR, "server:shop")) == 1, process
        assert await seen(app) == [("crm", "gone", ""), ("shop", "find", "b")]
        accepted = ServerToolAccepted(
            server="shop", tool="find", digest="b", before="a", principal="ann"
        )
        await books.enter(OPERATOR, "server:shop", lambda _p, _n: Entry(events=(accepted,)))
        assert await seen(app) == [("crm", "gone", "")]
        drift = Drift()
        drift.books = books
        drift.notice("shop", "find", "b", "c")
        await drift.close()
        assert await seen(app) == [("crm", "gone", ""), ("shop", "find", "c")]


async def test_what_could_not_be_entered_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("memory:", [an_agent()]) as app:
        drift, books = Drift(), app._open.books
        drift.books = books
        real = books.enter

        async def broken(*_: object) -> Entry:
            await asyncio.sleep(0)
            raise StoreGone("the journal is away")

        monkeypatch.setattr(type(books), "enter", broken)
        drift.notice("shop", "find", "a", "b")
        await drift.close()
        monkeypatch.undo()
        assert books.enter == real
        drift.notice("shop", "find", "a", "b")
        await drift.close()
        (page,) = await books.read(OPERATOR, "server:shop")
        assert isinstance(page.event, ServerToolStopped)
