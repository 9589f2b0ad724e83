"""The scheduler: what is released now, what waits, when the run asks the model again or ends."""

from remit.journal.events import (
    ApprovalExpired,
    Hold,
    SubrunRequested,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.aborting import abort_peers, silent_at_ms
from remit.machine.affording import say_short, short_of
from remit.machine.charging import tool_holds
from remit.machine.clock import pause_if_idle, run_clock, stop_if_due
from remit.machine.degrading import resort
from remit.machine.draft import Draft
from remit.machine.ending import STOP_GRACE_MS, end_if_quiet
from remit.machine.judging import refuse
from remit.machine.leaving import leave_if_due
from remit.machine.lexemes import brief_of
from remit.machine.plans import denied_by_plan
from remit.machine.questions import switched_off
from remit.machine.rating import places, rates_of, waits_for_rate
from remit.machine.state import CallState, State
from remit.machine.turns import next_turn, retry_if_due
from remit.policy.limits import clock_warning_ms
from remit.policy.permission import Verdict
from remit.values.clean import Clean
from remit.values.ids import subrun_id
from remit.values.instant import utc_text
from remit.values.money import format_usd


def advance(draft: Draft, *, leave: bool = True) -> None:
    """Release, ask, wait or end: whatever the state calls for now.

    `leave`: delayed calls leave too, but not before letters were read: one may call them back.
    """
    if draft.state.phase in ("new", "ended"):
        return
    if draft.state.phase == "acting":
        _expire(draft)
        if leave:
            leave_if_due(draft)
        abort_peers(draft)
    run_clock(draft)
    stop_if_due(draft)
    if not draft.world.stale_switches:
        _move_on(draft)
    pause_if_idle(draft)
    if draft.state.phase == "stopping":
        end_if_quiet(draft)


def _move_on(draft: Draft) -> None:
    if draft.state.phase == "thinking":
        retry_if_due(draft)
    elif draft.state.phase in ("ready", "acting"):
        while (call := draft.state.next_free) is not None:
            _start(draft, call)
            abort_peers(draft)
        if not draft.state.unfinished:
            next_turn(draft)


# ---------------------------------------------------------------- tool calls


def _expire(draft: Draft) -> None:
    for call in draft.state.calls:
        if call.status == "asking" and draft.world.now_ms >= call.expires_ms:
            draft.add(ApprovalExpired(approval=call.approval))
            text = Clean.vouch("refused: nobody agreed in time")
            draft.add(ToolFailed(call=call.call, kind="denied", text=text, rule=call.rule))


def _start(draft: Draft, call: CallState) -> None:
    target = f"tool:{call.tool}"
    broken = draft.world.health.get(target) == "open" and not call.unsure
    outside = None  # the plan may have changed since the call was judged
    if call.spec is not None and not call.unsure:
        outside = denied_by_plan(draft.state, call.spec)
    off = switched_off(call, draft.world.off)
    if off is not None and call.unsure:
        reason = Clean.vouch(f"it may have happened, and {off.reason.replace('this', 'the')} now")
        draft.add(ToolUnknown(call=call.call, attempt=call.attempt, reason=reason))
    elif off is not None:
        refuse(draft, call.call, off)
    elif outside is not None:
        refuse(draft, call.call, outside)
    elif broken:
        since_ms = draft.world.since.get(target)
        since = "at present" if since_ms is None else f"since {utc_text(since_ms)}"
        said = f"this tool fails {since} and is left alone for a while"
        if not resort(draft, call.call, Clean.vouch(said)):
            refuse(draft, call.call, Verdict("deny", f"breaker.{target}", said), "limit")
    elif call.spec is not None and call.spec.kind == "agent":
        draft.add(
            SubrunRequested(
                call=call.call,
                agent=call.spec.agent,
                child=subrun_id(draft.state.run, call.call),
                brief=Clean.vouch(brief_of(call.arguments)),
            )
        )
    else:
        _release(draft, call)


def _release(draft: Draft, call: CallState) -> None:
    """Let a call go, if its price is affordable and its rates have room."""
    holds, rates = tool_holds(draft, call), rates_of(draft, call)
    short = short_of(draft, holds, last_try=draft.world.last_try and not rates)
    if short is not None:
        _refuse_priced(draft, call, short)
        return
    if waits_for_rate(draft, call, rates):
        return
    holds += places(draft, rates, draft.world.now_ms)
    timeout = 0 if call.spec is None else call.spec.timeout_ms
    soft_ms, deadline_ms = draft.state.soft_ms, draft.state.deadline_ms
    # Time is kept back to say what became of it, but for that no write is brought into doubt.
    reads = call.spec is not None and call.spec.access == "read"
    last_ms = soft_ms if reads and draft.world.now_ms < soft_ms else deadline_ms
    until_ms = min(draft.world.now_ms + timeout, last_ms)
    draft.add(
        ToolRequested(call=call.call, attempt=call.attempt + 1, until_ms=until_ms, holds=holds)
    )


def _refuse_priced(draft: Draft, call: CallState, short: Hold) -> None:
    """The model is told and may do something cheaper; the run goes on."""
    say_short(draft, call.call, short)
    if call.unsure:
        reason = Clean.vouch("it may have happened, and another try is not affordable")
        draft.add(ToolUnknown(call=call.call, attempt=call.attempt, reason=reason))
    else:
        said = f"this call may cost {format_usd(short.amount)}, and that much is not left"
        refuse(draft, call.call, Verdict("deny", f"budget.{short.account}", said), "limit")


def wake_at_ms(state: State, now_ms: int, *, stale_switches: bool = False) -> int | None:
    """When time alone may call for a decision; None for never."""
    if state.phase == "ended":
        return None
    if state.phase == "stopping":
        return state.stopping_ms + STOP_GRACE_MS
    times: list[int] = []
    if state.paused_ms is None:
        times.append(state.deadline_ms)
        if not state.clock_warned:
            times.append(clock_warning_ms(state.started_ms, state.deadline_ms))
    if stale_switches:
        return min([now_ms + _SWITCH_RETRY_MS, *times])
    if state.model is not None and state.model.retry_at_ms is not None and not state.counting:
        times.append(state.model.retry_at_ms)
    times += [call.expires_ms for call in state.calls if call.status == "asking"]
    times += [call.not_before_ms for call in state.calls if call.status == "delayed"]
    times += [at_ms for at_ms in map(silent_at_ms, state.calls) if at_ms is not None]
    return min(times) if times else None


_SWITCH_RETRY_MS = 1000  # switches are at most a second old
