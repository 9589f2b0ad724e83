"""Periodic duties of a process: fresh switches, runs that are due, sums of the ledger."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from remit.errors import IntegrityError, StoreError
from remit.runtime.engine import Engine
from remit.runtime.ledger import Ledger
from remit.runtime.switchboard import REFRESH_S

# How long a run that became due by time alone, or by another process's letter, may wait.
DUE_S = 0.25
# How long a run waits that could not be driven: its agent is not here, its journal is damaged.
AGAIN_S = 10.0
# Whoever asks for the ledger enters what is missing; this keeps it little.
LEDGER_S = 30.0


async def watch_switches(engine: Engine) -> None:
    """Keep the view of the switches fresh; a change reaches every driver at once."""
    board = engine.services.switchboard
    told = board.changes
    while True:
        await board.refresh()
        if board.changes != told:  # whoever has seen it first, a driver may have
            told = board.changes
            engine.ring_all()
        await asyncio.sleep(REFRESH_S)


async def watch_due(engine: Engine, mine: Callable[[str, str], bool]) -> None:
    """Resume runs that are due, of those that this process may drive.

    One that could not be driven is tried again more rarely: its journal is read each time.
    """
    loop = asyncio.get_running_loop()
    rest: dict[tuple[str, str], float] = {}
    while True:
        try:
            due = await engine.services.store.due(engine.services.clock.now_ms())
        except StoreError:
            due = []  # the next look may succeed; drivers report their own errors
        now = loop.time()
        rest = {key: until for key, until in rest.items() if until > now}
        for key in due:
            if engine.resting or key in engine.live or key in rest or not mine(*key):
                continue
            if key in engine.errors:
                rest[key] = now + AGAIN_S
            engine.wake(*key)
        await asyncio.sleep(DUE_S)


async def watch_ledger(ledger: Ledger) -> None:
    """Enter into the sums of the ledger what was settled, in any process."""
    while True:
        # The next look may succeed; whoever asks for the ledger is told what is wrong.
        with suppress(StoreError, IntegrityError):
            await ledger.catch_up()
        await asyncio.sleep(LEDGER_S)
