"""Threads for synchronous functions: a thread cannot be killed, so it is never forgotten either."""

import asyncio
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from typing_extensions import override

P = ParamSpec("P")
R = TypeVar("R")
Key = tuple[str, str, str]
"""(tenant, run, call)."""

# Threads of one process for synchronous tools of all runs; more calls wait for a free one.
TOOL_THREADS = 64
# Calls that were cut while their thread went on; older ones are forgotten.
_CUT = 1_024


@dataclass(slots=True)
class _Work:
    future: Future[object]
    function: Callable[[], object]

    def do(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.function()
        except BaseException as exc:  # noqa: BLE001  # passed on to whoever waits
            self.future.set_exception(exc)
        else:
            self.future.set_result(result)


class DaemonThreads(Executor):
    """A pool whose threads do not keep the process alive: one that hangs must not hang its end."""

    def __init__(self, limit: int = TOOL_THREADS) -> None:
        self._limit = limit
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    @override
    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Carry out in a thread. Raises `RuntimeError` once the pool is shut down."""
        future: Future[R] = Future()
        work = _Work(_untyped(future), lambda: fn(*args, **kwargs))
        with self._lock:
            if self._closed:
                raise RuntimeError("the threads of this process are shut down")
            self._queue.put(work)
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._limit:
                thread = threading.Thread(target=self._serve, name="remit-tool", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            work.do()
            del work  # an idle thread keeps no result alive
            self._idle.release()
        self._queue.put(None)  # the next thread ends too

    @override
    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False
    ) -> None:  # the signature of Executor
        """End idle threads; with `wait` wait for the busy ones."""
        with self._lock:
            self._closed = True
        while cancel_futures:
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                break
            if work is not None:
                work.future.cancel()
        self._queue.put(None)
        if wait:
            for thread in self._threads:
                thread.join()


def _untyped(future: Future[R]) -> Future[object]:
    return future  # type: ignore[return-value]  # only ever given what `fn` returns


class CutThreads:
    """Calls that were cut while their thread went on: what becomes of them is still learned."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Future[object]] = OrderedDict()

    def add(self, key: Key, thread: Future[object]) -> None:
        """The thread of a call goes on though nobody waits for it."""
        self._known[key] = thread
        while len(self._known) > _CUT:
            self._known.popitem(last=False)

    def busy(self, tenant: str, run: str) -> bool:
        """A thread of the run still goes on."""
        return any(
            key[:2] == (tenant, run) and not thread.done() for key, thread in self._known.items()
        )

    async def earlier(self, key: Key) -> Future[object] | None:
        """The thread of an earlier attempt once it has ended; None if there was none.

        Wait for it under a timeout: it may hang.
        """
        thread = self._known.get(key)
        if thread is None:
            return None
        if not thread.done():
            await asyncio.wait([asyncio.ensure_future(_end_of(thread))])
        self._known.pop(key, None)
        return thread


def returned(thread: Future[object]) -> bool:
    """A thread that has ended with a result."""
    return not thread.cancelled() and thread.exception() is None


async def _end_of(thread: Future[object]) -> None:
    """Wait for a thread without passing a cancellation on to it."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    thread.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    await ended.wait()
