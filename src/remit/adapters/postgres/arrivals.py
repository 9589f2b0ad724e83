"""Arrivals wake who waits for a letter: by NOTIFY from any worker, by polling should it get lost.

The notification is sent after the commit, on a connection of its own: within the transaction it
would make all commits of the server wait for one lock.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import sql

from remit.adapters.postgres.connecting import Connection, Pool, Server
from remit.errors import StoreError

RunKey = tuple[str, str]

_CHANNEL = "remit_letters"
# What NOTIFY missed is found after this time; it is the exception, so it may be slow.
_POLL_S = 1.0
_RECONNECT_S = 1.0
_WAITING = """
SELECT DISTINCT tenant, run FROM remit.letters
WHERE (tenant, run) IN (SELECT * FROM unnest(%s::text[], %s::text[])) AND body IS NOT NULL
"""


class Arrivals:
    """Who waits for a letter to which run."""

    def __init__(self, server: Server, pool: Pool) -> None:
        self._server = server
        self._pool = pool
        self._waiters: dict[RunKey, set[asyncio.Future[None]]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._to_tell: set[RunKey] = set()
        self._teller: asyncio.Task[None] | None = None

    def wake(self, tenant: str, run: str) -> None:
        """Tell who waits in this process that a letter has come."""
        for waiter in self._waiters.get((tenant, run), ()):
            if not waiter.done():
                waiter.set_result(None)

    def tell(self, tenant: str, run: str) -> None:
        """Wake who waits here, and notify the other workers soon."""
        self.wake(tenant, run)
        self._to_tell.add((tenant, run))
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        while self._to_tell:
            keys, self._to_tell = self._to_tell, set()
            payloads = [json.dumps(key) for key in sorted(keys)]

            async def send(connection: Connection, payloads: list[str] = payloads) -> None:
                await connection.execute(
                    "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload",
                    (_CHANNEL, payloads),
                )

            try:
                await self._pool.run(send)
            except StoreError:
                return  # the letters are durable; who waits for them finds them by polling

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
                if self._listener is None:  # it polls first, so nothing is missed meanwhile
                    self._listener = asyncio.create_task(self._listen(), name="remit-arrivals")
                await asyncio.wait({waiter}, timeout=left_s)
            finally:
                self._waiters[key].discard(waiter)
                if not self._waiters[key]:
                    del self._waiters[key]

    async def close(self) -> None:
        """End listening; what is to be told is told."""
        if self._teller is not None:
            await self._teller
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
            self._listener = None

    async def _listen(self) -> None:
        """Listen for ever; a lost connection is made again."""
        while True:
            try:
                connection = await self._server.connect()
            except StoreError:
                await asyncio.sleep(_RECONNECT_S)
                continue
            try:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_CHANNEL)))
                while True:
                    await self._poll(connection)
                    async for notice in connection.notifies(timeout=_POLL_S):
                        tenant, run = json.loads(notice.payload)
                        self.wake(tenant, run)
            except psycopg.Error:
                await asyncio.sleep(_RECONNECT_S)
            finally:
                await connection.close()

    async def _poll(self, connection: Connection) -> None:
        """Wake those whose letter came without a notification."""
        keys = list(self._waiters)
        found = await connection.execute(
            _WAITING, ([tenant for tenant, _ in keys], [run for _, run in keys])
        )
        for tenant, run in await found.fetchall():
            self.wake(tenant, run)
