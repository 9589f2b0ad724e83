"""The run's own clock, and the reasons to stop that lie outside its conversation."""

from remit.journal.events import BudgetWarned, ClockPaused, ClockResumed, RunStopping
from remit.machine.draft import Draft
from remit.policy.limits import clock_warning_ms
from remit.values.clean import Clean


def run_clock(draft: Draft) -> None:
    """Let the clock go on if there is work again, and warn at 80 % of the time."""
    state, now = draft.state, draft.world.now_ms
    if state.paused_ms is not None and not state.waits_for_others:
        waited = max(0, now - state.paused_ms - state.child_ms)
        draft.add(ClockResumed(deadline_ms=state.deadline_ms + waited))
    state = draft.state
    runs = state.paused_ms is None and state.phase != "stopping" and not state.clock_warned
    if runs and now >= clock_warning_ms(state.started_ms, state.deadline_ms):
        limit = state.deadline_ms - state.started_ms
        used = min(now - state.started_ms, limit)
        draft.add(BudgetWarned(account="clock", used=used, limit=limit))


def pause_if_idle(draft: Draft) -> None:
    """Stop the clock while only humans, sub-runs and delays are waited for."""
    if draft.state.paused_ms is None and draft.state.waits_for_others:
        draft.add(ClockPaused(at_ms=draft.world.now_ms))


def stop_if_due(draft: Draft) -> None:
    """Stop a run that was cancelled, switched off, or has used up its time."""
    state, world = draft.state, draft.world
    if state.phase == "stopping":
        return
    off = sorted(target for target in world.off if not target.startswith(("tool:", "mode:")))
    if state.spec.phase == "off":
        off.append(f"agent {state.spec.name} is in phase off")
    if state.cancelled is not None:
        draft.add(RunStopping(reason="cancelled", detail=Clean.vouch(state.cancelled)))
    elif off:
        draft.add(RunStopping(reason="switched-off", detail=Clean.vouch(", ".join(off))))
    elif state.paused_ms is None and world.now_ms >= state.deadline_ms:
        seconds = (state.deadline_ms - state.started_ms) / 1000
        draft.add(RunStopping(reason="deadline", detail=Clean.vouch(f"after {seconds:g} s")))
