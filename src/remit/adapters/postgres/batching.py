"""Batch appends: everything handed in while one transaction runs goes into the next."""

import asyncio
import time
from collections.abc import Sequence

import psycopg
from psycopg import errors

from remit.adapters.postgres.appending import append_batch
from remit.adapters.postgres.connecting import Connection, Server, is_lost
from remit.errors import StoreError, StoreGone
from remit.journal.rows import Answer, Append

# A batch is one set of locks and one trip: more appends would only wait longer for each other.
_MOST = 256
_PATIENCE_S = 5.0
"""How long a lost server or a lock in the way is tried again before the callers are told."""
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.5

_Job = tuple[Append, asyncio.Future[Answer]]


class Batcher:
    """One connection that appends, batch after batch."""

    def __init__(self, server: Server, base: int) -> None:
        self._server = server
        self._base = base
        self._connection: Connection | None = None
        self._pending: list[_Job] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._work(), name="remit-postgres-writer")

    async def append(self, append: Append) -> Answer:
        """The answer to one append, once it is durable."""
        if self._closing:
            raise StoreGone(f"{self._server.where}: the store is closed; open it first")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending.append((append, future))
        self._arrived.set()
        return await future

    async def close(self) -> None:
        """Finish what was handed in and let the connection go."""
        self._closing = True
        self._arrived.set()
        await self._task

    async def _work(self) -> None:
        try:
            while self._pending or not self._closing:
                await self._arrived.wait()
                self._arrived.clear()
                while self._pending:
                    jobs, self._pending = self._pending[:_MOST], self._pending[_MOST:]
                    await self._commit(jobs)
        finally:
            await self._drop()

    async def _commit(self, jobs: Sequence[_Job]) -> None:
        """Commit all at once; when that fails, one by one, so that each gets its own fault."""
        try:
            answers = await self._persist([append for append, _ in jobs])
        except Exception as exc:  # noqa: BLE001 - what a job raises is for its caller
            if len(jobs) > 1 and not isinstance(exc, StoreGone):
                for job in jobs:
                    await self._commit([job])
                return
            fault = self._server.fault(exc) if isinstance(exc, psycopg.Error) else exc
            answers = [fault] * len(jobs)
        for (_, future), answer in zip(jobs, answers, strict=True):
            if future.done():  # its caller was cancelled
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _persist(self, appends: Sequence[Append]) -> Sequence[Answer | BaseException]:
        """Try until it is known what happened, or patience ends.

        After a lost connection the same appends are tried on another: those that were committed
        are found by their record's hash, and a transaction that still runs is waited for.
        """
        end = time.monotonic() + _PATIENCE_S
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._server.connect()
                return await append_batch(self._connection, appends, self._base)
            except (psycopg.Error, StoreGone) as exc:
                await self._recover(exc)
                if not _worth_another_try(exc) or time.monotonic() >= end:
                    raise
            except BaseException:
                await self._drop()
                raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _recover(self, exc: psycopg.Error | StoreError) -> None:
        if self._connection is None:
            return
        if isinstance(exc, psycopg.Error) and not is_lost(exc):
            try:
                await self._connection.execute("ROLLBACK")
            except psycopg.Error:
                await self._drop()
        else:
            await self._drop()

    async def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


def _worth_another_try(exc: psycopg.Error | StoreError) -> bool:
    if isinstance(exc, psycopg.Error):
        transient = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
        return is_lost(exc) or isinstance(exc, transient)
    return True
