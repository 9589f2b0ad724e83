"""Arrivals wake who waits for a letter: at once within a store, by polling for other processes."""

import asyncio
from collections.abc import Awaitable, Callable

RunKey = tuple[str, str]
Look = Callable[[], Awaitable[list[RunKey] | None]]
"""The runs with new letters since the last look; None if nothing at all was committed."""

# A look costs about 3 µs while nothing happens; a human or another process waits this long at most.
_POLL_S = 0.05


class Arrivals:
    """Who waits for a letter to which run."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._waiters: dict[RunKey, set[asyncio.Future[None]]] = {}
        self._poller: asyncio.Task[None] | None = None

    def wake(self, tenant: str, run: str) -> None:
        """Tell who waits that a letter has come."""
        for waiter in self._waiters.get((tenant, run), ()):
            if not waiter.done():
                waiter.set_result(None)

    async def wait(
        self, tenant: str, run: str, has_letter: Callable[[], Awaitable[bool]], timeout_s: float
    ) -> bool:
        """True as soon as a letter waits; False after the time."""
        key = (tenant, run)
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while True:
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.setdefault(key, set()).add(waiter)
            try:
                if await has_letter():
                    return True
                left_s = end - loop.time()
                if left_s <= 0:
                    return False
                await self._first(waiter, left_s)
            finally:
                self._waiters[key].discard(waiter)
                if not self._waiters[key]:
                    del self._waiters[key]
                if not self._waiters:
                    self.stop()

    async def _first(self, waiter: asyncio.Future[None], timeout_s: float) -> None:
        """Return when a letter came or the time is over; raise what the poller met."""
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="remit-arrivals")
        poller = self._poller
        await asyncio.wait({waiter, poller}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if poller.done() and not poller.cancelled():
            poller.result()

    def stop(self) -> None:
        """End polling."""
        if self._poller is not None:
            self._poller.cancel()
            self._poller = None

    async def _poll(self) -> None:
        while True:
            for key in await self._look() or ():
                self.wake(*key)
            await asyncio.sleep(_POLL_S)
