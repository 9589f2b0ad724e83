"""Engines on a store in memory, with one agent and a script, for tests of engines."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from typing_extensions import override

from remit import Agent, Remit, ScriptedModel, tool
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply
from remit.errors import StoreGone
from remit.journal.codec import open_record
from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    Event,
)
from remit.journal.rows import Answer, Append, RunRow
from remit.machine.tools import AnyTool
from remit.runtime.engine import Engine
from remit.runtime.lease import Seat
from remit.runtime.letters import letter
from remit.runtime.reader import Reader
from remit.values.model import Delta, ModelAnswer, ModelRequest
from tests.runtime.kit import (
    NOW,
    RUN,
    TENANT,
    HandClock,
    redactor,
    services_on,
    spec_of,
    started,
)
from tests.runtime.stage import PATIENCE_S, an_agent

Script = Reply | Callable[[ModelRequest], Reply]
KEY = (TENANT, RUN)
OTHER = "run_01M7Q5CRENXC2Q9R1RXS42CRQD"
REDACTOR = redactor()  # its rules take long to build
SHIPPED: list[int] = []


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    SHIPPED.append(order)
    return f"shipped {order}"


def clerk_with(*tools: AnyTool) -> Agent[str]:
    return an_agent("clerk", tools=tools, remit=Remit(approvals={ship_order: 1}))


CLERK = clerk_with(ship_order)
SHIP: Reply = {"ship_order": {"order": 7}}


def an_engine(
    *script: Script, store: MemoryStore | None = None, owner: str = "me", agent: Agent[str] = CLERK
) -> Engine:
    """An engine that knows one agent and those below it."""
    store = MemoryStore() if store is None else store
    store._open = True
    agents: dict[str, Agent[object]] = {each.name: each for each in (agent, *agent.agents)}
    model = ScriptedModel(*script)
    services = services_on(store, agents=agents, clock=HandClock(), model=model, owner=owner)
    engine = Engine(services, Reader(store))
    engine._redactors[TENANT] = REDACTOR
    return engine


def begin(engine: Engine, run: str = RUN, *, agent: Agent[str] = CLERK, **changes: object) -> None:
    spec = spec_of(agent)
    fact = started(spec, root=run, **changes)
    engine.start(agent, spec, Seat(tenant=TENANT, run=run), fact)


class Slow(ScriptedModel):
    """A model that answers the boss at once, and others when the gate is open."""

    def __init__(self, *script: Script) -> None:
        super().__init__(*script)
        self.gate = asyncio.Event()

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        if "boss" not in request.system:
            await self.gate.wait()
        return await super().answer(request, deadline_s=deadline_s, emit=emit)


def with_model(engine: Engine, model: ScriptedModel) -> Engine:
    """The same engine on another model."""
    changed = Engine(replace(engine.services, model=lambda _: model), engine.reader)
    changed._redactors[TENANT] = REDACTOR
    return changed


async def rest(engine: Engine, run: str = RUN) -> RunRow:
    """The row of a run once nothing of its tree is driven here."""
    await asyncio.wait_for(engine.settled(TENANT, run), PATIENCE_S)
    row = await engine.services.store.run(TENANT, run)
    assert row is not None
    return row


async def facts(engine: Engine, run: str = RUN) -> list[Event]:
    bodies = [open_record(each) for each in await engine.services.store.records(TENANT, run)]
    return [event for body in bodies if body is not None for event in body.events]


async def agree(engine: Engine) -> None:
    """Send the approval that the run waits for; nobody is rung."""
    asked = next(e for e in await facts(engine) if isinstance(e, ApprovalRequested))
    fact = ApprovalGiven(
        approval=asked.approval, digest=asked.digest, principal="boss", channel="test"
    )
    await engine.services.store.send(TENANT, letter(RUN, "yes", fact, NOW))


class Broken(MemoryStore):
    """A store in which one thing fails as often as a test says."""

    fails: int = 0
    what = "append"

    def _stumble(self, what: str) -> None:
        if self.what == what and self.fails > 0:
            self.fails -= 1
            raise StoreGone("unplugged")

    @override
    async def append(self, append: Append) -> Answer:
        self._stumble("append")
        return await super().append(append)

    @override
    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        self._stumble("release")
        await super().release(tenant, run, epoch=epoch)

    @override
    async def run(self, tenant: str, run: str) -> RunRow | None:
        self._stumble("run")
        return await super().run(tenant, run)


async def waiting(*script: Script, store: MemoryStore | None = None) -> Engine:
    """An engine whose run waits for an approval."""
    engine = an_engine(SHIP, *script, store=store)
    begin(engine)
    assert (await rest(engine)).status == "waiting"
    return engine
