"""Periodic duties: a switch reaches every driver, due runs are taken up, bad ones rarely."""

import asyncio

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import ChainBroken, StoreBusy
from remit.journal.rows import Switch
from remit.runtime import watch
from remit.runtime.engine import Engine
from remit.runtime.ledger import Ledger
from remit.runtime.reader import Reader
from remit.runtime.watch import watch_due, watch_ledger, watch_switches
from remit.values.ledger import ALL
from tests.runtime.kit import NOW, services_on
from tests.runtime.ledgers import Spending
from tests.runtime.stage import until

Key = tuple[str, str]
MINE, OTHER = ("acme", "run_1"), ("acme", "run_2")


class Due(MemoryStore):
    """A store in which the same runs are always due; every second look fails."""

    looks = 0

    @override
    async def due(self, now_ms: int, limit: int = 100) -> list[Key]:
        self.looks += 1
        if self.looks % 2:
            raise StoreBusy("locked")
        return [MINE, OTHER]


class Watched(Engine):
    """An engine that writes down whom it was asked to wake."""

    woken: list[Key]
    rings: int

    @override
    def wake(self, tenant: str, run: str) -> None:
        self.woken.append((tenant, run))

    @override
    def ring_all(self) -> None:
        self.rings += 1


def an_engine(store: MemoryStore) -> Watched:
    store._open = True
    engine = Watched(services_on(store), Reader(store))
    engine.woken, engine.rings = [], 0
    return engine


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "DUE_S", 0.001)
    monkeypatch.setattr(watch, "REFRESH_S", 0.001)


async def stop(task: asyncio.Task[None]) -> None:
    assert not task.done(), "a duty must not end"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.requirement("OPS-1", "TEN-3")
async def test_a_switch_reaches_the_drivers_when_it_is_seen() -> None:
    store = MemoryStore()
    engine = an_engine(store)
    task = asyncio.create_task(watch_switches(engine))
    await until(lambda: not engine.services.switchboard.stale)
    assert engine.rings == 0
    await store.switch(Switch("all", "test", "ann", NOW, None), "all")
    await until(lambda: engine.rings == 1)
    assert engine.services.switchboard.off("acme", "clerk") == {"all"}
    await stop(task)


@pytest.mark.requirement("OPS-1")
async def test_a_switch_that_a_driver_saw_first_reaches_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "REFRESH_S", 0.05)
    store = MemoryStore()
    engine = an_engine(store)
    board = engine.services.switchboard
    task = asyncio.create_task(watch_switches(engine))
    await until(lambda: not board.stale)
    await store.switch(Switch("all", "test", "ann", NOW, None), "all")
    assert await board.refresh()
    await until(lambda: engine.rings == 1)
    await stop(task)


async def test_due_runs_of_this_process_are_woken_though_the_store_stumbles() -> None:
    engine = an_engine(Due())
    task = asyncio.create_task(watch_due(engine, lambda *key: key == MINE))
    await until(lambda: len(engine.woken) > 2)
    assert set(engine.woken) == {MINE}
    await stop(task)


async def test_who_is_about_to_end_takes_up_nothing_more() -> None:
    store = Due()
    engine = an_engine(store)
    engine.resting = True
    task = asyncio.create_task(watch_due(engine, lambda *_: True))
    await until(lambda: store.looks > 6)
    assert engine.woken == []
    await stop(task)


async def test_a_run_that_cannot_be_driven_is_tried_rarely() -> None:
    store = Due()
    engine = an_engine(store)
    engine.errors[MINE] = StoreBusy("its last drive ended badly")
    task = asyncio.create_task(watch_due(engine, lambda *_: True))
    await until(lambda: store.looks > 20)
    assert engine.woken.count(MINE) == 1
    assert engine.woken.count(OTHER) > 5
    await stop(task)


@pytest.mark.requirement("BIL-1")
async def test_the_ledger_is_kept_up_also_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LEDGER_S", 0.001)

    class Faulty(Ledger):
        done: list[int]

        @override
        async def catch_up(self) -> int:
            self.done.append(1)
            if len(self.done) == 1:
                raise StoreBusy("locked")
            if len(self.done) == 2:
                raise ChainBroken("damaged")
            return await super().catch_up()

    store = MemoryStore()
    await store.open()
    await (await Spending(store).start()).call()
    ledger = Faulty(store)
    ledger.done = []
    task = asyncio.create_task(watch_ledger(ledger))
    await until(lambda: len(ledger.done) > 3)
    task.cancel()
    assert (await ledger.total(ALL)).calls == 1
