"""A delayed call leaves: what was decided when it was let through must still hold."""

from remit.machine.delaying import queue
from remit.machine.draft import Draft
from remit.machine.inputs import Inspection
from remit.machine.judging import ask, refuse, verdict_on
from remit.machine.state import CallState


def leave_if_due(draft: Draft) -> None:
    """Queue the delayed calls whose instant has come, unless the rules refuse or ask now.

    While the switches cannot be read nothing leaves.
    """
    if draft.world.stale_switches:
        return
    for call in draft.state.calls:
        if call.status == "delayed" and draft.world.now_ms >= call.not_before_ms:
            _leave(draft, call)


def _leave(draft: Draft, call: CallState) -> None:
    queue(draft, call)
    # What hooks said of it stands: they were asked before it was let through.
    known = Inspection(
        call=call.call, arguments=call.arguments, digest=call.digest, preview=call.preview
    )
    verdict = verdict_on(draft, call, known)
    if verdict.effect == "deny":
        refuse(draft, call.call, verdict)
    elif verdict.effect == "ask" and len(set(call.given)) < verdict.needed:
        ask(draft, call, verdict, known)
