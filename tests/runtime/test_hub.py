"""The hub: readers of one tree of runs get its items, in order, and a slow one harms nobody."""

import asyncio

import pytest

from remit.journal.events import Event, ModelCompleted, ModelFailed, RunStopping
from remit.runtime import hub as module
from remit.runtime import partial
from remit.runtime.hub import Ear, Hub, StreamDelta, StreamEvent, StreamRetraction
from remit.values.usage import Usage

KEY = ("run_1", "c1", 1)


def event(version: int, fact: Event | None = None) -> StreamEvent:
    return StreamEvent("run_1", version, 0, fact or RunStopping(reason="test"))


def delta(offset: int, text: str = "x", call: str = "c1") -> StreamDelta:
    return StreamDelta("run_1", call, 1, 0, offset, "text", text)


def answered() -> ModelCompleted:
    return ModelCompleted(call="c1", parts=(), stop="end", usage=Usage(), model="x")


def taken(hub: Hub, ear: Ear) -> list[int]:
    return [item.version for item in hub.channel(ear).take(ear)]


def said(hub: Hub, ear: Ear) -> str:
    found = hub.channel(ear).find(KEY)
    return "" if found is None or not found.parts else found.parts[0].since(0)


@pytest.mark.requirement("UX-1", "TEN-1")
async def test_items_reach_the_readers_of_their_tree_only() -> None:
    hub = Hub()
    mine, other = hub.listen("acme", "run_1"), hub.listen("beta", "run_1")
    third = hub.listen("acme", "run_2")
    hub.publish("acme", "run_1", event(1))
    hub.publish("acme", "run_1", delta(0))
    hub.publish("acme", "run_1", event(2))
    assert taken(hub, mine) == [1, 2]
    assert said(hub, mine) == "x"
    assert taken(hub, other) == taken(hub, third) == []
    assert said(hub, other) == said(hub, third) == ""
    assert sorted(hub.watched()) == [("acme", "run_1"), ("acme", "run_2"), ("beta", "run_1")]


async def test_who_comes_late_gets_what_comes_then_and_the_answer_on_its_way() -> None:
    hub = Hub()
    early = hub.listen("acme", "run_1")
    hub.publish("acme", "run_1", event(1))
    hub.publish("acme", "run_1", delta(0, "Once "))
    late = hub.listen("acme", "run_1")
    hub.publish("acme", "run_1", event(2))
    assert (taken(hub, early), taken(hub, late)) == ([1, 2], [2])
    assert said(hub, late) == "Once "


async def test_what_everybody_has_taken_is_not_kept() -> None:
    hub = Hub()
    one, two = hub.listen("acme", "run_1"), hub.listen("acme", "run_1")
    for version in range(1, 4):
        hub.publish("acme", "run_1", event(version))
    channel = hub.channel(one)
    assert taken(hub, one) == [1, 2, 3]
    assert len(channel.slots) == 3
    assert taken(hub, two) == [1, 2, 3]
    assert not channel.slots
    hub.publish("acme", "run_1", event(4))
    taken(hub, one)
    hub.leave(two)  # without having taken it
    assert not channel.slots
    assert taken(hub, one) == []


async def test_nothing_is_kept_of_a_tree_that_nobody_reads() -> None:
    hub = Hub()
    ear, stays = hub.listen("acme", "run_1"), hub.listen("acme", "run_1")
    hub.leave(ear)
    assert hub.listens("acme", "run_1")
    hub.publish("acme", "run_1", event(1))
    assert taken(hub, stays) == [1]
    hub.leave(stays)
    hub.leave(stays)  # twice is once
    assert not hub.listens("acme", "run_1")
    hub.publish("acme", "run_1", delta(0))
    hub.publish("acme", "run_1", event(2))
    assert not hub._channels


async def test_a_slow_reader_is_sent_to_the_journal_and_slows_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BACKLOG", 3)
    hub = Hub()
    slow, quick = hub.listen("acme", "run_1"), hub.listen("acme", "run_1")
    for version in range(1, 10):
        hub.publish("acme", "run_1", event(version))
        assert taken(hub, quick) == [version]
        assert len(hub.channel(slow).slots) <= 3
    assert (quick.behind, slow.behind) == (False, False)
    assert taken(hub, slow) == [7, 8, 9]
    assert slow.behind
    assert not hub.channel(slow).slots


@pytest.mark.requirement("UX-1")
async def test_where_readers_may_come_at_any_time_answers_are_kept_from_their_beginning() -> None:
    hub = Hub()
    assert not hub.listens("acme", "run_1")
    hub.always = True
    assert hub.listens("acme", "run_1")
    hub.publish("acme", "run_1", delta(0, "Once upon"))
    late = hub.listen("acme", "run_1")
    assert said(hub, late) == "Once upon"
    hub.leave(late)
    hub.publish("acme", "run_1", event(3, answered()))
    assert not hub._channels
    assert hub._chars == 0


async def test_the_last_words_of_an_answer_are_kept_for_who_reads_them_later() -> None:
    hub = Hub()
    ear = hub.listen("acme", "run_1")
    hub.publish("acme", "run_1", delta(0, "all of it"))
    hub.publish("acme", "run_1", event(3, answered()))
    assert hub.channel(ear).partials == {}
    assert said(hub, ear) == "all of it"
    hub.leave(ear)
    assert not hub._channels


@pytest.mark.parametrize("end", ["failed", "retracted", "let go"])
async def test_an_answer_that_came_to_nothing_is_forgotten(end: str) -> None:
    hub = Hub()
    ear = hub.listen("acme", "run_1")
    hub.publish("acme", "run_1", delta(0, "some"))
    ear._bell.clear()
    if end == "failed":
        hub.publish("acme", "run_1", event(3, ModelFailed(call="c1", kind="server")))
    elif end == "retracted":
        hub.publish("acme", "run_1", StreamRetraction(*KEY))
    else:
        hub.let_go("acme", "run_1", "run_2")
        assert said(hub, ear) == "some"
        hub.let_go("acme", "run_1", "run_1")
    assert hub.channel(ear).find(KEY) is None
    assert hub._chars == 0
    assert await ear.wait(60)  # the reader is told to look


async def test_an_answer_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CALL_CHARS", 10)
    hub = Hub()
    ear = hub.listen("acme", "run_1")
    for number in range(9):
        hub.publish("acme", "run_1", delta(2 * number, "ab"))
    found = hub.channel(ear).find(KEY)
    assert found is not None
    assert (found.cut, found.chars, hub._chars) == (True, 0, 0)
    assert partial.MAX_CALL_CHARS > 128_000 * 4  # tokens of a longest answer, characters of one


async def test_all_answers_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHARS", 10)
    hub = Hub()
    hub.listen("acme", "run_1")
    for number in range(9):
        hub.publish("acme", "run_1", delta(0, "abc", f"c{number}"))
    assert hub._chars == 9


async def test_words_wake_at_once_then_at_their_pace_and_events_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_TICK_S", 3600)
    hub = Hub()
    ear = hub.listen("acme", "run_1")
    hub.publish("acme", "run_1", delta(0))
    assert await ear.wait(60)
    ear._bell.clear()
    hub.publish("acme", "run_1", delta(1))
    assert not ear._bell.is_set()
    hub.publish("acme", "run_1", event(1))
    assert await ear.wait(60)
    ear._bell.clear()
    hub._pass_on()  # the time has come
    assert await ear.wait(60)
    assert said(hub, ear) == "xx"


async def test_the_pace_ends_when_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK_S", 0.001)
    hub = Hub()
    ear = hub.listen("acme", "run_1")
    for number in range(3):
        hub.publish("acme", "run_1", delta(number))
        assert await ear.wait(60)
        ear._bell.clear()
    while hub._tick is not None:
        await asyncio.sleep(0.001)
    hub.publish("acme", "run_1", delta(3))
    assert ear._bell.is_set()


async def test_nothing_new_is_told_after_the_time() -> None:
    hub = Hub()
    ear = hub.listen("acme", "run_1")
    assert not await ear.wait(0.001)
    hub.ring("acme", "run_1", behind=True)
    hub.ring("acme", "run_2")  # nobody reads it
    assert await ear.wait(60)
    assert ear.behind


def test_an_event_is_made_into_json_once() -> None:
    item = event(1)
    assert item.json is item.json
    assert b'"RunStopping"' in item.json
    assert item == event(1)
