"""A call failed whose peers make no sense without it: they are given up, and the run goes on.

What waits is refused. What is out is cut by the driver and says itself what is known of it; a write
follows its `on_crash`, but for that it is not made again. A sub-run is told to stop.
"""

from remit.journal.events import PeersAborted, ToolFailed, ToolUnknown
from remit.machine.delaying import queue
from remit.machine.doubt import on_unknown
from remit.machine.draft import Draft
from remit.machine.ending import STOP_GRACE_MS
from remit.machine.inputs import Input
from remit.machine.outcomes import on_tool_outcome
from remit.machine.state import CallState
from remit.values.clean import Clean

_WAITS = ("asking", "delayed", "queued", "input", "degraded")


def abort_peers(draft: Draft) -> None:
    """Give up the peers of calls that failed, and those of them that do not answer in time."""
    for call in draft.state.calls:
        if call.aborts:
            _abort(draft, call)
    for call in draft.state.calls:
        if silent_at_ms(call) is not None and draft.world.now_ms >= (silent_at_ms(call) or 0):
            _fall_silent(draft, call)


def silent_at_ms(call: CallState) -> int | None:
    """When a call that was cut has had time enough to say how it ended; None where it has ended.

    A sub-run ends by its own rules, and a probe at its own time.
    """
    if not call.given_up or call.status != "released" or call.child:
        return None
    return call.given_up_ms + STOP_GRACE_MS


def _abort(draft: Draft, cause: CallState) -> None:
    peers = [call for call in draft.state.unfinished if not call.given_up]
    if not peers:
        return
    reason = Clean.vouch(f"given up: {cause.tool} ({cause.call}), called beside it, failed")
    names = tuple(call.call for call in peers)
    draft.add(PeersAborted(call=cause.call, peers=names, reason=reason))
    for call in peers:
        if call.status in _WAITS:
            _refuse(draft, call, reason)


def _refuse(draft: Draft, call: CallState, reason: Clean) -> None:
    """It has not left, or asked before it changed anything; else nobody knows what happened."""
    if call.booked:
        queue(draft, call)
    if call.unsure:
        draft.add(ToolUnknown(call=call.call, attempt=call.attempt, reason=reason))
    else:
        tried = max(1, call.attempt)
        draft.add(ToolFailed(call=call.call, attempt=tried, kind="aborted", text=reason))


def _fall_silent(draft: Draft, call: CallState) -> None:
    """Nobody heard from it: a read has failed, of a write nobody knows."""
    silent = Clean.vouch("it was cut and did not answer")
    given = Input(kind="wake")
    if call.spec is not None and call.spec.access == "read":
        cut = ToolFailed(call=call.call, attempt=call.attempt, kind="cancelled", text=silent)
        on_tool_outcome(draft, cut, given)
    else:
        lost = ToolUnknown(call=call.call, attempt=call.attempt, reason=silent)
        on_unknown(draft, lost, given)
