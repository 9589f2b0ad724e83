"""Periodic duties of a process: fresh switches, runs that are due, leaf numbers for the tree."""

import asyncio
from collections.abc import Callable

from remit.errors import StoreError
from remit.runtime.engine import Engine
from remit.runtime.switchboard import REFRESH_S

# How long a run that became due by time alone, or by another process's letter, may wait.
DUE_S = 0.25


async def watch_switches(engine: Engine) -> None:
    """Keep the view of the switches fresh; a change reaches every driver at once."""
    board = engine.services.switchboard
    while True:
        if await board.refresh():
            engine.ring_all()
        await asyncio.sleep(REFRESH_S)


async def watch_due(engine: Engine, mine: Callable[[str, str], bool]) -> None:
    """Resume runs that are due, of those that this process may drive."""
    while True:
        try:
            due = await engine.services.store.due(engine.services.clock.now_ms())
        except StoreError:
            due = []  # the next look may succeed; drivers report their own errors
        for tenant, run in due:
            if (tenant, run) not in engine.live and mine(tenant, run):
                engine.wake(tenant, run)
        await asyncio.sleep(DUE_S)
