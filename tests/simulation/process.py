"""One simulated process: the real app, engine, drivers and gates over a store with faults."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar, cast

from remit.adapters.redaction.rule_files import builtin_rules
from remit.adapters.vault import AeadVault
from remit.app.app import App
from remit.app.assemble import Parts
from remit.app.desk import Desk
from remit.app.drift import Drift
from remit.app.lazy import ModelShelf
from remit.app.plan_desk import PlanDesk
from remit.app.upgrade import Gate
from remit.errors import NotAllowed, NotFound, StoreBusy, StoreError, StoreGone
from remit.journal.rows import Claimed
from remit.machine.agent import Agent
from remit.machine.hooks import hooks_by_name
from remit.policy.redact import Redactor
from remit.policy.secret_scan import SecretRules
from remit.ports import Model, Store
from remit.runtime.books import Books
from remit.runtime.engine import Engine
from remit.runtime.health import HealthBoard
from remit.runtime.hub import Hub, StreamEvent
from remit.runtime.reader import Reader
from remit.runtime.services import Services, Signer
from remit.runtime.switchboard import Switchboard
from remit.runtime.watch import watch_due, watch_switches
from remit.values.price import ModelPrice
from tests.simulation.agents import ALL, HOOKS, ROOTS, SPECS
from tests.simulation.checked import MACS
from tests.simulation.mind import Mind
from tests.simulation.virtual import PROCESS
from tests.simulation.world import Node, Threads, Violation, World, ensure

T = TypeVar("T")
_PARTS = tuple(part.name for part in fields(Parts))
VAULT = AeadVault(b"v" * 32)
_SIGNER = Signer(key=MACS["sim"], key_id="sim")
# Faults a store may show; a process that meets one must neither lose nor repeat anything.
_FAULTS: tuple[type[StoreError], ...] = (StoreBusy, StoreGone)
# What a user may be told; anything else is a bug.
_EXPECTED = (StoreError, NotAllowed, NotFound)


class NoChannels:
    """Nobody is told anything from outside the journal."""

    async def flush(self) -> None:
        """There is nothing to deliver."""

    async def close(self) -> None:
        """There is nothing to let go of."""


class Prices:
    """Every model has the same price."""

    version = "sim"

    def price(self, model: str) -> ModelPrice:
        """3 and 15 dollars per million tokens."""
        return ModelPrice(
            model=model,
            input=3_000_000_000,
            output=15_000_000_000,
            cache_read=300_000_000,
            cache_write=3_750_000_000,
            version=self.version,
        )


class Faulty:
    """A process's connection to the store: slow, broken before or after the commit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.url = "memory:"

    async def close(self) -> None:
        """The other processes go on with it."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        inner = getattr(self._world.store, name)
        world, rng = self._world, self._world.rng

        async def call(*given: object, **named: object) -> object:
            if rng.random() < 0.5:
                await asyncio.sleep(rng.random() * 0.004)
            if world.chance(world.moods.slow):
                await asyncio.sleep(rng.random() * 3)
            if world.chance(world.moods.store_fault):
                world.counts["faults before"] += 1
                raise rng.choice(_FAULTS)(f"simulated, before {name}")
            answer = await inner(*given, **named)
            if isinstance(answer, Claimed):
                world.wake_sleeper(answer.previous_owner)
            if rng.random() < 0.3:
                await asyncio.sleep(rng.random() * 0.004)
            if world.chance(world.moods.store_fault):
                world.counts["faults after"] += 1
                raise rng.choice(_FAULTS)(f"simulated, the answer of {name} was lost")
            return answer

        return call


@lru_cache(maxsize=1)
def secret_rules() -> SecretRules:
    """The built-in rules, shared by all seeds: they take milliseconds to build."""
    return SecretRules(builtin_rules().rules)


@lru_cache(maxsize=8)
def redactor_for(tenant: str) -> Redactor:
    """The redactor of a tenant, shared by all seeds: its rules take milliseconds to build."""

    def placeholder(kind: str, secret: str) -> str:
        return VAULT.placeholder(tenant, kind, secret)

    return Redactor(placeholder, secret_rules())


class Machine(Node):
    """A process of Remit with an open app."""

    app: App
    engine: Engine
    desk: Desk

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something in this process."""
        context = copy_context()
        context.run(PROCESS.set, self)
        task = self.world.loop.create_task(work, context=context)
        task.add_done_callback(_look_at)
        return task

    def launch(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in this process that nobody waits for."""
        _ = self.spawn(work)

    def open(self) -> None:
        """Start the app of this process as `App.__aenter__` does, on the simulated outside."""
        world = self.world
        world.nodes[self.name] = self
        store = cast("Store", Faulty(world))
        mind = Mind(world)
        services = Services(
            store=store,
            clock=self,
            dice=world,
            vault=VAULT,
            signer=_SIGNER,
            prices=Prices(),
            model=lambda _: mind,
            agents=cast("Mapping[str, Agent[object]]", ALL),
            hub=Hub(),
            health=HealthBoard(self),
            switchboard=Switchboard(store, self),
            owner=self.name,
            secret_rules=secret_rules,
            threads=Threads(world),
            hooks=hooks_by_name(HOOKS),
        )
        self.engine = Engine(services, Reader(store))
        for tenant in ("acme", "beta"):
            self.engine._redactors[tenant] = redactor_for(tenant)
        self.desk = Desk(
            store=store,
            reader=self.engine.reader,
            clock=self,
            dice=world,
            redactor=redactor_for,
            vault=VAULT,
            wake=self.engine.wake if world.rng.random() < 0.5 else _deaf,
        )
        self.app = App("memory:", agents=ROOTS, worker=True)
        books = Books(store, self, world, _SIGNER)
        plans = PlanDesk(
            store=store,
            books=books,
            clock=self,
            redactor=redactor_for,
            plans=None,
            ring=self.engine.ring,
        )
        gate = Gate(plans=None, clock=self, secret=_SIGNER.key)
        shelf = ModelShelf({"sim": cast("Model", mind)}, _no_model)
        known: dict[str, Any] = {
            "engine": self.engine,
            "desk": self.desk,
            "shelf": shelf,
            "books": books,
            "plans": plans,
            "gate": gate,
            "channels": NoChannels(),
            "drift": Drift(),
        }
        # What has no part in driving runs (bills, payments) is not there.
        self.app._parts = cast("Callable[..., Parts]", Parts)(
            **{name: known.get(name) for name in _PARTS}
        )
        self.app.specs = SPECS
        self.launch(self._serve())

    async def _serve(self) -> None:
        await self.engine.services.switchboard.refresh()
        await asyncio.gather(
            watch_switches(self.engine), watch_due(self.engine, self.app._may_drive)
        )

    async def use(self, agent: Agent[object], text: str, tenant: str, session: str) -> None:
        """Run an agent as a user does, and check what the stream shows on the way."""
        if self.world.rng.random() < 0.5:
            await self.app.run(agent, text, tenant=tenant, user="uma", session=session)
            return
        last: dict[str, tuple[int, int]] = {}
        stream = self.app.stream(agent, text, tenant=tenant, user="uma", session=session)
        async with aclosing(stream):
            async for item in stream:
                if not isinstance(item, StreamEvent):
                    continue
                where = (item.version, item.index)
                ensure(last.get(item.run, (0, 0)) < where, f"{item.run}: the stream goes back")
                last[item.run] = where
                known = self.world.store.events[tenant, item.run]
                ensure((*where, item.event) in known, f"{item.run}: the stream invents")


def _look_at(task: asyncio.Task[Any]) -> None:
    """What a user was told must be one of the errors that are promised."""
    if task.cancelled():
        return
    error = task.exception()
    if error is not None and not isinstance(error, (*_EXPECTED, Violation)):
        raise Violation(f"a user was told {type(error).__name__}: {error}") from error


def _deaf(_tenant: str, _run: str) -> None:
    """A desk in another process than the driver's."""


def _no_model(provider: str) -> Model:
    raise Violation(f"there is no provider {provider}")
