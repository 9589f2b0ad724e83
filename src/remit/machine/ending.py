"""How runs end: with an answer, or stopped with the reason and what there is so far."""

from remit.journal.events import (
    CheckCompleted,
    CheckRequested,
    InputCounted,
    ModelFailed,
    RunEnded,
    ToolFailed,
    ToolUnknown,
)
from remit.machine.charging import settle_call
from remit.machine.conversation import json_text
from remit.machine.delaying import queue
from remit.machine.draft import Draft
from remit.machine.inputs import Input
from remit.machine.settle import on_model_failed
from remit.machine.state import State, is_out
from remit.values.clean import Clean

# What is cut gets this long to say how it ended; a thread that cannot be killed gets no longer.
STOP_GRACE_MS = 2000


def conclude(draft: Draft, answer: str | None) -> None:
    """The model has answered: evaluate the success predicate if there is one, then end."""
    state = draft.state
    if state.spec.has_predicate and state.passed is None:
        draft.add(CheckRequested(call=f"k{state.numbered}"))
        return
    _end(draft, "completed", "answered", "", answer)


def end_if_quiet(draft: Draft) -> None:
    """End a stopping run once nothing is in flight, or its grace is over."""
    state = draft.state
    if state.in_flight:
        if draft.world.now_ms < state.stopping_ms + STOP_GRACE_MS:
            return
        _give_up(draft)
    for call in draft.state.calls:
        if call.booked:
            queue(draft, call)
    state = draft.state
    partial = state.answer or (json_text(state.last_text) if state.last_text else None)
    doubtful = [call.tool for call in state.unfinished if call.unsure]
    detail = state.stopping_detail
    if doubtful:
        detail = f"{detail}; in doubt: {', '.join(doubtful)}"
    _end(draft, "stopped", state.stopping, detail, partial)


def _give_up(draft: Draft) -> None:
    """Nobody heard from what was cut: say what is known of each."""
    state = draft.state
    silent = Clean.vouch("it was cut and did not answer")
    model = state.model
    if model is not None and model.retry_at_ms is None:
        lost = ModelFailed(call=model.call, attempt=model.attempt, kind="in_doubt", detail=silent)
        on_model_failed(draft, lost, Input(kind="wake"))
    if state.counting:
        draft.add(InputCounted(call=state.counting, detail=silent))
    if state.checking:
        draft.add(CheckCompleted(call=state.checking, passed=False, detail=silent))
    for call in state.calls:
        if not is_out(call):
            continue
        if call.spec is not None and (call.spec.access == "read" or call.child):
            cut = ToolFailed(call=call.call, attempt=call.attempt, kind="cancelled", text=silent)
            draft.add(settle_call(call, cut))
        else:
            lost_call = ToolUnknown(call=call.call, attempt=call.attempt, reason=silent)
            draft.add(settle_call(call, lost_call))


def _end(draft: Draft, status: str, reason: str, detail: str, output: str | None) -> None:
    state = draft.state
    draft.add(
        RunEnded(
            status="completed" if status == "completed" else "stopped",
            reason=reason,
            detail=Clean.vouch(detail),
            output=None if output is None else Clean.vouch(output),
            success=state.passed,
            turns=state.turns,
            tool_calls=state.tool_calls,
            usage=state.usage,
            cost=state.cost,
            active_ms=active_ms(state, draft.world.now_ms),
        )
    )


def active_ms(state: State, now_ms: int) -> int:
    """Time the run spent on its own clock: pauses moved its start by as much as they took."""
    return max(0, (now_ms if state.paused_ms is None else state.paused_ms) - state.started_ms)
