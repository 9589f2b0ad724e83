"""A crash at every single point of a run, one by one: nothing is lost, nothing happens twice."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from remit import Agent, Call, Remit, ScriptedModel, probe, tool
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply, turn_of
from remit.app.following import tree_rows
from remit.errors import StoreError
from remit.journal.codec import decompress, open_record
from remit.journal.events import (
    CancelRequested,
    Event,
    RunEnded,
    RunStarted,
    RunStopping,
    SubrunRequested,
)
from remit.journal.record import GENESIS, check_link
from remit.journal.rows import RunRow
from remit.ports import Store
from remit.runtime.engine import Engine
from remit.runtime.lease import Seat
from remit.runtime.letters import letter
from remit.runtime.reader import Reader
from remit.runtime.services import LEASE_MS
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from tests.runtime.breaking import Breaking, Mode
from tests.runtime.kit import NOW, RUN, TENANT, HandClock, redactor, services_on, spec_of, started
from tests.runtime.stage import PATIENCE_S, an_agent

MODES: tuple[Mode, ...] = ("before", "after", "dead")
# Past every lease: one that covers a tool lasts its timeout, a minute, and the skew of clocks.
LEASE_OVER_MS = LEASE_MS + 60_000
REDACTOR = redactor()  # its rules take long to build
SHIPPED: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SHIPPED.clear()


def was_shipped(call: Call) -> str | None:
    """Ask the carrier."""
    return "shipped" if call.idempotency_key in SHIPPED else None


@tool(access="write", on_crash=probe(was_shipped))
async def ship_order(call: Call, order: int) -> str:
    """Ship an order; the carrier takes what it is given, also twice."""
    SHIPPED.append(call.idempotency_key)
    return "shipped"


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    return f"{name} is so"


SCOUT = an_agent("scout", tools=[find_fact])
BOSS = an_agent("boss", tools=[ship_order], agents=[SCOUT], remit=Remit(approvals={ship_order: 0}))
AGENTS: dict[str, Agent[object]] = {"boss": BOSS, "scout": SCOUT}
ASK = {"ask_scout": {"brief": "find tea"}}


def speak(request: ModelRequest) -> Reply:
    """The boss ships and asks the scout; the scout finds a fact."""
    script: tuple[Reply, ...] = ({"ship_order": {"order": 7}}, ASK, "all done")
    if "scout" in request.system:
        script = ({"find_fact": {"name": "tea"}}, "tea is so")
    return script[turn_of(request.messages)]


def cancelling(store: MemoryStore, engines: list[Engine]) -> Callable[[ModelRequest], Reply]:
    """A model that asks for the scout just when somebody cancels: one record tells both."""
    fact = CancelRequested(principal="ann", reason=Clean("enough"))

    def said(_request: ModelRequest) -> Reply:
        store._inboxes.put(TENANT, letter(RUN, "stop", fact, NOW))
        live = engines[-1].live[TENANT, RUN]
        if live.driver is not None:
            live.driver.ring()
        return ASK

    return said


def a_process(
    store: object, clock: HandClock, owner: str, said: Callable[[ModelRequest], Reply] = speak
) -> Engine:
    opened = cast("Store", store)
    model = ScriptedModel(*[said] * 9)
    services = services_on(opened, agents=AGENTS, clock=clock, model=model, owner=owner)
    engine = Engine(services, Reader(opened))
    engine._redactors[TENANT] = REDACTOR
    return engine


def begin(engine: Engine) -> None:
    spec = spec_of(BOSS)
    engine.start(BOSS, spec, Seat(tenant=TENANT, run=RUN), started(spec))


async def settled(engine: Engine, dead: asyncio.Event) -> bool:
    """The tree came to rest here; False when the process died on the way."""
    rest = asyncio.create_task(engine.settled(TENANT, RUN))
    death = asyncio.create_task(dead.wait())
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait([rest, death], return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    if not rest.done():
        rest.cancel()
        return False
    try:
        rest.result()
    except StoreError:
        return False
    return True


async def finish(engine: Engine, clock: HandClock) -> list[RunRow]:
    """Drive whatever is due until nothing is, as the duties of a worker do."""
    store = engine.services.store
    async with asyncio.timeout(PATIENCE_S):
        while due := await store.due(clock.at_ms):
            for key in due:
                engine.wake(*key)
            await engine.settled(TENANT, RUN)
    return await tree_rows(store, TENANT, RUN)


async def facts(store: MemoryStore, run: str) -> list[Event]:
    """The events of a run, its chain checked on the way."""
    events: list[Event] = []
    previous = GENESIS
    for record in await store.records(TENANT, run):
        check_link(record, previous, decompress(record.payload))
        previous = record.hash
        body = open_record(record)
        assert body is not None
        assert sum(cause.count for cause in body.causes) == len(body.events)
        events += body.events
    return events


async def broken_at(
    at: int, mode: Mode, *, same: bool = False, cancelled: bool = False
) -> tuple[MemoryStore, list[RunRow], bool]:
    """A run whose process meets one fault, and is then taken up; whether the fault was met."""
    SHIPPED.clear()
    store, clock = MemoryStore(), HandClock()
    await store.open()
    broken = Breaking(store, at, mode)
    engines: list[Engine] = []
    said = cancelling(store, engines) if cancelled else speak
    first = a_process(broken, clock, "first", said)
    engines.append(first)
    begin(first)
    if await settled(first, broken.dead) and broken.uses < at:
        await first.close()
        return store, await tree_rows(store, TENANT, RUN), False
    if not same:
        broken.buried = True
        await first.close()
    clock.at_ms += LEASE_OVER_MS
    if same:
        rows = await finish(first, clock)
        await first.close()
        return store, rows, True
    second = a_process(store, clock, "second", said)
    engines.append(second)
    rows = await finish(second, clock)
    await second.close()
    return store, rows, True


async def check_whole(store: MemoryStore, rows: list[RunRow], where: str) -> None:
    if not rows:
        assert SHIPPED == [], where  # nothing was durable, so nothing happened
        return
    assert [row.status for row in rows] == ["completed", "completed"], where
    own, below = [await facts(store, row.run) for row in rows]
    end, answer = own[-1], below[-1]
    assert isinstance(end, RunEnded)
    assert isinstance(answer, RunEnded)
    assert (end.output, answer.output) == ('"all done"', '"tea is so"'), where
    assert [f"{RUN}:c1-1"] == SHIPPED, where  # exactly once
    assert sum(isinstance(event, RunStarted) for event in own + below) == 2, where
    for balance in await store.balances(TENANT):
        assert balance.held == 0, where
        assert 0 < balance.posted <= balance.limit, where


@pytest.mark.requirement("DUR-1", "DUR-3", "DUR-6")
@pytest.mark.parametrize("mode", MODES)
async def test_a_run_that_breaks_anywhere_is_finished_by_another_process(mode: Mode) -> None:
    at, met = 0, True
    while met:
        at += 1
        store, rows, met = await broken_at(at, mode, same=False)
        await check_whole(store, rows, f"{mode} use {at}")
    assert at > 20


@pytest.mark.requirement("DUR-1", "DUR-6")
@pytest.mark.parametrize("mode", ["before", "after"])
async def test_a_run_whose_store_stumbles_anywhere_is_finished_by_its_own_process(
    mode: Mode,
) -> None:
    at, met = 0, True
    while met:
        at += 1
        store, rows, met = await broken_at(at, mode, same=True)
        await check_whole(store, rows, f"{mode} use {at}")
    assert at > 20


@pytest.mark.requirement("DUR-1", "TOOL-7")
@pytest.mark.parametrize("mode", MODES)
async def test_a_sub_run_asked_for_when_its_parent_was_cancelled_never_begins(mode: Mode) -> None:
    at, met, both = 0, True, 0
    while met:
        at += 1
        store, rows, met = await broken_at(at, mode, cancelled=True)
        if not rows:
            continue
        where = f"{mode} use {at}"
        assert [row.status for row in rows] == ["stopped"], where
        events = await facts(store, RUN)
        both += {type(event) for event in events} >= {SubrunRequested, RunStopping}
        assert sum(balance.held for balance in await store.balances(TENANT)) == 0, where
    assert at > 5
    assert both > 1


@pytest.mark.requirement("DUR-1")
async def test_a_run_waits_only_for_a_sub_run_that_exists() -> None:
    """Nobody takes up a waiting run: its row says `running` until the sub-run is durable."""
    at, met, early = 0, True, 0
    while met:
        at += 1
        SHIPPED.clear()
        store = MemoryStore()
        await store.open()
        broken = Breaking(store, at, "dead")
        engine = a_process(broken, HandClock(), "first")
        begin(engine)
        met = not await settled(engine, broken.dead)
        rows = await tree_rows(store, TENANT, RUN)
        asked = rows and any(isinstance(e, SubrunRequested) for e in await facts(store, RUN))
        if asked and len(rows) == 1:
            early += 1
            assert rows[0].status == "running", f"use {at}"
        broken.buried = True
        await engine.close()
    assert early > 0
