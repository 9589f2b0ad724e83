"""Folding decide over a batch of inputs into one record body."""

from dataclasses import replace

from remit.journal.events import (
    BudgetRefused,
    CallRecalled,
    CountRequested,
    Event,
    ModelFailed,
    ModelRequested,
    ToolPostponed,
)
from remit.journal.record import UNUSED_JITTER, Body, Cause
from remit.journal.rows import RunStatus
from remit.machine.affording import rooms
from remit.machine.decide import decide
from remit.machine.inputs import Input, World
from remit.machine.state import State

_ROLLED = (ModelFailed, ToolPostponed)
# What tells which of several models was chosen, whether it is asked, counted or not affordable.
_OF_A_MODEL = (ModelRequested, CountRequested, BudgetRefused)


def in_order(inputs: list[Input]) -> list[Input]:
    """Inputs that came together, so that a call that was called back in time does not leave.

    A driver that takes over says so first, and what only time would do comes last.
    """
    return sorted(inputs, key=_rank)


def _rank(given: Input) -> int:
    if given.kind == "recover":
        return 0
    if isinstance(given.fact, CallRecalled):
        return 1
    return 3 if given.kind == "wake" else 2


def _rolled(events: list[Event], state: State) -> bool:
    """The dice matter after a failed model call, for a wait, and where a model is chosen."""
    chosen = len(state.spec.candidates) > 1
    return any(
        isinstance(event, _ROLLED) or (chosen and isinstance(event, _OF_A_MODEL))
        for event in events
    )


def fold_decisions(state: State, inputs: list[Input], world: World) -> tuple[State, Body]:
    """The state and the record body after deciding on each input in turn."""
    causes: list[Cause] = []
    events: list[Event] = []
    for given in inputs:
        draft = decide(state, given, world)
        state = draft.state
        if not draft.events:
            continue
        causes.append(
            Cause(
                kind=given.kind,
                count=len(draft.events),
                now_ms=world.now_ms,
                jitter=world.jitter if _rolled(draft.events, state) else UNUSED_JITTER,
                off=tuple(sorted(world.off)),
                stale_switches=world.stale_switches,
                refused=tuple(world.refused.items()),
                limits=tuple(world.limits.items()),
                health=tuple(sorted(world.health.items())),
                since=tuple(sorted(world.since.items())),
                last_try=world.last_try,
            )
        )
        events += draft.events
        if world.refused:
            world = replace(world, refused=rooms(draft))
    return state, Body(causes=tuple(causes), events=tuple(events))


def status_of(state: State) -> RunStatus:
    """The run's row says: over, waiting for others only, or running."""
    if state.phase == "ended":
        return "completed" if state.status == "completed" else "stopped"
    return "waiting" if state.waits_for_others else "running"
