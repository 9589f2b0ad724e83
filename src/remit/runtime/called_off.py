"""What becomes of an intent that was released and then not started: certainly nothing happened."""

from remit.journal.events import (
    CheckCompleted,
    CheckRequested,
    CountRequested,
    Event,
    InputCounted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    ProbeRequested,
    SubrunEnded,
    SubrunRequested,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.inputs import Input
from remit.runtime.outcome import Outcome
from remit.values.clean import Clean
from remit.values.usage import Usage


def called_off(
    event: Event, why: Clean, *, reason: str = "cancelled", unsure: bool = False
) -> Outcome | None:
    """The outcome of an intent that was not started; None for an event that is no intent.

    `reason` is what a parent's journal says of a sub-run. `unsure`: an earlier attempt at the call
    may have happened, and of that nothing is known yet.
    """
    fact: Event
    match event:
        case ModelRequested():
            # Usage nought: nothing was sent, so nothing is posted.
            fact = ModelFailed(
                call=event.call,
                attempt=event.attempt,
                kind="cancelled",
                detail=why,
                usage=Usage(),
            )
        case ToolRequested() if unsure:
            fact = ToolUnknown(call=event.call, attempt=event.attempt, reason=why, charged=0)
        case ToolRequested():
            # Charged nought, as above.
            fact = ToolFailed(
                call=event.call, attempt=event.attempt, kind="cancelled", text=why, charged=0
            )
        case ProbeRequested():
            fact = ProbeCompleted(call=event.call, verdict="unknown", text=why)
        case CountRequested():
            fact = InputCounted(call=event.call, detail=why)
        case CheckRequested():
            fact = CheckCompleted(call=event.call, passed=False, detail=why)
        case SubrunRequested():
            fact = SubrunEnded(
                call=event.call, child=event.child, status="stopped", reason=reason, text=why
            )
        case _:
            return None
    return Outcome(Input(kind="outcome", fact=fact))
