"""The switchboard: at most a second old, tenants apart, and no view at all means no."""

import asyncio

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreError, StoreGone
from remit.journal.rows import Switch
from remit.runtime.switchboard import MAX_AGE_MS, REFRESH_S, Switchboard
from tests.runtime.kit import NOW, HandClock


class Moody(MemoryStore):
    """A store whose switches may be unreadable."""

    gone = False

    @override
    async def switches(self) -> list[Switch]:
        if self.gone:
            raise StoreGone("unplugged")
        return await super().switches()


class Bench:
    def __init__(self) -> None:
        self.store, self.clock = Moody(), HandClock()
        self.store._open = True
        self.board = Switchboard(self.store, self.clock)

    async def off(self, target: str, until_ms: int | None = None) -> None:
        switch = Switch(target, "test", "ann", NOW, until_ms)
        await self.store.switch(switch, target)


@pytest.mark.requirement("OPS-1", "TEN-3")
async def test_what_concerns_an_agent_of_a_tenant() -> None:
    bench = Bench()
    for target in (
        "agent:clerk",
        "agent:other",
        "tool:pay",
        "tenant:acme/tool:mail",
        "tenant:beta/tool:wire",
        "tenant:beta",
        "tenant:beta/agent:clerk",
    ):
        await bench.off(target)
    assert await bench.board.refresh()
    assert bench.board.off("acme", "clerk") == {"agent:clerk", "tool:pay", "tool:mail"}
    assert bench.board.off("beta", "clerk") == {
        "agent:clerk",
        "tool:pay",
        "tool:wire",
        "tenant:beta",
    }
    assert bench.board.off("acme", "boss") == {"tool:pay", "tool:mail"}


@pytest.mark.requirement("OPS-1")
async def test_everything_off_is_for_everybody() -> None:
    bench = Bench()
    await bench.off("all")
    await bench.board.refresh()
    assert bench.board.off("acme", "clerk") == bench.board.off("beta", "boss") == {"all"}


async def test_a_switch_ends_by_itself() -> None:
    bench = Bench()
    await bench.off("tool:pay", until_ms=NOW + 500)
    await bench.board.refresh()
    assert bench.board.off("acme", "clerk") == {"tool:pay"}
    bench.clock.at_ms = NOW + 500
    assert bench.board.off("acme", "clerk") == frozenset()


async def test_a_change_is_noticed_and_no_change_is_not() -> None:
    bench = Bench()
    assert not await bench.board.refresh()
    await bench.off("tool:pay")
    assert await bench.board.refresh()
    assert not await bench.board.refresh()
    await bench.store.switch(None, "tool:pay")
    assert await bench.board.refresh()
    assert bench.board.off("acme", "clerk") == frozenset()


@pytest.mark.requirement("PERM-8")
async def test_a_view_that_was_never_read_or_is_too_old_counts_as_unreadable() -> None:
    bench = Bench()
    assert bench.board.stale
    await bench.board.refresh()
    assert not bench.board.stale
    bench.clock.at_ms += MAX_AGE_MS
    assert not bench.board.stale
    bench.clock.at_ms += 1
    assert bench.board.stale


async def test_an_unreadable_store_leaves_the_old_view_to_grow_old() -> None:
    bench = Bench()
    await bench.off("tool:pay")
    await bench.board.refresh()
    bench.store.gone = True
    bench.clock.at_ms += 600
    assert not await bench.board.refresh()
    assert bench.board.off("acme", "clerk") == {"tool:pay"}
    assert not bench.board.stale
    bench.clock.at_ms += 600
    assert bench.board.stale


async def test_those_who_ask_at_once_are_one_question_to_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    await bench.off("tool:pay")
    asked = 0

    async def switches() -> list[Switch]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return await MemoryStore.switches(bench.store)

    monkeypatch.setattr(bench.store, "switches", switches)
    assert await asyncio.gather(*(bench.board.refresh() for _ in range(20))) == [True] * 20
    assert (asked, bench.board.changes) == (1, 1)
    assert not await bench.board.refresh()
    assert asked == 2
    gone = asyncio.create_task(bench.board.refresh())
    others = [asyncio.create_task(bench.board.refresh()) for _ in range(3)]
    await asyncio.sleep(0)
    gone.cancel()
    assert await asyncio.gather(*others) == [False] * 3  # they know no more than before
    assert not await bench.board.refresh()
    assert asked == 4


async def test_a_fault_is_told_to_whoever_asked_and_the_next_look_is_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()

    async def broken() -> list[Switch]:
        raise LookupError("a bug of ours")

    monkeypatch.setattr(bench.store, "switches", broken)
    for _ in range(2):
        with pytest.raises(LookupError, match="a bug of ours"):
            await bench.board.refresh()


async def test_a_look_that_began_before_is_not_one_as_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    go = asyncio.Event()

    async def slow() -> list[Switch]:
        before = await MemoryStore.switches(bench.store)
        await go.wait()
        return before

    monkeypatch.setattr(bench.store, "switches", slow)
    early = asyncio.create_task(bench.board.refresh())
    await asyncio.sleep(0)
    await bench.off("tool:pay")
    joined = asyncio.create_task(bench.board.refresh())
    anew = asyncio.create_task(bench.board.reread())
    await asyncio.sleep(0)
    go.set()
    assert [await each for each in (early, joined, anew)] == [False, False, True]
    assert bench.board.off("acme", "a") == {"tool:pay"}


@pytest.mark.requirement("OPS-1")
async def test_reverts_are_read_from_a_view_fit_to_act_on() -> None:
    bench = Bench()
    target = "tenant:acme/agent:a/model=p:x"
    await bench.off(target, NOW + 500)
    (found,) = await bench.board.reverts("acme")
    assert (found.revert.to, found.switch.target) == ("p:x", target)
    assert await bench.board.reverts("beta") == ()
    assert bench.board.off("acme", "a").isdisjoint({"agent:a", "all", "tenant:acme"})
    bench.clock.at_ms += 500
    assert await bench.board.reverts("acme") == ()
    bench.store.gone = True
    assert await bench.board.reverts("acme") == (), "the view is fresh enough"
    bench.clock.at_ms += MAX_AGE_MS
    with pytest.raises(StoreError, match="nobody knows whether a prompt or a model is reverted"):
        await bench.board.reverts("acme")


def test_one_slow_read_does_not_stop_the_world() -> None:
    assert 2 * REFRESH_S * 1000 <= MAX_AGE_MS
