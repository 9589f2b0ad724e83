"""A day is found in a journal of any length, and read in pages."""

from datetime import timedelta

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.app import day_use as module
from remit.app.day_use import day_use
from remit.journal.rows import FeedItem
from remit.projections.daily_use import DayUse
from remit.values.statement import OUTPUT
from tests.app.bills import DAY, MODEL, NOON, answered, asked, lost, office, write

HOUR = 3_600_000
DAY_MS = 24 * HOUR


class CountingStore(MemoryStore):
    """Counts the records that were handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    @override
    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        items = await super().feed(after, tenant=tenant, limit=limit)
        self.read += len(items)
        return items


async def use_of(store: MemoryStore, tenant: str | None = None) -> DayUse:
    return await day_use(store, DAY, "anthropic", ("anthropic",), tenant)


@pytest.mark.requirement("BIL-1", "BIL-2")
@pytest.mark.parametrize("page", [1, 2, 1000])
async def test_one_day_out_of_many(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    store = MemoryStore()
    await office(store)
    for number in range(-5, 6):
        call = f"c{number}"
        await write(
            store,
            asked(call),
            answered(call),
            run=f"run_{number + 5}",
            at=NOON + number * DAY_MS,
        )
    found = await use_of(store)
    assert found.models[MODEL].calls == 1
    assert found.models[MODEL].tokens[OUTPUT] == 7
    assert (await use_of(store, "acme")).models[MODEL].calls == 1
    assert (await use_of(store, "other")).models == {}


@pytest.mark.requirement("BIL-2")
async def test_only_the_days_around_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 10)
    store = CountingStore()
    await office(store)
    for number in range(-60, 60):
        await write(
            store, asked("c"), answered("c"), run=f"run_{number}", at=NOON + number * 12 * HOUR
        )
    assert (await use_of(store)).models[MODEL].calls == 2
    assert store.read < 120  # of 240, those that were looked at to find the place included


@pytest.mark.requirement("BIL-2")
async def test_a_call_that_began_the_day_before() -> None:
    store = MemoryStore()
    await office(store)
    await write(store, asked("c"), answered("c"), at=NOON - 12 * HOUR - 500)
    found = await use_of(store)
    assert found.models[MODEL].midnight_calls == 1


async def test_an_empty_journal() -> None:
    store = MemoryStore()
    await office(store)
    assert (await use_of(store)).models == {}


@pytest.mark.requirement("BIL-2")
async def test_doubts_of_the_day_only() -> None:
    store = MemoryStore()
    await office(store)
    await write(store, asked("c1"), lost("c1"))
    await write(store, asked("c1"), lost("c1"), run="run_2", at=NOON + DAY_MS)
    assert [doubt.run for doubt in (await use_of(store)).doubts.values()] == ["run_1"]
    later = await day_use(store, DAY + timedelta(days=1), "anthropic", ("anthropic",))
    assert [doubt.run for doubt in later.doubts.values()] == ["run_2"]
