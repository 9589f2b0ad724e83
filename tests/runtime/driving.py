"""A driver with its outside: a store that answers as a test says, a tool that waits for a go."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from typing_extensions import override

from remit import Agent, Remit, ScriptedModel, tool
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply
from remit.errors import StoreError
from remit.journal.codec import open_record
from remit.journal.events import (
    CancelRequested,
    Event,
    SubrunRequested,
)
from remit.journal.record import Body
from remit.journal.rows import (
    Answer,
    Append,
    Appended,
    Balance,
    Blob,
    Exceeded,
    NewRun,
)
from remit.journal.settle import crossed_letter
from remit.machine.inputs import Input
from remit.machine.spec import canonical
from remit.machine.state import State, begin
from remit.runtime.driver import Driver
from remit.runtime.lease import Seat
from remit.runtime.letters import letter
from remit.runtime.services import LEASE_MS, Services
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from tests.runtime.kit import NOW, RUN, TENANT, HandClock, redactor, services_on, spec_of, started
from tests.runtime.stage import PATIENCE_S, an_agent

Script = Reply | Callable[[ModelRequest], Reply]
REDACTOR = redactor()  # its rules take long to build
ACCOUNT = f"run:{RUN}|total|nano"
BEGUN: list[str] = []
CUT: list[str] = []
GO: list[asyncio.Event] = []


def fresh() -> None:
    """Forget what was done; must be called in the loop of the test."""
    BEGUN.clear()
    CUT.clear()
    GO[:] = [asyncio.Event()]


@tool
async def find_fact(name: str) -> str:
    """Find a fact, once the test says go."""
    BEGUN.append(name)
    try:
        await GO[0].wait()
    except asyncio.CancelledError:
        CUT.append(name)
        raise
    return name


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


SCOUT = an_agent("scout")
AGENT = an_agent(
    tools=[find_fact, ship_order], agents=[SCOUT], remit=Remit(approvals={ship_order: 1})
)
TWO = [{"find_fact": {"name": "tea"}}, {"find_fact": {"name": "sea"}}]
ASK = {"ask_scout": {"brief": "dig"}}
Step = Answer | StoreError | None
"""What the store does with one append; None: what it always does."""


class Steps(MemoryStore):
    """A store whose appends are answered as a test says; the rest go through."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self._open = True
        self.steps = deque(steps)
        self.tried: list[Append] = []
        self.always: Answer | None = None

    @override
    async def append(self, append: Append) -> Answer:
        self.tried.append(append)
        step = self.steps.popleft() if self.steps else self.always
        if isinstance(step, StoreError):
            raise step
        if step is not None and not isinstance(step, Appended):
            return step
        answer = await super().append(append)
        if step is None:
            return answer
        for crossed in step.crossed:
            self._inboxes.put(TENANT, crossed_letter(RUN, crossed, NOW))
        return step


@dataclass
class Bench:
    """A driver with its outside."""

    store: Steps
    services: Services
    driver: Driver
    rung: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)

    async def drive(self) -> State:
        first = Input(kind="start", fact=started(self.driver.state.spec))
        await asyncio.wait_for(self.driver.drive(first), PATIENCE_S)
        return self.driver.state

    def bodies(self) -> list[Body]:
        opened = [open_record(each) for each in self.store._records.get((TENANT, RUN), [])]
        return [body for body in opened if body is not None]

    def events(self) -> list[Event]:
        return [event for body in self.bodies() for event in body.events]


def a_bench(*script: Script, store: Steps | None = None, agent: Agent[object] = AGENT) -> Bench:
    store = Steps() if store is None else store
    services = services_on(store, clock=HandClock(), model=ScriptedModel(*script))
    spec = spec_of(agent)
    new = NewRun(root=RUN, parent=None, agent=spec.name, spec=spec.digest, user="ann", session="s1")
    blobs = (Blob(spec.digest, canonical(spec)),)
    seat = Seat(tenant=TENANT, run=RUN, new=new, blobs=blobs, lease_until_ms=NOW + LEASE_MS)

    async def start_child(_: State, event: SubrunRequested) -> None:
        bench.children.append(event.child)

    driver = Driver(
        services,
        agent,
        seat,
        begin(TENANT, RUN, spec),
        redactor=REDACTOR,
        start_child=start_child,
        ring=lambda _, run: bench.rung.append(run),
    )
    bench = Bench(store, services, driver)
    return bench


def put(bench: Bench, key: str, fact: Event) -> None:
    """A letter that nobody rings for."""
    bench.store._inboxes.put(TENANT, letter(RUN, key, fact, NOW))


def cancel(number: int = 1) -> CancelRequested:
    return CancelRequested(principal=f"p{number}", reason=Clean("enough"))


def room(available: int) -> Exceeded:
    return Exceeded((Balance(ACCOUNT, 10**10 - available, 0, 10**10),))
