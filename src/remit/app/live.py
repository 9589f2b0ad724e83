"""Live feeds of an app for whoever serves them: one run with its sub-runs, or a tenant as a whole.

All readers of a process share one look at the store's feed.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from remit.app.app import App
from remit.app.live_cursor import read_cursor
from remit.app.live_run import Batch, LiveRun
from remit.app.live_tenant import LiveTenant, TenantBatch
from remit.errors import NotFound
from remit.journal.admit import LIVE
from remit.runtime.feeding import FeedWatch


class LiveFeeds:
    """The live feeds of one open app. From now on answers are streamed though nobody reads yet."""

    def __init__(self, app: App) -> None:
        self._app = app
        services = app.engine.services
        services.hub.always = True
        self._watch = FeedWatch(
            services.store,
            services.hub,
            drives=app.engine.drives,
            changes=lambda: services.switchboard.changes,
        )

    async def run(self, tenant: str, run: str, after: str = "") -> LiveRun | None:
        """A reader of a run after the cursor `after`; None where it has all that ever comes.

        Raises `NotFound`, `UsageError` for what is no cursor, `StoreError`.
        """
        store = self._app.store
        row = await store.run(tenant, run)
        if row is None or not row.agent:
            raise NotFound(f"there is no run {run} of tenant {tenant}")
        cursor = read_cursor(run, after)
        if cursor.ended and row.status not in LIVE and row.version <= cursor.places[run].version:
            return None
        engine = self._app.engine
        return LiveRun(
            store,
            engine.services.hub,
            tenant,
            cursor,
            drives=engine.drives,
            resumed=True,
        )

    async def batches_of(self, live: LiveRun, idle_s: float) -> AsyncGenerator[Batch, None]:
        """What a reader of a run is told, until the run has ended; empty after `idle_s` of silence.

        Raises `StoreError` and `IntegrityError`.
        """
        await self._watch.join()
        try:
            async with aclosing(live.batches(lambda: _over(live), idle_s)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            self._watch.leave()

    async def tenant(
        self, tenant: str, after: int | None, idle_s: float
    ) -> AsyncGenerator[TenantBatch, None]:
        """What a reader of a tenant is told, for ever. Raises `StoreError`."""
        services = self._app.engine.services
        live = LiveTenant(services.store, self._watch, services.switchboard, tenant, after)
        async with aclosing(live.batches(idle_s)) as batches:
            async for batch in batches:
                yield batch


def _over(live: LiveRun) -> bool:
    return live.cursor.ended and not live.driven_here
