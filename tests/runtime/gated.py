"""Tools for tests of the gate, what they did, and a gate of one run at a time that is set."""

import asyncio
import sys
import threading
from dataclasses import replace

from remit import Call, Command, Remit, probe, tool
from remit.adapters.memory.store import MemoryStore
from remit.journal.events import Event, ProbeCompleted, ProbeRequested, ToolRequested
from remit.machine.agent import Agent
from remit.machine.state import CallState, State
from remit.machine.tools import AnyTool
from remit.runtime.services import Services
from remit.runtime.toolgate import ToolGate
from tests.runtime.kit import NOW, HandClock, a_cleaner, released, services_on
from tests.runtime.stage import PATIENCE_S, an_agent


class World:
    """What the tools of a test did and were told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.calls: list[Call] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.tree = "tree-1"


class Stage:
    world = World()


@tool(access="read")
async def read_page(call: Call, name: str) -> str:
    """Read."""
    Stage.world.calls.append(call)
    if name == "hang":
        await asyncio.sleep(3600)
    if name == "slow":
        raise TimeoutError("the server is slow")
    if name == "leave":
        sys.exit(3)
    return f"page {name}"


@tool(access="write", on_crash="repeat")
async def put_page(call: Call, name: str) -> str:
    """Write."""
    Stage.world.done.append(name)
    if name == "hang":
        await asyncio.sleep(3600)
    if name == "slow":
        raise TimeoutError("the server is slow")
    if name == "bad":
        raise ValueError("bad name")
    return f"put {name}"


def was_put(name: str) -> str | None:
    """Ask."""
    if name == "unsure":
        raise ConnectionError("the system does not answer")
    return "put before" if name in Stage.world.done else None


@tool(access="write", on_crash=probe(was_put))
def put_slowly(call: Call, name: str) -> str:
    """Write from a thread."""
    Stage.world.entered.set()
    Stage.world.calls.append(call)
    Stage.world.gate.wait(PATIENCE_S)
    Stage.world.done.append(name)
    if name == "fails":
        raise ValueError("late failure")
    return f"put {name} slowly"


@tool(access="write", reveals=["github-token"])
async def use_token(token: str) -> str:
    """Use a token."""
    Stage.world.done.append(token)
    return "used"


@tool(access="write", depends=lambda name: Stage.world.tree)
async def commit_page(name: str) -> str:
    """Commit."""
    Stage.world.done.append(name)
    return "committed"


@tool(access="write")
async def ask_first(call: Call, name: str) -> str:
    """Ask a human first."""
    return call.ask("size", f"How big is {name}?", str)


@tool(access="read")
async def run_program(call: Call) -> str:
    """Run a program."""
    finished = await call.run_confined(Command(argv=("true",), cwd="/", hide=("/own",)))
    return finished.confinement


TOOLS: tuple[AnyTool, ...] = (
    read_page,
    put_page,
    put_slowly,
    use_token,
    commit_page,
    ask_first,
    run_program,
)
AGENT = an_agent(tools=TOOLS, remit=Remit(approvals={each.name: 0 for each in TOOLS}))


class Bench:
    """A gate of one run, at a time that the test sets."""

    def __init__(self, agent: Agent[object] = AGENT) -> None:
        self.clock = HandClock()
        self.store = MemoryStore()
        self.store._open = True
        self.services: Services = services_on(self.store, clock=self.clock)
        self.agent = agent

    def gate(self) -> ToolGate:
        return ToolGate(services=self.services, agent=self.agent, cleaner=a_cleaner, fence=7)

    async def call(
        self, name: str, arguments: str, *, until_ms: int = NOW + 60_000, **known: object
    ) -> Event | None:
        state, call, event = self.ready(name, arguments, until_ms=until_ms, **known)
        return (await self.gate().call(state, call, event)).input.fact

    def ready(
        self, name: str, arguments: str, *, until_ms: int = NOW + 60_000, **known: object
    ) -> tuple[State, CallState, ToolRequested]:
        state, call, event = released(AGENT, name, arguments, until_ms=until_ms)
        return state, replace(call, **known), event  # type: ignore[arg-type]  # fields of a call

    async def probe(self, arguments: str) -> ProbeCompleted:
        state, call, _ = self.ready("put_slowly", arguments)
        event = ProbeRequested(call="c1-1", attempt=2)
        fact = (await self.gate().probe(state, call, event)).input.fact
        assert isinstance(fact, ProbeCompleted)
        return fact
