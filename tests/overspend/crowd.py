"""Several processes that draw on one cap, and what their journal says in the end."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from remit.app.lazy import WallClock
from remit.journal.admit import LIVE
from remit.journal.codec import open_record
from remit.journal.events import Event, ModelCompleted, ModelFailed, ModelRequested
from remit.journal.record import Record
from tests.overspend.program import TENANT, Order, app_on, one
from tests.support.trial import kept, told, whole_feed

ROOT = Path(__file__).parents[2]
NANO = 1_000_000_000
# Beyond the lease of a dead driver and the skew of clocks: nobody waits for them here.
AHEAD_MS = 120_000
# More runs than any order has at once.
_ROWS = 10_000
# Runs of a process that will be killed: fewer than any cap has room for.
_ENDLESS = 12
_FOR_EVER_S = 3600.0


class ClockAhead(WallClock):
    """The clock of whoever cleans up, two minutes later."""

    @override
    def now_ms(self) -> int:
        return super().now_ms() + AHEAD_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the journal says."""

    admitted: int
    """Calls that were released."""
    in_doubt: int
    spent: int
    """On the capped account, in nano-dollars."""
    held: int
    open: int
    """Runs that have not ended."""
    under_declared: int
    """What calls cost above what was held for them, together."""
    balanced: bool
    """Accounts say what events say."""


async def measure_call(order: Order) -> tuple[int, int]:
    """(input bound, hold) of one call of such runs, from a run that was made."""
    async with app_on("memory:", order.model_copy(update={"cap_usd": "1000"})) as app:
        run = await one(app, order, 1)
        (asked,) = [
            event
            for record in await app.store.records(TENANT, run.id)
            for event in _events(record)
            if isinstance(event, ModelRequested)
        ]
    (amount,) = [hold.amount for hold in asked.holds if hold.account.startswith("tenant:")]
    return asked.input_bound, amount


async def order_for(calls: int, **changes: object) -> Order:
    """An order whose cap is that of exactly so many calls."""
    order = Order.model_validate({"cap_usd": "1000", **changes})
    bound, hold = await measure_call(order)
    cap = calls * hold
    usd = f"{cap // NANO}.{cap % NANO:09}"
    return order.model_copy(update={"bound": bound, "cap_usd": usd})


def cap_of(order: Order) -> int:
    """In nano-dollars."""
    whole, _, part = order.cap_usd.partition(".")
    return int(whole) * NANO + int(part.ljust(9, "0") or "0")


@asynccontextmanager
async def process(url: str, order: Order) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ready and waits for the word."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.overspend.program", url, order.model_dump_json()),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def ready(child: asyncio.subprocess.Process) -> None:
    """Wait until it is."""
    if child.stdout is None or (await child.stdout.readline()).strip() != b"ready":
        raise RuntimeError("the process did not start")


async def go(child: asyncio.subprocess.Process) -> None:
    """Give the word."""
    if child.stdin is not None:
        child.stdin.write(b"go\n")
        await child.stdin.drain()


async def result(child: asyncio.subprocess.Process) -> dict[str, int]:
    """What became of its runs; empty if it was killed."""
    line = b"" if child.stdout is None else await child.stdout.readline()
    counts: dict[str, int] = json.loads(line) if line else {}
    return counts


async def recover(url: str, order: Order) -> None:
    """Take over every run that is left, and drive it to its end."""
    async with app_on(url, order, worker=True) as app:
        while await app.store.runs(TENANT, status=LIVE, limit=1):
            await asyncio.sleep(0.02)


async def outcome(url: str, order: Order) -> Outcome:
    """Read the journal."""
    async with app_on(url, order) as app:
        admitted = in_doubt = above = 0
        holds: dict[tuple[str, str, int], int] = {}
        for record in await whole_feed(app.store):
            for event in _events(record):
                if isinstance(event, ModelRequested):
                    holds[record.header.run, event.call, event.attempt] = _on_cap(event)
                    admitted += 1
                elif isinstance(event, ModelCompleted | ModelFailed):
                    key = (record.header.run, event.call, event.attempt)
                    above += max(0, _on_cap(event) - holds[key])
                    in_doubt += isinstance(event, ModelFailed) and event.assumed
        (account,) = await app.store.balances(TENANT, "tenant:")
        accounts = await kept(app.store, [TENANT])
        return Outcome(
            admitted=admitted,
            in_doubt=in_doubt,
            spent=account.posted,
            held=sum(held for _, held in accounts.values()),
            open=len(await app.store.runs(TENANT, status=LIVE)),
            under_declared=above,
            balanced=accounts == await told(app.store),
        )


def _events(record: Record) -> tuple[Event, ...]:
    body = open_record(record)
    return () if body is None else body.events


def _on_cap(event: ModelRequested | ModelCompleted | ModelFailed) -> int:
    entries = event.holds if isinstance(event, ModelRequested) else event.posts
    return sum(each.amount for each in entries if each.account.startswith("tenant:"))


async def at_once(
    url: str, order: Order, processes: int, *, killed: int = 0
) -> list[dict[str, int]]:
    """So many processes, each with all runs of the order, begin at the same instant.

    The first `killed` of them have a few runs that never end and get SIGKILL in their midst.
    """
    async with AsyncExitStack() as stack:
        children = []
        for number in range(processes):
            changes: dict[str, object] = {"name": f"{order.name}{number}"}
            if number < killed:
                changes |= {"runs": _ENDLESS, "latency_s": _FOR_EVER_S, "cancels": 0}
            own = order.model_copy(update=changes)
            children.append(await stack.enter_async_context(process(url, own)))
        for child in children:
            await ready(child)
        for child in children:
            await go(child)
        if killed:
            await _calls_under_way(url, order)
            for child in children[:killed]:
                child.kill()
        return [await result(child) for child in children]


async def _calls_under_way(url: str, order: Order) -> None:
    """Return once a run of the first process holds something."""
    async with app_on(url, order) as app:
        while True:
            for row in await app.store.runs(TENANT, status=LIVE, limit=_ROWS):
                if row.session.startswith(f"{order.name}0-") and await app.store.open_holds(
                    TENANT, row.run
                ):
                    return
            await asyncio.sleep(0.001)
