"""Waking runs: taken up by one driver as they were started, and no answer is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from typing_extensions import override

from remit import ScriptedModel
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply
from remit.errors import SpecError, StoreCorrupt, StoreGone
from remit.journal.events import (
    ModelCompleted,
    RunRecovered,
)
from remit.journal.record import Record
from remit.journal.rows import Answer, Append, RunRow, Switch
from remit.runtime.engine import Engine
from remit.runtime.lease import Seat
from remit.runtime.reader import Reader
from remit.runtime.services import LEASE_MS
from remit.values.model import ModelRequest
from remit.values.price import ModelPrice
from tests.runtime.engines import (
    CLERK,
    KEY,
    OTHER,
    REDACTOR,
    SHIP,
    SHIPPED,
    Broken,
    Slow,
    agree,
    an_engine,
    begin,
    clerk_with,
    facts,
    rest,
    ship_order,
    waiting,
    with_model,
)
from tests.runtime.kit import (
    NOW,
    RUN,
    TENANT,
    FlatPrices,
    spec_of,
    started,
)
from tests.runtime.stage import PATIENCE_S, an_agent


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SHIPPED.clear()


# ---------------------------------------------------------------- resuming


@pytest.mark.requirement("APR-1", "DUR-3")
async def test_an_answer_wakes_a_run_that_nobody_drives() -> None:
    engine = await waiting("done")
    await agree(engine)
    engine.wake(*KEY)
    assert (await rest(engine)).status == "completed"
    assert SHIPPED == [7]
    assert not any(isinstance(e, RunRecovered) for e in await facts(engine))  # nothing was lost


async def test_a_wake_without_a_reason_changes_nothing() -> None:
    engine = await waiting("done")
    before = await rest(engine)
    for _ in range(3):
        engine.wake(*KEY)
        engine.wake(*KEY)
        await rest(engine)
    assert replace(await rest(engine), epoch=0) == replace(before, epoch=0)
    await agree(engine)
    engine.wake(*KEY)
    await rest(engine)
    ended = await engine.services.store.records(*KEY)
    engine.wake(*KEY)  # an ended run is left alone
    assert (await rest(engine)).status == "completed"
    assert await engine.services.store.records(*KEY) == ended


@pytest.mark.requirement("DUR-6")
async def test_a_run_that_another_process_drives_is_left_to_it() -> None:
    engine = await waiting("done")
    store = engine.services.store
    assert await store.claim(*KEY, owner="other", now_ms=NOW, lease_ms=LEASE_MS)
    await agree(engine)
    engine.wake(*KEY)
    assert (await rest(engine)).owner == "other"
    assert SHIPPED == []


@pytest.mark.requirement("OPS-2")
async def test_code_that_no_longer_fits_is_said_and_the_run_is_let_go() -> None:
    engine = await waiting("done")
    later = Engine(
        replace(engine.services, agents={"clerk": clerk_with()}), Reader(engine.services.store)
    )
    await agree(engine)
    later.wake(*KEY)
    with pytest.raises(SpecError, match="'ship_order' is gone since the run started"):
        await later.settled(*KEY)
    row = await engine.services.store.run(*KEY)
    assert row is not None
    assert row.owner is None
    engine.wake(*KEY)  # the old code finishes it
    assert (await rest(engine)).status == "completed"
    assert SHIPPED == [7]


async def test_a_run_of_an_agent_that_is_not_here_is_said() -> None:
    engine = await waiting()
    stranger = Engine(replace(engine.services, agents={}), engine.reader)
    stranger.wake(*KEY)
    with pytest.raises(SpecError, match="'clerk' is not registered here"):
        await stranger.settled(*KEY)


async def test_a_damaged_run_is_said_and_let_go() -> None:
    store = MemoryStore()
    engine = await waiting(store=store)
    store._blobs[TENANT, spec_of(CLERK).digest] = b"{}"
    fresh = Engine(engine.services, Reader(store))
    fresh.wake(*KEY)
    with pytest.raises(StoreCorrupt):
        await fresh.settled(*KEY)
    row = await store.run(*KEY)
    assert row is not None
    assert row.owner is None


@pytest.mark.requirement("PROV-8")
async def test_what_a_run_was_started_with_stays_in_force() -> None:
    class Dear(FlatPrices):
        @override
        def price(self, model: str) -> ModelPrice:
            return super().price(model).model_copy(update={"input": 9 * 10**9})

    engine = await waiting()
    model = ScriptedModel(SHIP, "done")
    changed = clerk_with(ship_order)
    changed.prompt = replace(changed.prompt, text="Speak of the sea.")
    services = replace(
        engine.services, agents={"clerk": changed}, prices=Dear(), model=lambda _: model
    )
    later = Engine(services, Reader(engine.services.store))
    later._redactors[TENANT] = REDACTOR
    await agree(engine)
    later.wake(*KEY)
    assert (await rest(later)).status == "completed"
    assert [request.system for request in model.requests] == ["You are clerk."]
    costs = [e.cost / e.usage.input for e in await facts(later) if isinstance(e, ModelCompleted)]
    assert max(costs) < 9_000  # each at the old price
    spec = spec_of(changed)
    later.start(changed, spec, Seat(tenant=TENANT, run=OTHER), started(spec, root=OTHER))
    await rest(later, OTHER)
    assert model.requests[-1].system == "Speak of the sea."


# ---------------------------------------------------------------- races


class Interrupted(MemoryStore):
    """A store in which something else happens just before one of its answers."""

    meanwhile: Callable[[], Awaitable[None]] | None = None
    at = ""

    async def _pause(self, name: str) -> None:
        if self.at == name and self.meanwhile is not None:
            then, self.meanwhile = self.meanwhile, None
            await then()

    @override
    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        await self._pause("release")
        await super().release(tenant, run, epoch=epoch)
        await self._pause("released")

    @override
    async def run(self, tenant: str, run: str) -> RunRow | None:
        row = await super().run(tenant, run)
        await self._pause("run")
        return row

    @override
    async def records(self, tenant: str, run: str, after: int = 0) -> list[Record]:
        found = await super().records(tenant, run, after)
        await self._pause("records")
        return found


@pytest.mark.requirement("APR-1")
@pytest.mark.parametrize("at", ["release", "released", "run", "records"])
async def test_no_answer_is_lost_whenever_it_comes(at: str) -> None:
    """While the driver leaves, and while the next one takes its seat."""
    store = Interrupted()
    engine = an_engine(SHIP, "done", store=store)

    async def answer() -> None:
        await agree(engine)
        engine.wake(*KEY)

    begin(engine)
    if at in ("run", "records"):
        await rest(engine)
        store.at, store.meanwhile = at, answer
        engine.wake(*KEY)
    else:
        store.at, store.meanwhile = at, answer
    assert (await rest(engine)).status == "completed"
    assert SHIPPED == [7]


@pytest.mark.requirement("DUR-6")
async def test_many_wakes_at_once_are_one_drive() -> None:
    engine = await waiting("done")
    others = [
        Engine(replace(engine.services, owner=f"p{number}"), Reader(engine.services.store))
        for number in range(4)
    ]
    for other in others:
        other._redactors[TENANT] = REDACTOR
    await agree(engine)
    for each in (engine, *others) * 3:
        each.wake(*KEY)
    for each in (engine, *others):
        await each.settled(*KEY)
    row = await engine.services.store.run(*KEY)
    assert row is not None
    assert row.status == "completed"
    assert SHIPPED == [7]


async def test_everybody_who_waits_for_a_tree_is_let_go() -> None:
    engine = an_engine("fine")
    begin(engine)
    waiters = [asyncio.create_task(engine.settled(*KEY)) for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*waiters), PATIENCE_S)
    assert engine._idle == {}
    assert not engine._trees


@pytest.mark.requirement("OPS-1")
async def test_a_ring_reaches_every_driver() -> None:
    engine = with_model(an_engine(), Slow("fine"))
    begin(engine)
    await engine.begun(*KEY)
    await engine.services.store.switch(Switch("all", "test", "ann", NOW, None), "all")
    await engine.services.switchboard.refresh()
    engine.ring_all()
    assert (await rest(engine)).status == "stopped"


async def test_a_resume_that_is_hindered_is_told_and_may_be_tried_again() -> None:
    store = Broken()
    engine = await waiting("done", store=store)
    await agree(engine)
    store.what, store.fails = "run", 1
    engine.wake(*KEY)
    with pytest.raises(StoreGone):
        await engine.settled(*KEY)
    engine.wake(*KEY)
    assert (await rest(engine)).status == "completed"


class Stuck(MemoryStore):
    """A store that fails once, when a run's row is to say that it waits for its sub-run."""

    failed = False

    @override
    async def append(self, append: Append) -> Answer:
        if append.record.header.run == RUN and append.status == "waiting" and not self.failed:
            self.failed = True
            raise StoreGone("unplugged")
        return await super().append(append)


async def test_a_run_whose_driver_broke_before_its_row_said_waiting_is_not_due_for_ever() -> None:
    boss = an_agent("boss", agents=[CLERK])

    def speak(request: ModelRequest) -> Reply:
        return SHIP if "clerk" in request.system else {"ask_clerk": {"brief": "ship it"}}

    store = Stuck()
    engine = an_engine(speak, store=store, agent=boss)
    begin(engine, agent=boss)
    with pytest.raises(StoreGone):
        await rest(engine)
    engine.wake(*KEY)
    row = await rest(engine)
    assert (row.status, row.owner) == ("waiting", None)
    assert await store.due(NOW) == []
    assert [row.status for row in await store.runs(TENANT, parent=RUN)] == ["waiting"]
