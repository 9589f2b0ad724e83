"""Starts what a decision released, each under the lease, and hands back what comes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial

from remit.errors import RemitError, StoreError
from remit.journal.events import (
    CheckRequested,
    CountRequested,
    Event,
    ModelRequested,
    ProbeRequested,
    SubrunRequested,
    ToolDegraded,
    ToolRequested,
)
from remit.machine.state import State
from remit.runtime.called_off import called_off
from remit.runtime.lease import Lease
from remit.runtime.outcome import Outcome
from remit.runtime.perform import Performer
from remit.runtime.resorts import Resorts
from remit.runtime.toolgate import ToolGate
from remit.values.clean import Clean

INTENTS = (
    ModelRequested,
    CountRequested,
    CheckRequested,
    ToolRequested,
    ProbeRequested,
    SubrunRequested,
    ToolDegraded,
)
"""Events that `Intents.start` may start something for."""
Work = Callable[[], Awaitable[Outcome]]
# What is cut gets this long to clear up when the driver leaves; what does not listen is left alone.
_CLEAR_UP_S = 1.0


class Intents:
    """What one driver has under way. `told` gets every outcome, or the fault of our own code."""

    def __init__(
        self,
        lease: Lease,
        performer: Performer,
        gate: ToolGate,
        resorts: Resorts,
        *,
        start_child: Callable[[State, SubrunRequested], Awaitable[None]],
        told: Callable[[Outcome | BaseException], None],
    ) -> None:
        self._lease = lease
        self._performer = performer
        self._gate = gate
        self._resorts = resorts
        self._start_child = start_child
        self._told = told
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: dict[asyncio.Task[None], str] = {}
        """The tool calls among them."""
        self._fresh: dict[asyncio.Task[None], tuple[Event, State]] = {}
        """Tasks that have not made their first step: what they are for certainly did not happen."""

    @property
    def under_way(self) -> bool:
        """Something was started whose outcome has not come yet."""
        return bool(self._tasks)

    async def start(self, event: Event, state: State) -> None:
        """Start what `event` asks for, if it still stands after the whole decision.

        Nothing starts without the lease; a write starts only if the lease outlives it. Raises
        `StoreError`.
        """
        if state.phase == "stopping":
            self._call_off(event, state, "not started: the run was stopped")
            return
        if _is_given_up(event, state):
            self._call_off(event, state, "not started: it was given up")
            return
        if isinstance(event, SubrunRequested):
            await self._start_sub_run(event, state)
            return
        work = self._work(event, state)
        if work is None:
            return
        if isinstance(event, ToolRequested) and _writes(event, state):
            held = await self._lease.covers(event.until_ms)
        else:
            held = await self._lease.lives()
        if held:
            task = asyncio.create_task(self._carry_out(work))
            self._tasks.add(task)
            if isinstance(event, ToolRequested):
                self._calls[task] = event.call
            self._fresh[task] = (event, state)

    def _work(self, event: Event, state: State) -> Work | None:
        match event:
            case ModelRequested() if _is_asked(event, state):
                return partial(self._performer.ask_model, state, event)
            case CountRequested() if state.counting == event.call:
                return partial(self._performer.count_input, state, event)
            case CheckRequested() if state.checking == event.call:
                return partial(self._performer.check, state, event)
            case ToolRequested() | ProbeRequested():
                return self._call_work(event, state)
            case ToolDegraded():
                call = state.find(event.call)
                waits = call is not None and call.degraded == event and call.status == "degraded"
                return partial(self._resorts.look, state, call) if call and waits else None
            case _:
                return None

    def _call_work(self, event: ToolRequested | ProbeRequested, state: State) -> Work | None:
        call = state.find(event.call)
        if call is None or call.attempt != event.attempt:
            return None
        if isinstance(event, ToolRequested) and call.status == "released":
            return partial(self._gate.call, state, call, event)
        if isinstance(event, ProbeRequested) and call.status == "probing":
            return partial(self._gate.probe, state, call, event)
        return None

    async def _start_sub_run(self, event: SubrunRequested, state: State) -> None:
        try:
            await self._start_child(state, event)
        except StoreError:
            raise
        except RemitError as exc:
            # The parent goes on and says what is missing (ORC-4).
            why = f"the agent cannot be started: {exc}"
            self._call_off(event, state, why, reason="cannot-start")

    def _call_off(self, event: Event, state: State, why: str, reason: str = "cancelled") -> None:
        call = state.find(event.call) if isinstance(event, ToolRequested) else None
        unsure = call is not None and call.unsure
        outcome = called_off(event, Clean.vouch(why), reason=reason, unsure=unsure)
        if outcome is not None:
            self._told(outcome)

    async def _carry_out(self, work: Work) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._fresh.pop(task, None)
        told: Outcome | BaseException
        try:
            told = await work()
        except BaseException as exc:  # noqa: BLE001  # a bug in the shell must not hang the run
            told = exc
        if task is not None:
            self._tasks.discard(task)
            self._calls.pop(task, None)
        if not isinstance(told, asyncio.CancelledError):
            self._told(told)

    def cut(self) -> None:
        """Cancel everything that is under way; what has not begun yet is called off."""
        self._cut(list(self._tasks), "not started: the run was stopped")

    def cut_calls(self, names: Collection[str]) -> None:
        """Cancel these tool calls alone, as far as they are under way."""
        tasks = [task for task, name in self._calls.items() if name in names]
        self._cut(tasks, "not started: it was given up")

    def _cut(self, tasks: Iterable[asyncio.Task[None]], why: str) -> None:
        for task in tasks:
            task.cancel()
            fresh = self._fresh.pop(task, None)
            if fresh is not None:
                self._tasks.discard(task)
                self._calls.pop(task, None)
                self._call_off(*fresh, why)

    async def leave(self, others: Iterable[asyncio.Task[None]]) -> None:
        """Cancel everything, and `others`, and wait a little until it has cleared up.

        A tool that swallows its cancellation must not keep whoever waits for the run.
        """
        tasks = [*others, *self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLEAR_UP_S)


def _is_given_up(event: Event, state: State) -> bool:
    """A call that was released in the decision that gave it up."""
    if not isinstance(event, ToolRequested | SubrunRequested):
        return False
    call = state.find(event.call)
    return call is not None and bool(call.given_up)


def _is_asked(event: ModelRequested, state: State) -> bool:
    model = state.model
    return model is not None and (model.call, model.attempt) == (event.call, event.attempt)


def _writes(event: ToolRequested, state: State) -> bool:
    call = state.find(event.call)
    return call is None or call.spec is None or call.spec.access == "write"
