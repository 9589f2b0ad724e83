"""Following a tree of runs: its journal so far, then what happens, each run in journal order."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from remit.app.live_cursor import read_cursor
from remit.app.live_run import LiveRun, StreamSnapshot
from remit.journal.rows import RunRow
from remit.ports import Store
from remit.runtime.engine import Engine
from remit.runtime.hub import StreamItem

# How long it sleeps while nothing happens; whatever happens here wakes it.
_IDLE_S = 60.0


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
    services = engine.services
    live = LiveRun(
        services.store,
        services.hub,
        tenant,
        read_cursor(root, ""),
        drives=engine.drives,
        resumed=False,
    )
    async with aclosing(live.batches(lambda: not live.driven_here, _IDLE_S)) as batches:
        async for batch in batches:
            for told in batch:
                if not isinstance(told.item, StreamSnapshot):
                    yield told.item
    await engine.settled(tenant, root)
