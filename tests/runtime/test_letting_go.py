"""Letting go: a lease is given up on the way out unless something of the run may still go on."""

import asyncio
import threading
from typing import cast

import pytest
from typing_extensions import override

from remit import App, Remit, ScriptedModel, tool
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply
from remit.errors import StoreBusy, StoreGone
from remit.journal.rows import Answer, Append, RunRow
from remit.values.model import ModelRequest
from tests.runtime.stage import PATIENCE_S, PRICES, an_agent, opened, until

ENTERED, GATE = threading.Event(), threading.Event()


@pytest.fixture(autouse=True)
def _doors() -> None:
    ENTERED.clear()
    GATE.clear()


@tool(access="read")
async def wait_for_ever(place: str) -> str:
    """Wait."""
    ENTERED.set()
    await asyncio.sleep(3600)
    return place


@tool(access="write")
def write_slowly(place: str) -> str:
    """Write from a thread."""
    ENTERED.set()
    GATE.wait(PATIENCE_S)
    return place


WAITER = an_agent("waiter", tools=[wait_for_ever])
WRITER = an_agent("writer", tools=[write_slowly], remit=Remit(approvals={write_slowly: 0}))


def row_of(store: MemoryStore, run: str) -> RunRow:
    return store._runs["local", run]


@pytest.mark.requirement("DUR-5", "OPS-5")
async def test_a_closed_app_leaves_its_runs_free_for_the_next() -> None:
    async with opened("memory:", [WAITER], {"wait_for_ever": {"place": "a"}}) as app:
        store = cast("MemoryStore", app.store)
        run = await app.start(WAITER, "Wait")
        await until(ENTERED.is_set)
        assert row_of(store, run).owner is not None
    row = row_of(store, run)
    assert (row.owner, row.lease_until_ms, row.status) == (None, 0, "running")
    await store.open()
    assert await store.due(0) == [("local", run)]


@pytest.mark.requirement("DUR-6")
async def test_a_thread_that_goes_on_keeps_its_run_from_others() -> None:
    async with opened("memory:", [WRITER], {"write_slowly": {"place": "a"}}) as app:
        store = cast("MemoryStore", app.store)
        run = await app.start(WRITER, "Write")
        await asyncio.to_thread(ENTERED.wait, PATIENCE_S)
        epoch = row_of(store, run).epoch
    row = row_of(store, run)
    assert row.owner is not None
    assert row.lease_until_ms > 0
    await store.open()
    assert await store.claim("local", run, owner="next", now_ms=0, lease_ms=1) is None
    assert row_of(store, run).epoch == epoch
    GATE.set()


class Failing(MemoryStore):
    """Fails one append, and may not be able to give leases up."""

    fails = 0
    stuck = False

    @override
    async def append(self, append: Append) -> Answer:
        self.fails -= 1
        if self.fails == 0:
            raise StoreGone("unplugged")
        return await super().append(append)

    @override
    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        if self.stuck:
            raise StoreBusy("locked")
        await super().release(tenant, run, epoch=epoch)


async def on(store: Failing, *script: Reply) -> tuple[App, str]:
    """An open app on that store, and a run of it that the store breaks."""
    models = {"scripted": ScriptedModel(*script)}
    app = App("memory:", agents=[WAITER], models=models, prices=PRICES)
    await app.__aenter__()
    services = app.engine.services
    store._open = True
    object.__setattr__(services, "store", store)
    object.__setattr__(app.desk, "store", store)
    app.engine.reader.store = store
    run = await app.start(WAITER, "Go")
    with pytest.raises(StoreGone):
        await app.engine.settled("local", run)
    return app, run


@pytest.mark.requirement("DUR-1")
async def test_a_run_whose_store_failed_is_free_at_once() -> None:
    store = Failing()
    store.fails = 2
    app, run = await on(store, "fine")
    assert row_of(store, run).owner is None
    assert (await app.resume(run)).output == "fine"
    await app.__aexit__(None, None, None)


async def test_a_lease_that_cannot_be_given_up_ends_by_itself() -> None:
    store = Failing()
    store.fails, store.stuck = 2, True
    app, run = await on(store, "fine")
    assert row_of(store, run).owner is not None
    assert (await app.resume(run)).output == "fine"  # its own process takes it up again
    await app.__aexit__(None, None, None)


async def test_an_ended_run_has_nothing_to_give_up() -> None:
    store = Failing()
    store.stuck = True

    def end(_: ModelRequest) -> Reply:
        return "fine"

    models = {"scripted": ScriptedModel(end)}
    async with App("memory:", agents=[WAITER], models=models, prices=PRICES) as app:
        store._open = True
        object.__setattr__(app.engine.services, "store", store)
        app.engine.reader.store = store
        assert (await app.run(WAITER, "Go")).output == "fine"
