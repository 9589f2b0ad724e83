"""The simulation can fail: each of these broken variants of Remit is found within some seeds."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from remit.adapters.memory import store as memory
from remit.journal.admit import Stand, admit
from remit.journal.events import ToolUnknown
from remit.journal.record import Body, Record
from remit.journal.rows import Answer, Append, RunRow
from remit.machine import charging, doubt, ending, judging, outcomes, schedule, turns
from remit.machine.state import CallState, State
from remit.machine.tools import AnyTool
from remit.policy.permission import Verdict
from remit.runtime import driver as driving
from remit.runtime.driver import Driver
from remit.runtime.hub import StreamEvent
from remit.runtime.threads import CutThreads
from remit.runtime.toolgate import ToolGate
from tests.simulation.checked import CheckedStore
from tests.simulation.scenario import Tune, play
from tests.simulation.world import Moods, Violation

Patch = pytest.MonkeyPatch
_append = cast("Callable[..., Append]", Driver._append)
_result = cast("Callable[..., object]", ToolGate._result)
_clear_up = cast("Callable[..., None]", doubt._clear_up)
_settle_call = cast("Callable[..., ToolUnknown]", charging.settle_call)
_runs = cast("Callable[..., object]", CheckedStore.runs)


def release_before_append(patch: Patch) -> None:
    """Effects start before their intent is durable."""
    kept = []

    def early(self: Driver, record: Record, body: Body, state: State, *rest: object) -> Append:
        async def start() -> None:
            for event in body.events:
                await self._intents.start(event, state)

        kept.append(asyncio.create_task(start()))
        return _append(self, record, body, state, *rest)

    patch.setattr(Driver, "_append", early)


def show_before_append(patch: Patch) -> None:
    """The stream shows events that are not durable yet."""

    def early(self: Driver, record: Record, body: Body, state: State, *rest: object) -> Append:
        for index, event in enumerate(body.events):
            item = StreamEvent(self.seat.run, record.header.version, index, event)
            self.services.hub.publish(self.seat.tenant, self.state.root or self.seat.run, item)
        return _append(self, record, body, state, *rest)

    patch.setattr(Driver, "_append", early)


def ignore_the_epoch(patch: Patch) -> None:
    """A driver that was taken over is not fenced, neither when it appends nor when it renews."""

    def lax(append: Append, stand: Stand, stored: bytes | None) -> Answer | None:
        return admit(append, replace(stand, epoch=append.record.header.epoch), stored)

    async def renew(self: CheckedStore, tenant: str, run: str, **_: object) -> bool:
        row: RunRow | None = await self.run(tenant, run)
        return row is not None

    patch.setattr(memory, "admit", lax)
    patch.setattr(CheckedStore, "renew", renew)


def repeat_after_a_crash(patch: Patch) -> None:
    """Every write that was lost is made again."""

    def again(draft: object, call: CallState, reason: object) -> None:
        spec = None if call.spec is None else call.spec.model_copy(update={"on_crash": "repeat"})
        _clear_up(draft, replace(call, spec=spec), reason)

    patch.setattr(doubt, "_clear_up", again)


def hold_nothing(patch: Patch) -> None:
    """Model calls reserve nothing."""
    patch.setattr(turns, "holds_for", lambda *_: ())


def hold_too_little(patch: Patch) -> None:
    """The bound of a request's input is too low."""
    patch.setattr(turns, "input_bound", lambda _: 1)


def hold_nothing_for_tools(patch: Patch) -> None:
    """Priced tools reserve nothing."""
    patch.setattr(schedule, "tool_holds", lambda *_: ())


def tools_for_nothing(patch: Patch) -> None:
    """What a tool cost is entered only where it said so."""

    def cheap(call: CallState, fact: ToolUnknown) -> ToolUnknown:
        said = fact.model_copy(update={"charged": fact.charged or 0})
        return _settle_call(call, said)

    for module in (doubt, ending, outcomes):
        patch.setattr(module, "settle_call", cheap)


def allow_everything(patch: Patch) -> None:
    """No rule refuses anything."""
    patch.setattr(
        judging, "judge_question", lambda *_: Verdict("allow", "mutation", "anything goes")
    )


def trust_old_approvals(patch: Patch) -> None:
    """What a call depends on is not looked at again when it is carried out."""

    def blind(self: ToolGate, tool: AnyTool, attempt: object) -> object:
        return _result(self, replace(tool, depends=None), attempt)

    patch.setattr(ToolGate, "_result", blind)


def mix_sessions(patch: Patch) -> None:
    """A run continues whatever conversation was the last."""

    def any_session(self: CheckedStore, tenant: str | None, **rest: object) -> object:
        return _runs(self, tenant, **{**rest, "session": None})

    patch.setattr(CheckedStore, "runs", any_session)


def forget_threads(patch: Patch) -> None:
    """A thread that was cut is taken for dead."""
    patch.setattr(CutThreads, "add", lambda *_: None)


def never_end(patch: Patch) -> None:
    """A run that is stopped waits for what was cut, for ever."""
    patch.setattr(schedule, "end_if_quiet", lambda _: None)


def lose_letters(patch: Patch) -> None:
    """The letter that tells a parent of its sub-run's end is not sent."""
    patch.setattr(driving, "end_letter", lambda *_: ())


def often_paused(moods: Moods) -> None:
    """Processes sleep beyond their leases all the time."""
    moods.pauses, moods.kills, moods.slow = 1.0, 0.0, 0.2


def often_hung(moods: Moods) -> None:
    """Threads outlive their calls all the time."""
    moods.tool_hang = 0.3


# Each with some times the seeds that were needed when it was written.
MUTATIONS: list[tuple[Callable[[Patch], None], int, Tune | None]] = [
    (release_before_append, 5, None),
    (show_before_append, 20, None),
    (ignore_the_epoch, 150, often_paused),
    (repeat_after_a_crash, 60, None),
    (hold_nothing, 5, None),
    (hold_too_little, 20, None),
    (hold_nothing_for_tools, 5, None),
    (tools_for_nothing, 5, None),
    (allow_everything, 20, None),
    (trust_old_approvals, 200, None),
    (mix_sessions, 100, None),
    (forget_threads, 100, often_hung),
    (never_end, 20, None),
    (lose_letters, 60, None),
]


@pytest.mark.skipif("REMIT_SEED" in os.environ, reason="one seed is repeated")
@pytest.mark.parametrize(
    ("mutate", "seeds", "tune"), MUTATIONS, ids=lambda it: getattr(it, "__name__", "")
)
def test_the_simulation_finds(
    mutate: Callable[[Patch], None], seeds: int, tune: Tune | None, monkeypatch: Patch
) -> None:
    mutate(monkeypatch)
    for seed in range(seeds):
        try:
            play(seed, tune)
        except Violation:
            return
    pytest.fail(f"{mutate.__name__} was not found within {seeds} seeds")
