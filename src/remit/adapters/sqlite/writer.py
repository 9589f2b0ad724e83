"""The writer: one connection, one thread; what is handed in within one loop tick is one commit.

A job alone on a fast disk is committed on the caller's thread, which saves two thread switches.
Everything else goes to the writer thread, which takes all that has come in since its last commit.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from remit.adapters.sqlite.faults import Presence, is_busy, patiently, translate
from remit.adapters.sqlite.names import Names
from remit.errors import RemitError, StoreGone

T = TypeVar("T")
Work = Callable[[sqlite3.Connection, Names], T]
"""What a job does in the transaction. A `RemitError` is raised only before anything is written."""

# One transaction of this many appends takes some milliseconds, which its first caller waits for.
MOST_JOBS = 256
# A commit on the loop's thread stops every other run for its time: allow what a switch to the
# writer thread and back costs anyway.
_INLINE_S = 0.001
_SMOOTHING = 0.2  # the weight of the newest commit in the estimate of a commit's time
# The log is copied into the database after this many jobs (about four pages each) or bytes, after
# the callers have their answers. SQLite by itself does it every 1,000 pages, within a commit.
_CHECKPOINT_JOBS = 1_000
_CHECKPOINT_BYTES = 8 * 1024 * 1024


class _Attempt(Protocol):
    error: BaseException | None

    def attempt(self, connection: sqlite3.Connection, names: Names) -> None: ...

    def answer(self) -> None: ...


class _Job(Generic[T]):
    """One piece of work and the future that waits for its result."""

    __slots__ = ("_future", "_result", "_work", "error")

    def __init__(self, work: Work[T], future: asyncio.Future[T]) -> None:
        self._work = work
        self._future = future
        self._result: list[T] = []
        self.error: BaseException | None = None

    def attempt(self, connection: sqlite3.Connection, names: Names) -> None:
        self.error = None
        try:
            self._result = [self._work(connection, names)]
        except RemitError as exc:
            self.error = exc

    def answer(self) -> None:
        if self._future.done():  # its caller was cancelled
            return
        if self.error is not None:
            self._future.set_exception(self.error)
        else:
            self._future.set_result(self._result[0])


class Writer:
    """Carries out jobs in transactions, in the order in which they were handed in."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._names = Names()
        self._presence = Presence(path)
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Attempt] = []
        self._flush_planned = False
        self._heavy = False
        self._in_thread = 0
        self._closed = False
        self._commit_s = 0.0
        self._jobs_since_checkpoint = 0
        self._log_bytes = 0
        self._batches: queue.SimpleQueue[list[_Attempt] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, name=f"remit-writer {path.name}", daemon=True
        )
        self._thread.start()

    async def do(self, work: Work[T], *, heavy: bool = False) -> T:
        """The result of `work`, once it is durable; `heavy` work never stops the loop."""
        if self._closed:
            raise StoreGone(f"{self._path}: the store is closed; open it first")
        future: asyncio.Future[T] = self._loop.create_future()
        self._pending.append(_Job(work, future))
        self._heavy |= heavy
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._flush)
        return await future

    async def close(self) -> None:
        """Finish what was handed in and let the connection go."""
        self._closed = True
        self._flush()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)

    def _flush(self) -> None:
        """Commit what came in during the last tick."""
        self._flush_planned = False
        if not self._pending:
            return
        jobs, self._pending = self._pending, []
        heavy, self._heavy = self._heavy, False
        alone = len(jobs) == 1 and not self._in_thread and not heavy
        if alone and self._commit_s < _INLINE_S and self._try_inline(jobs):
            jobs[0].answer()
            if self._checkpoint_due():
                self._hand_over([])
        else:
            self._hand_over(jobs)

    def _hand_over(self, jobs: list[_Attempt]) -> None:
        self._in_thread += 1
        self._batches.put(jobs)

    def _try_inline(self, jobs: list[_Attempt]) -> bool:
        """Commit on this thread; False when another process is in the way."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._finish(jobs)
        except sqlite3.Error as exc:
            if is_busy(exc):
                return False
            jobs[0].error = translate(exc, self._path)
        except Exception as exc:  # noqa: BLE001 - what a job raises is for its caller
            jobs[0].error = exc
        return True

    # ------------------------------------------------------------ on the writer thread

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            batches, jobs = self._gather(batch)
            try:
                while len(jobs) > MOST_JOBS:
                    self._commit(jobs[:MOST_JOBS])
                    self._loop.call_soon_threadsafe(self._answer, jobs[:MOST_JOBS], 0)
                    jobs = jobs[MOST_JOBS:]
                self._commit(jobs)
                if self._checkpoint_due():
                    self._loop.call_soon_threadsafe(self._answer, jobs, 0)
                    jobs = []
                    self._checkpoint()
                self._loop.call_soon_threadsafe(self._answer, jobs, batches)
            except RuntimeError:  # the loop has been closed: nobody waits any more
                break
        self._connection.close()

    def _gather(self, batch: list[_Attempt]) -> tuple[int, list[_Attempt]]:
        """Add the batches that came in meanwhile; how many they are, and all their jobs."""
        batches, jobs = 1, batch
        while len(jobs) < MOST_JOBS:
            try:
                more = self._batches.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._batches.put(None)
                break
            batches, jobs = batches + 1, jobs + more
        return batches, jobs

    def _answer(self, jobs: Sequence[_Attempt], batches: int) -> None:
        """On the loop: tell the callers; the thread has finished with so many batches."""
        self._in_thread -= batches
        for job in jobs:
            job.answer()

    def _commit(self, jobs: Sequence[_Attempt]) -> None:
        """Commit all jobs at once; when that fails, one by one, so that each gets its own fault."""
        if not jobs:  # handed over for a checkpoint alone
            return
        try:
            self._transaction(jobs)
        except Exception as exc:  # noqa: BLE001 - what a job raises is for its caller
            if len(jobs) == 1:
                fault = translate(exc, self._path) if isinstance(exc, sqlite3.Error) else exc
                jobs[0].error = fault
                return
            for job in jobs:
                self._commit([job])

    def _transaction(self, jobs: Sequence[_Attempt]) -> None:
        patiently(lambda: self._connection.execute("BEGIN IMMEDIATE"))
        self._finish(jobs)

    # ------------------------------------------------------------ on either thread

    def _finish(self, jobs: Sequence[_Attempt]) -> None:
        """Do the jobs and commit, within a transaction that has begun."""
        try:
            for job in jobs:
                job.attempt(self._connection, self._names)
            start = time.perf_counter()
            self._connection.execute("COMMIT")
        except BaseException:
            self._names.forget()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        spent = time.perf_counter() - start
        self._commit_s += _SMOOTHING * (spent - self._commit_s)
        self._jobs_since_checkpoint += len(jobs)
        self._presence.check()

    def _checkpoint_due(self) -> bool:
        grown = self._presence.log_bytes - self._log_bytes
        return self._jobs_since_checkpoint >= _CHECKPOINT_JOBS or grown >= _CHECKPOINT_BYTES

    def _checkpoint(self) -> None:
        """Copy the log into the database, as far as readers allow."""
        self._jobs_since_checkpoint = 0
        self._log_bytes = self._presence.log_bytes
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error:
            return  # the log stays longer; what is in it is durable, and the next append says why
