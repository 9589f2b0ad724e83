"""After a crash or a cut write: what may have happened is never repeated silently."""

from remit.journal.events import (
    CheckRequested,
    ModelFailed,
    ProbeCompleted,
    ProbeRequested,
    RunRecovered,
    ToolCompleted,
    ToolFailed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.machine.draft import Draft
from remit.machine.humans import ignore
from remit.machine.inputs import Input
from remit.machine.settle import on_model_failed
from remit.machine.state import CallState, is_out
from remit.values.clean import Clean

# A call that takes its process down each time must not do so for ever.
MAX_ATTEMPTS = 5


def on_recovered(draft: Draft, fact: RunRecovered, given: Input) -> None:
    """A new driver took over: deal with everything that had been released."""
    state = draft.state
    out = [call for call in state.calls if is_out(call)]
    model = state.model
    thinking = model is not None and model.retry_at_ms is None
    doubts = [call.call for call in out]
    if model is not None and thinking:
        doubts.append(model.call)
    draft.add(fact.model_copy(update={"in_doubt": tuple(doubts)}))
    if model is not None and thinking:
        lost = ModelFailed(
            call=model.call,
            attempt=model.attempt,
            kind="in_doubt",
            detail=Clean.vouch("the driver was lost while the model was asked"),
        )
        on_model_failed(draft, lost, given)
    for call in out:
        if not call.child:
            _recover_call(draft, call)
    if state.checking and draft.state.phase == "checking":
        draft.add(CheckRequested(call=state.checking))


def _recover_call(draft: Draft, call: CallState) -> None:
    spec = call.spec
    policy = "ask" if spec is None else "repeat" if spec.access == "read" else spec.on_crash
    lost = Clean.vouch("the driver was lost while the call was under way")
    if policy == "repeat" and (draft.state.phase == "stopping" or call.attempt >= MAX_ATTEMPTS):
        if spec is not None and spec.access == "read":
            draft.add(ToolFailed(call=call.call, attempt=call.attempt, kind="error", text=lost))
        else:
            draft.add(ToolUnknown(call=call.call, attempt=call.attempt, reason=lost))
    elif policy == "repeat":
        draft.add(
            ToolRequested(call=call.call, attempt=call.attempt + 1, until_ms=until(draft, call))
        )
    elif policy == "probe" and call.attempt < MAX_ATTEMPTS:
        draft.add(ProbeRequested(call=call.call, attempt=call.attempt + 1))
    else:
        draft.add(ToolUnknown(call=call.call, attempt=call.attempt, reason=lost))


def until(draft: Draft, call: CallState) -> int:
    """The instant at which a call released now is cut."""
    timeout = 0 if call.spec is None else call.spec.timeout_ms
    return min(draft.world.now_ms + timeout, draft.state.deadline_ms)


def on_unknown(draft: Draft, fact: ToolUnknown, _given: Input) -> None:
    """A write was cut: ask the system, repeat with the same key, or leave it to a human."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "released" or call.attempt != fact.attempt:
        return
    draft.add(fact)
    if draft.state.phase == "stopping" or call.spec is None or call.attempt >= MAX_ATTEMPTS:
        return
    if call.spec.on_crash == "probe":
        draft.add(ProbeRequested(call=call.call, attempt=call.attempt + 1))
    elif call.spec.on_crash == "repeat":
        draft.add(ToolQueued(call=call.call))


def on_probe_completed(draft: Draft, fact: ProbeCompleted, _given: Input) -> None:
    """The system said whether the call happened."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "probing":
        return
    draft.add(fact)
    if fact.verdict == "happened":
        draft.add(ToolCompleted(call=call.call, attempt=call.attempt, text=fact.text))
    elif fact.verdict == "absent" and draft.state.phase != "stopping":
        draft.add(ToolQueued(call=call.call))


def on_resolved(draft: Draft, fact: ToolResolved, _given: Input) -> None:
    """A human said whether the call happened; if not, it may go again."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "doubt":
        ignore(draft, "ToolResolved", fact.call, "this call is not in doubt", fact.principal)
        return
    draft.add(fact)
    if fact.happened:
        said = fact.text or Clean.vouch(f"it happened: {fact.principal} says so")
        draft.add(ToolCompleted(call=call.call, attempt=call.attempt, text=said))
    else:
        draft.add(ToolQueued(call=call.call))
