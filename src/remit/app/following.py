"""Following a tree of runs: its journal so far, then what happens, each run in journal order."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from remit.journal.codec import open_record
from remit.journal.rows import RunRow
from remit.ports import Store
from remit.runtime.engine import Engine
from remit.runtime.hub import StreamEvent, StreamItem, Subscription

Place = tuple[int, int]
"""(version, index) of an event in its run's journal."""


async def tree_rows(store: Store, tenant: str, root: str) -> list[RunRow]:
    """The rows of a root run and its sub-runs, parents first; none if it is not durable yet."""
    row = await store.run(tenant, root)
    rows = [] if row is None else [row]
    for known in rows:
        before: str | None = None
        while page := await store.runs(tenant, parent=known.run, before=before):
            rows += page
            before = page[-1].run
    return rows


async def follow_tree(engine: Engine, tenant: str, root: str) -> AsyncGenerator[StreamItem, None]:
    """Everything that happened, then everything that happens, until no run is driven here.

    A reader that lags is served from the journal. Raises what broke a driver.
    """
    hub = engine.services.hub
    seen: dict[str, Place] = {}
    lagged = True
    while lagged:
        reader = hub.subscribe(tenant, root)
        try:
            async with aclosing(_past(engine.services.store, tenant, root)) as events:
                async for event in events:
                    if _is_new(event, seen):
                        yield event
            async with aclosing(_live(engine, reader, tenant, root)) as items:
                async for item in items:
                    if not isinstance(item, StreamEvent) or _is_new(item, seen):
                        yield item
        finally:
            hub.unsubscribe(tenant, root, reader)
        lagged = reader.lagged


def _is_new(event: StreamEvent, seen: dict[str, Place]) -> bool:
    place = (event.version, event.index)
    if place <= seen.get(event.run, (0, 0)):
        return False
    seen[event.run] = place
    return True


async def _past(store: Store, tenant: str, root: str) -> AsyncGenerator[StreamEvent, None]:
    for row in await tree_rows(store, tenant, root):
        for record in await store.records(tenant, row.run):
            body = open_record(record)
            for index, event in enumerate(() if body is None else body.events):
                yield StreamEvent(row.run, record.header.version, index, event)


async def _live(
    engine: Engine, reader: Subscription, tenant: str, root: str
) -> AsyncGenerator[StreamItem, None]:
    async def close_when_settled() -> None:
        try:
            await engine.settled(tenant, root)
        finally:
            reader.close()

    task = asyncio.create_task(close_when_settled())
    try:
        async for item in reader.items():
            yield item
        if not reader.lagged:
            await task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):  # told above, or nobody listens any more
            await task
