"""The hub: readers of one tree of runs get its items, in order, and a slow one harms nobody."""

import asyncio

import pytest

from remit.journal.events import RunStopping
from remit.runtime import hub as module
from remit.runtime.hub import Hub, StreamDelta, StreamEvent, StreamItem, Subscription


def event(version: int) -> StreamEvent:
    return StreamEvent("run_1", version, 0, RunStopping(reason="test"))


def delta(offset: int) -> StreamDelta:
    return StreamDelta("run_1", "c1", 1, 0, offset, "text", "x")


async def drained(reader: Subscription) -> list[StreamItem]:
    reader.close()
    return [item async for item in reader.items()]


@pytest.mark.requirement("UX-1", "TEN-1")
async def test_items_reach_the_readers_of_their_tree_only() -> None:
    hub = Hub()
    mine, other = hub.subscribe("acme", "run_1"), hub.subscribe("beta", "run_1")
    third = hub.subscribe("acme", "run_2")
    hub.publish("acme", "run_1", event(1))
    hub.publish("acme", "run_1", delta(0))
    hub.publish("acme", "run_1", event(2))
    assert await drained(mine) == [event(1), delta(0), event(2)]
    assert await drained(other) == await drained(third) == []


async def test_who_left_gets_nothing() -> None:
    hub = Hub()
    reader, stays = hub.subscribe("acme", "run_1"), hub.subscribe("acme", "run_1")
    hub.unsubscribe("acme", "run_1", reader)
    hub.publish("acme", "run_1", event(1))
    assert hub.listens("acme", "run_1")
    assert await drained(reader) == []
    assert await drained(stays) == [event(1)]
    hub.unsubscribe("acme", "run_1", stays)
    hub.unsubscribe("acme", "run_1", stays)  # twice is once
    assert not hub.listens("acme", "run_1")
    assert not hub._readers  # nothing is kept of it


async def test_a_slow_reader_loses_deltas_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELTA_BACKLOG", 2)
    reader = Subscription()
    for number in range(4):
        reader.put(delta(number))
        reader.put(event(number))
    items = await drained(reader)
    assert [item for item in items if isinstance(item, StreamEvent)] == [event(n) for n in range(4)]
    assert [item for item in items if isinstance(item, StreamDelta)] == [delta(0)]
    assert not reader.lagged


async def test_a_reader_that_lags_too_far_is_cut_off_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVENT_BACKLOG", 3)
    reader = Subscription()
    for number in range(9):
        reader.put(event(number))
    assert reader.lagged
    assert reader._queue.qsize() <= 4  # bounded, the end included
    items = [item async for item in reader.items()]
    assert items == [event(0), event(1), event(2)]


async def test_a_reader_waits_for_the_next_item() -> None:
    reader = Subscription()
    items = reader.items()
    first = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    assert not first.done()
    reader.put(event(1))
    assert await first == event(1)
