"""After a crash or a cut write: what may have happened is never repeated silently."""

from remit.journal.events import (
    ModelFailed,
    ProbeCompleted,
    ProbeRequested,
    RunRecovered,
    ToolCompleted,
    ToolFailed,
    ToolQueued,
    ToolResolved,
    ToolUnknown,
)
from remit.machine.charging import settle_call, taken_back
from remit.machine.clock import stop_if_due
from remit.machine.degrading import look_again
from remit.machine.draft import Draft
from remit.machine.humans import ignore
from remit.machine.inputs import Input
from remit.machine.settle import on_model_failed
from remit.machine.state import CallState, is_out
from remit.values.clean import Clean

# A call that takes its process down each time must not do so for ever.
MAX_ATTEMPTS = 5


def on_recovered(draft: Draft, fact: RunRecovered, given: Input) -> None:
    """A new driver took over: deal with everything that had been released.

    Sub-runs are not in doubt: they have journals of their own.
    """
    out = [call for call in draft.state.calls if is_out(call) and not call.child]
    model = draft.state.model
    if model is not None and model.retry_at_ms is not None:
        model = None
    doubts = tuple(call.call for call in out) + (() if model is None else (model.call,))
    draft.add(fact.model_copy(update={"in_doubt": doubts}))
    stop_if_due(draft)
    if model is not None:
        lost = ModelFailed(
            call=model.call,
            attempt=model.attempt,
            kind="in_doubt",
            detail=Clean.vouch("the driver was lost while the model was asked"),
        )
        on_model_failed(draft, lost, given)
    for call in out:
        reason = Clean.vouch("the driver was lost while the call was under way")
        lost_call = ToolUnknown(call=call.call, attempt=call.attempt, reason=reason)
        draft.add(settle_call(call, lost_call))
        _clear_up(draft, call, reason)
    look_again(draft)


def _clear_up(draft: Draft, call: CallState, reason: Clean) -> None:
    """Nobody knows how a call ended: a read is made again, a write follows its `on_crash`."""
    # An attempt that ended in a question was not lost.
    tried = call.attempt - call.questions
    again = draft.state.phase != "stopping" and tried < MAX_ATTEMPTS
    reads = call.spec is not None and call.spec.access == "read"
    policy = "ask" if call.spec is None else "repeat" if reads else call.spec.on_crash
    if again and policy == "probe":
        draft.add(ProbeRequested(call=call.call, attempt=call.attempt + 1))
    elif again and policy == "repeat" and not call.given_up:
        draft.add(ToolQueued(call=call.call))
    elif reads and call.given_up:
        text = Clean.vouch(call.given_up)
        draft.add(ToolFailed(call=call.call, attempt=call.attempt, kind="aborted", text=text))
    elif reads:
        draft.add(ToolFailed(call=call.call, attempt=call.attempt, kind="error", text=reason))


def on_unknown(draft: Draft, fact: ToolUnknown, _given: Input) -> None:
    """A call was cut: ask the system, repeat with the same key, or leave it to a human."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "released" or call.attempt != fact.attempt:
        return
    if call.given_up:
        fact = fact.model_copy(update={"reason": Clean.vouch(call.given_up)})
    draft.add(settle_call(call, fact))
    stop_if_due(draft)
    _clear_up(draft, call, fact.reason)


def on_probe_completed(draft: Draft, fact: ProbeCompleted, _given: Input) -> None:
    """The system said whether the call happened."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "probing":
        return
    draft.add(taken_back(call, fact) if fact.verdict == "absent" else fact)
    if fact.verdict == "happened":
        draft.add(
            ToolCompleted(call=call.call, attempt=call.attempt, text=fact.text, hooks=fact.hooks)
        )
    elif fact.verdict == "absent":
        _go_again(draft, call)


def on_resolved(draft: Draft, fact: ToolResolved, _given: Input) -> None:
    """A human said whether the call happened; if not, it may go again."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "doubt":
        ignore(draft, "ToolResolved", fact.call, "this call is not in doubt", fact.principal)
        return
    draft.add(fact if fact.happened else taken_back(call, fact))
    if fact.happened:
        said = fact.text or Clean.vouch(f"it happened: {fact.principal} says so")
        draft.add(ToolCompleted(call=call.call, attempt=call.attempt, text=said))
    else:
        _go_again(draft, call)


def _go_again(draft: Draft, call: CallState) -> None:
    """The call certainly did not happen: it may go again, unless it or the run is given up."""
    if call.given_up:
        text = Clean.vouch(f"it did not happen, and was {call.given_up}")
        draft.add(ToolFailed(call=call.call, attempt=call.attempt, kind="aborted", text=text))
        return
    if draft.state.phase != "stopping":
        draft.add(ToolQueued(call=call.call))
        return
    text = Clean.vouch("it did not happen, and the run was stopped")
    draft.add(ToolFailed(call=call.call, attempt=call.attempt, kind="cancelled", text=text))
