"""The loop of the simulation: time jumps, processes die and pause between any two steps."""

import asyncio
from contextvars import copy_context

import pytest

from tests.simulation.virtual import PROCESS, Process, Stuck, VirtualLoop


def in_process(process: Process, loop: VirtualLoop, steps: list[str], every_s: float) -> None:
    """Start a task of `process` that ticks."""

    async def tick() -> None:
        try:
            while True:
                await asyncio.sleep(every_s)
                steps.append(f"{process.name} {loop.time():g}")
        finally:
            steps.append(f"{process.name} ends")

    def start() -> None:
        PROCESS.set(process)
        _ = loop.create_task(tick())

    copy_context().run(start)


def test_time_jumps() -> None:
    loop = VirtualLoop()

    async def main() -> float:
        await asyncio.wait_for(asyncio.sleep(1_000_000), 2_000_000)
        return loop.time()

    assert loop.run_until_complete(main()) == 1_000_000


def test_a_killed_process_does_nothing_more_not_even_clear_up() -> None:
    loop, process, steps = VirtualLoop(), Process("a"), list[str]()

    async def main() -> None:
        in_process(process, loop, steps, 1)
        await asyncio.sleep(2.5)
        process.dead = True
        await asyncio.sleep(10)

    loop.run_until_complete(main())
    assert steps == ["a 1", "a 2"]
    loop.unwind()
    assert steps == ["a 1", "a 2", "a ends"]


def test_a_paused_process_goes_on_later() -> None:
    loop, process, steps = VirtualLoop(), Process("a"), list[str]()

    async def main() -> None:
        in_process(process, loop, steps, 1)
        await asyncio.sleep(1.5)
        process.paused = True
        await asyncio.sleep(10)
        loop.unpause(process)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert steps == ["a 1", "a 11.5"]
    loop.unwind()


def test_a_wait_without_end_is_noticed() -> None:
    loop = VirtualLoop()

    async def main() -> None:
        await loop.create_future()

    with pytest.raises(Stuck, match="waits for ever"):
        loop.run_until_complete(main())
    loop.unwind()


def test_a_spin_without_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.virtual.MAX_STEPS", 100)
    loop = VirtualLoop()

    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="spins"):
        loop.run_until_complete(main())
    monkeypatch.undo()
    loop.unwind()
