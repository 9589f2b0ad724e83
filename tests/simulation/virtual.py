"""An event loop on virtual time whose processes can be killed or paused between any two steps.

Time jumps to the next timer when nothing is ready. Every callback belongs to the process in whose
context it was made: those of a killed process never run again, those of a paused one wait.
"""

import asyncio
import heapq
from asyncio import AbstractEventLoop, Future, Handle, Task, TimerHandle
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, ContextVar
from typing import Any, TypeVar, cast

T = TypeVar("T")
# A seed takes some ten thousand steps; more means that something spins without end.
MAX_STEPS = 400_000


class Stuck(AssertionError):
    """Nothing can ever happen again, or things happen without end."""


class Process:
    """What can be killed and paused; `PROCESS` says to whom a callback belongs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.paused = False
        self.parked: list[Handle] = []


PROCESS: ContextVar[Process | None] = ContextVar("PROCESS", default=None)
_Entry = tuple[Handle, Process | None]


class VirtualLoop:
    """The part of an event loop that Remit needs, run on time that costs nothing."""

    def __init__(self) -> None:
        self._now = 0.0
        self._ready: deque[_Entry] = deque()
        self._timers: list[tuple[float, int, TimerHandle, Process | None]] = []
        self._count = 0
        self._steps = 0
        self._tasks: dict[Task[Any], Process | None] = {}
        self._running = False
        self.problems: list[str] = []
        self._self = cast("AbstractEventLoop", self)
        """What asyncio is told: it asks for no base class, only its types do."""

    # ------------------------------------------------------------ what asyncio calls

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> Future[Any]:
        return Future(loop=self._self)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: object = None, context: Context | None = None
    ) -> Task[T]:
        task = Task(
            coro, loop=self._self, name=None if name is None else str(name), context=context
        )
        self._tasks[task] = PROCESS.get() if context is None else context.get(PROCESS)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: Task[Any]) -> None:
        self._tasks.pop(task, None)

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, self._self, context)
        self._ready.append((handle, _owner(context)))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> TimerHandle:
        handle = TimerHandle(when, callback, args, self._self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle, _owner(context)))
        return handle

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Cancelled timers are dropped when their time comes."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., T], *args: object
    ) -> Future[T]:
        if executor is None:
            raise Stuck("a simulated process has no default executor")
        return asyncio.wrap_future(executor.submit(func, *args), loop=self._self)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.problems.append(str(context.get("exception") or context.get("message")))

    # ------------------------------------------------------------ running

    def run_until_complete(self, future: Awaitable[T]) -> T:
        """Run until `future` is done. Raises `Stuck`."""
        main = asyncio.ensure_future(future, loop=self._self)
        self._running = True
        asyncio._set_running_loop(self._self)
        try:
            while not main.done():
                self._step()
        finally:
            asyncio._set_running_loop(None)
            self._running = False
        return main.result()

    def _step(self) -> None:
        if not self._ready:
            if not self._timers:
                raise Stuck("nothing is ready and no timer is set: somebody waits for ever")
            self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, timer, owner = heapq.heappop(self._timers)
            self._ready.append((timer, owner))
        for _ in range(len(self._ready)):
            handle, owner = self._ready.popleft()
            if handle.cancelled() or (owner is not None and owner.dead):
                continue
            if owner is not None and owner.paused:
                owner.parked.append(handle)
                continue
            handle._run()
        self._steps += 1
        if self._steps > MAX_STEPS:
            names = sorted({str(handle) for handle, _ in self._ready})[:3]
            raise Stuck(
                f"more than {MAX_STEPS} steps at {self._now:.3f} s; something spins: {names}"
            )

    def unpause(self, process: Process) -> None:
        """Let a paused process go on with what became due meanwhile."""
        process.paused = False
        self._ready += [(handle, process) for handle in process.parked]
        process.parked = []

    def unwind(self) -> None:
        """End every task that is left, the dead processes' too, so that none is left pending."""
        self._steps = 0
        for owner in {owner for owner in self._tasks.values() if owner is not None}:
            owner.dead = False
            if owner.paused:
                self.unpause(owner)

        async def end() -> None:
            mine = asyncio.current_task()
            for _ in range(20):  # a task may take some rounds to clear up
                left = [task for task in self._tasks if task is not mine]
                if not left:
                    return
                for task in left:
                    task.cancel()
                await asyncio.wait(left, timeout=30)

        self.run_until_complete(end())
        self._ready.clear()
        self._timers.clear()


def _owner(context: Context | None) -> Process | None:
    return PROCESS.get() if context is None else context.get(PROCESS)
