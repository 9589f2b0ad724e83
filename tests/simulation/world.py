"""The world outside: what tools do to it, counted, and who has agreed to what."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from typing_extensions import override

from remit.errors import OutsideError, ToolError
from remit.machine.call import Call
from tests.simulation.virtual import PROCESS, Process, VirtualLoop

if TYPE_CHECKING:
    from tests.simulation.checked import CheckedStore

P = ParamSpec("P")
R = TypeVar("R")
SECRET = "sk-ant-" + "api03-" + "Zq" * 46 + "AA"
BASE_MS = 1_795_000_000_000


BROKEN: list[str] = []
"""Violations of the present seed, kept because what a tool raises is only told to the model."""


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        BROKEN.append(what)


def ensure(holds: object, what: str) -> None:
    """Raise `Violation` unless it holds."""
    if not holds:
        raise Violation(what)


class Node(Process):
    """A process of Remit; its clock may go wrong by some seconds."""

    def __init__(self, name: str, world: "World", skew_ms: int) -> None:
        super().__init__(name)
        self.world = world
        self.skew_ms = skew_ms
        self.was_paused = False

    def now_ms(self) -> int:
        """The clock of this process."""
        return self.world.now_ms() + self.skew_ms


def node_of() -> Node:
    """The process in which the caller runs."""
    process = PROCESS.get()
    if not isinstance(process, Node):
        raise Violation("a tool runs outside of any process")
    return process


def world_of() -> "World":
    """The world of the process in which the caller runs."""
    return node_of().world


@dataclass(frozen=True)
class Effect:
    """Something that happened outside and cannot be taken back."""

    key: str
    tool: str
    attempt: int
    late: bool
    """Done after another driver had taken over: the documented residual window."""


@dataclass(frozen=True)
class Agreement:
    """A person said yes to a call in exactly this form; `digest` is None for a form they wrote."""

    principal: str
    arguments: Mapping[str, object]
    digest: str | None


@dataclass
class Moods:
    """How bad this world is; drawn per seed."""

    store_fault: float
    tool_fault: float
    tool_hang: float
    model_fault: float
    slow: float
    kills: float
    pauses: float
    people: float
    """How soon people answer: a factor on their delays."""
    absent: bool
    """People hardly look at what waits for their approval, so most of it expires."""


@dataclass
class World:
    """Everything outside of Remit, made from one seed."""

    seed: int
    loop: VirtualLoop
    rng: random.Random = field(init=False)
    store: "CheckedStore" = field(init=False)
    moods: Moods = field(init=False)
    calm: bool = False
    tree: str = "tree-0"
    effects: list[Effect] = field(default_factory=list)
    by_key: dict[str, list[Effect]] = field(default_factory=lambda: defaultdict(list))
    under_way: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    agreed: dict[str, list[Agreement]] = field(default_factory=lambda: defaultdict(list))
    holding: dict[str, str] = field(default_factory=dict)
    """Resource keys in use by running writes, as far as their process lives."""
    nodes: dict[str, Node] = field(default_factory=dict)
    tokens: int = 0
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(self.seed)
        bad = rng.choice((0.0, 0.3, 1.0))
        self.moods = Moods(
            store_fault=bad * rng.choice((0.0, 0.004, 0.02)),
            tool_fault=bad * 0.2,
            tool_hang=bad * 0.1,
            model_fault=bad * 0.25,
            slow=bad * rng.choice((0.0, 0.05)),
            kills=rng.choice((0.0, 0.5, 1.0)),
            pauses=rng.choice((0.0, 0.0, 0.6)),
            people=rng.choice((0.3, 1.0, 3.0)),
            absent=rng.random() < 0.15,
        )

    # ------------------------------------------------------------ chance and time

    def now_ms(self) -> int:
        """The true time."""
        return BASE_MS + int(self.loop.time() * 1000)

    def chance(self, probability: float) -> bool:
        """True with this probability, never once the world is calm."""
        return not self.calm and self.rng.random() < probability

    def token(self) -> str:
        """A text that no other result holds."""
        self.tokens += 1
        return f"tok{self.tokens:06d}x"

    def entropy(self, count: int) -> bytes:
        """Bytes of the seed's dice."""
        return self.rng.randbytes(count)

    def jitter(self) -> int:
        """The seed's dice, 0 to 1,000,000."""
        return self.rng.randrange(1_000_001)

    def wake_sleeper(self, name: str | None) -> None:
        """A run was taken over: often its old driver wakes just then, at the worst moment."""
        sleeper = None if name is None else self.nodes.get(name)
        if sleeper is not None and sleeper.paused and self.rng.random() < 0.7:
            self.loop.call_later(self.rng.random() * 0.01, self.loop.unpause, sleeper)

    # ------------------------------------------------------------ tools

    async def carry_out(
        self,
        call: Call,
        tool: str,
        arguments: Mapping[str, object],
        *,
        effect: bool = True,
        said: int | None = None,
        bills: bool = False,
    ) -> str:
        """What an asynchronous tool does: wait, fail, hang, act, wait again."""
        self.enter(call, tool, arguments)
        try:
            await self._trouble()
            if effect:
                self.act(call, tool)
            if bills:
                self._bill(call)
            await asyncio.sleep(self.rng.random() * 2)
            if self.chance(self.moods.tool_hang):
                await asyncio.sleep(1e6)
            return self.token() + ("" if said is None else f" {said} copies")
        finally:
            self.leave(call)

    async def _trouble(self) -> None:
        await asyncio.sleep(self.rng.random() * 3)
        if self.chance(self.moods.tool_hang):
            await asyncio.sleep(1e6)
        if self.chance(self.moods.tool_fault):
            faults = (ToolError("no luck"), ValueError("bad"), TimeoutError("slow"))
            raise self.rng.choice((*faults, OutsideError("unreachable")))

    def in_thread(self, call: Call, tool: str, *, effect: bool = True, bills: bool = False) -> str:
        """What a synchronous tool does; its thread has entered before."""
        if self.chance(self.moods.tool_fault):
            raise ToolError("no luck in a thread")
        if effect:
            self.act(call, tool)
        if bills:
            self._bill(call)
        return self.token()

    def _bill(self, call: Call) -> None:
        """Somebody says what the call cost: in pieces, not at all, or more than was agreed."""
        way = self.rng.random()
        if way < 0.15:
            return
        pieces = 1 if way < 0.6 else 3
        for _ in range(pieces):
            cents = self.rng.randrange(2) if way < 0.93 else 6
            call.charge(f"0.0{cents}")

    async def look_on(self) -> None:
        """What a hook does before it answers."""
        self.counts["hooks"] += 1
        await asyncio.sleep(self.rng.random() * 0.3)
        if self.chance(self.moods.tool_hang * 0.2):
            await asyncio.sleep(1e6)
        if self.chance(self.moods.tool_fault * 0.2):
            raise ValueError("a hook with a bug")

    async def probe(self, call: Call) -> str | None:
        """Whether the effect of a call happened, if the system can be asked."""
        await asyncio.sleep(self.rng.random())
        if self.chance(self.moods.tool_hang):
            await asyncio.sleep(1e6)
        if self.chance(self.moods.tool_fault):
            raise ToolError("the bank does not answer")
        return self.token() if self.by_key[call.idempotency_key] else None

    def enter(self, call: Call, tool: str, arguments: Mapping[str, object]) -> None:
        """A tool begins: everything that allows it must stand in the journal already."""
        node = node_of()
        self.store.check_entry(node, call, tool, arguments)
        self.under_way[call.idempotency_key].append(node)

    def leave(self, call: Call) -> None:
        """A tool ends, however."""
        node = node_of()
        if node in self.under_way[call.idempotency_key]:
            self.under_way[call.idempotency_key].remove(node)

    def is_under_way(self, key: str) -> bool:
        """Some process that lives may still do it."""
        return any(not node.dead for node in self.under_way[key])

    def act(self, call: Call, tool: str) -> None:
        """The effect itself."""
        node = node_of()
        late = self.store.epoch_of(call.tenant, call.run) != call.fence
        # A process that slept beyond its lease, or a thread that went on after it was cut.
        outlived = node.was_paused or node.now_ms() >= call.until_ms
        ensure(outlived or not late, f"{call.idempotency_key}: an effect of a fenced driver")
        done = Effect(call.idempotency_key, tool, call.attempt, late)
        self.effects.append(done)
        self.by_key[done.key].append(done)
        self.counts["late" if late else "effects"] += 1
        self.store.check_effects(done)


class Threads(Executor):
    """Threads on virtual time: one that has begun goes on although nobody waits for it any more."""

    def __init__(self, world: World) -> None:
        self._world = world

    @override
    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        world = self._world
        future: Future[R] = Future()
        future.set_running_or_notify_cancel()
        call = fn.keywords.get("call") if isinstance(fn, partial) else None
        if isinstance(fn, partial) and isinstance(call, Call):
            arguments = {name: value for name, value in fn.keywords.items() if name != "call"}
            world.enter(call, str(fn.func.__name__), arguments)

        def end(result: R | None, error: BaseException | None) -> None:
            if isinstance(call, Call):
                world.leave(call)
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None stands for an R then

        def begin() -> None:
            try:
                result = fn(*args, **kwargs)
            except Exception as exc:  # noqa: BLE001  # passed on, as an executor does
                world.loop.call_later(world.rng.random(), end, None, exc)
            else:
                world.loop.call_later(world.rng.random(), end, result, None)

        slow = 20.0 if world.chance(3 * world.moods.tool_hang) else 2.0
        world.loop.call_later(world.rng.random() * slow, begin)
        return future


def same(first: Mapping[str, object], text: str) -> bool:
    """The arguments are those of the JSON text."""
    return bool(json.loads(text) == dict(first))
