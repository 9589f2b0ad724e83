"""One seed from beginning to end: users, people, crashes, pauses; then calm, and every check."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from remit.runtime import watch
from tests.simulation import people
from tests.simulation.agents import ROOTS, boss, poor
from tests.simulation.checked import CheckedStore
from tests.simulation.process import Machine
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import BROKEN, SECRET, Moods, Violation, World

# Looks for runs that are due: rarer than in life, for a look costs the simulation real time.
_DUE_S = 4.0
_SWITCH_S = 0.9
# Everything ends within this time once the world is calm: leases, approvals and deadlines included.
_CALM_S = 3600.0


Tune = Callable[[Moods], None]


class Scenario:
    """What happens in one seed."""

    def __init__(self, seed: int, tune: Tune | None = None) -> None:
        self.loop = VirtualLoop()
        self.world = World(seed, self.loop)
        if tune is not None:
            tune(self.world.moods)
        self.world.store = CheckedStore(self.world)
        self.machines: list[Machine] = []
        self._made = 0

    def _boot(self) -> Machine:
        self._made += 1
        rng = self.world.rng
        skew = 0 if self.world.calm else rng.choice((0, 0, -1500, 1500))
        machine = Machine(f"m{self._made}", self.world, skew)
        machine.open()
        self.machines.append(machine)
        return machine

    @property
    def _alive(self) -> list[Machine]:
        return [m for m in self.machines if not m.dead and not m.paused]

    async def _users(self) -> None:
        rng = self.world.rng
        for number in range(rng.choice((1, 3, 4, 6))):
            await asyncio.sleep(rng.random() * 8)
            tenant, session = rng.choice(("acme", "beta")), rng.choice(("s1", "s2"))
            agent = rng.choice((*ROOTS, poor, boss, boss))
            text = f"task {number} tenant={tenant} session={session} {SECRET}"
            if self._alive:
                machine = rng.choice(self._alive)
                machine.launch(machine.use(agent, text, tenant, session))

    async def _people(self) -> None:
        rng, world = self.world.rng, self.world
        while True:
            await asyncio.sleep(rng.random() * (5 if world.calm else 8 * world.moods.people))
            if self._alive:
                act = people.act(world, machine := rng.choice(self._alive))
                await asyncio.wait([machine.spawn(act)], timeout=20)
            if rng.random() < 0.3:
                world.tree = f"tree-{rng.randrange(3)}"

    async def _chaos(self) -> None:
        rng, world = self.world.rng, self.world
        for _ in range(rng.choice((1, 2, 3, 4))):
            await asyncio.sleep(rng.random() * 12)
            if not self._alive:
                continue
            victim = rng.choice(self._alive)
            if world.chance(world.moods.kills):
                victim.dead = True
                world.counts["kills"] += 1
            elif world.chance(world.moods.pauses):
                victim.paused = victim.was_paused = True
                world.counts["pauses"] += 1
                self.loop.call_later(rng.choice((1, 20, 60, 200)), self.loop.unpause, victim)
            elif rng.random() < 0.3:
                victim.launch(victim.app.__aexit__(None, None, None))
                self.machines.remove(victim)
                world.counts["closes"] += 1
            if rng.random() < 0.6 or not self._alive:
                await asyncio.sleep(rng.random() * 5)
                self._boot()

    async def play(self) -> None:
        """Play the seed. Raises `Violation` for what must not be."""
        world, rng = self.world, self.world.rng
        await world.store.open()
        for _ in range(rng.choice((1, 2))):
            self._boot()
        everybody = asyncio.create_task(self._people())
        await asyncio.gather(self._users(), self._chaos())
        await asyncio.sleep(rng.random() * 30)
        world.calm = True
        self._boot()
        await asyncio.wait([self.machines[-1].spawn(people.all_on(self.machines[-1]))])
        end = self.loop.time() + _CALM_S
        while self.loop.time() < end and not BROKEN and not self._is_over():
            await asyncio.sleep(5)
        everybody.cancel()
        if not BROKEN:
            world.store.check_end()

    def _is_over(self) -> bool:
        paused = any(machine.paused and not machine.dead for machine in self.machines)
        return not paused and all(s.phase == "ended" for s in self.world.store.states.values())


@contextmanager
def rare_looks() -> Iterator[None]:
    """Periodic duties at the simulation's pace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "DUE_S", _DUE_S)
        patch.setattr(watch, "REFRESH_S", _SWITCH_S)
        yield


def play(seed: int, tune: Tune | None = None) -> World:
    """Play one seed to its end; `tune` changes its moods. Raises `Violation` naming the seed."""
    BROKEN.clear()
    scenario = Scenario(seed, tune)
    loop = scenario.loop
    with rare_looks():
        try:
            loop.run_until_complete(scenario.play())
        except BaseException as exc:
            BROKEN.append(f"{type(exc).__name__}: {exc}")
            raise Violation(f"seed {seed}: {BROKEN[0]}") from exc
        finally:
            first = BROKEN[0] if BROKEN else ""
            loop.unwind()
    problems = [problem for problem in loop.problems if problem]
    if first or problems:
        raise Violation(f"seed {seed}: {first or problems[0]} (REMIT_SEED={seed} repeats it)")
    return scenario.world


def collect() -> None:
    """Collect what dead processes left behind, so that no seed pays for another."""
    gc.collect()
