"""A call that was let through goes on: at once, or once its delay is over."""

from remit.journal.events import ToolDelayed, ToolQueued
from remit.machine.draft import Draft
from remit.machine.state import CallState
from remit.policy.budget import voids


def let_go(draft: Draft, name: str) -> None:
    """Queue a call that nothing hinders; a write with a delay waits first, once."""
    call = draft.state.find(name)
    delay_ms = 0
    if call is not None and call.spec is not None and not call.delayed:
        delay_ms = draft.state.spec.delay_ms_of(call.spec)
    if delay_ms:
        draft.add(ToolDelayed(call=name, until_ms=draft.world.now_ms + delay_ms))
    else:
        draft.add(ToolQueued(call=name))


def queue(draft: Draft, call: CallState) -> None:
    """A delayed call may go; what it had booked on its rates it takes anew when it leaves."""
    draft.add(ToolQueued(call=call.call, posts=voids(call.booked)))
