"""Folds the events that are about one tool call."""

from collections.abc import Callable

from remit.errors import StoreCorrupt
from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    Event,
    HookAnswered,
    InputReceived,
    InputRequested,
    ProbeCompleted,
    ProbeRequested,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolDegraded,
    ToolDelayed,
    ToolFailed,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.machine.changing import replace
from remit.machine.lexemes import unwrap
from remit.machine.state import ANY, CallState, State
from remit.machine.transitions import CALL
from remit.policy.limits import IDENTICAL_CALLS
from remit.values.account import is_rate

# Failures that somebody wanted: they say nothing of the call itself.
_CUT = ("cancelled", "aborted")


def _put(state: State, call: CallState) -> State:
    calls = tuple(call if known.call == call.call else known for known in state.calls)
    return replace(state, calls=calls)


def _paid(state: State, call: CallState, cost: int) -> State:
    """The state with a call that holds nothing any more, and what it cost."""
    after = _put(state, replace(call, holds=()) if call.holds else call)
    return replace(after, cost=state.cost + cost) if cost else after


def _hooked(state: State, call: CallState, event: HookAnswered) -> State:
    if event.arguments is None:
        return _put(state, call)
    # Who agreed to what it was before has not agreed to this.
    changed = replace(call, arguments=event.arguments, digest=event.after, given=(), vouched=())
    return _put(state, changed)


def _judged(state: State, call: CallState, event: CallJudged) -> State:
    judged = replace(
        call,
        effect=event.effect,
        digest=event.digest,
        resources=event.resources,
        rule=event.rule,
        needed=event.needed,
    )
    after = _put(state, judged)
    if not event.digest:
        return after
    count = state.repeats.get(event.digest, 0) + 1
    return replace(after, repeats={**state.repeats, event.digest: count})


def _asked(state: State, call: CallState, event: ApprovalRequested) -> State:
    asking = replace(
        call,
        effect="ask",
        approval=event.approval,
        digest=event.digest,
        needed=event.needed,
        expires_ms=event.expires_ms,
        asked=call.asked + 1,
        given=(),
        vouched=(),
        approvers=event.approvers,
        ask_reason=event.reason,
        preview=event.preview,
    )
    return _put(state, asking)


def _given(state: State, call: CallState, event: ApprovalGiven) -> State:
    vouched = () if event.on_behalf is None else (event.on_behalf.person,)
    if event.arguments is None:
        given = (*call.given, event.principal)
        return _put(state, replace(call, given=given, vouched=(*call.vouched, *vouched)))
    # What the changed call touches is not in the journal, so it may run beside nothing it could
    # conflict with; who agreed to the old form agreed to something else.
    changed = replace(
        call,
        given=(event.principal,),
        vouched=vouched,
        arguments=event.arguments,
        digest=event.digest,
        resources=(ANY,),
    )
    return _put(state, changed)


def _postponed(state: State, call: CallState, event: ToolPostponed) -> State:
    waits = replace(call, not_before_ms=event.until_ms, booked=event.holds, postponed=True)
    return _put(state, waits)


def _delayed(state: State, call: CallState, event: ToolDelayed) -> State:
    waits = replace(call, not_before_ms=event.until_ms, delayed=True)
    return _queued(state, waits, event)


def _degraded(state: State, call: CallState, event: ToolDegraded) -> State:
    """What was said and agreed of one tool is not said of another."""
    proposed = call.proposed or call.tool
    tool = event.to or proposed
    tried = call.tried if event.tool in call.tried else (*call.tried, event.tool)
    resort = replace(
        call,
        degraded=event,
        proposed=proposed,
        proposed_digest=call.proposed_digest or call.digest,
        tried=tried,
        tool=tool,
        spec=state.spec.tool(tool),
        effect="",
        rule="",
        needed=0,
        approval="",
        given=(),
        vouched=(),
        approvers=(),
        preview=None,
        answers=(),
        delayed=False,
        rated=False,
        aborts=False,
        result="",
        is_error=False,
    )
    return _put(state, resort)


def _queued(state: State, call: CallState, _: ToolQueued | ToolDelayed) -> State:
    agreed = call.effect == "ask" and len(set(call.given)) >= call.needed
    if call.effect != "allow" and not agreed:
        raise StoreCorrupt(f"{state.run}: {call.call} goes on without the agreement it needs")
    return _put(state, replace(call, booked=(), postponed=False) if call.postponed else call)


def _tool_requested(state: State, call: CallState, event: ToolRequested) -> State:
    rated = call.rated or any(is_rate(hold.account) for hold in event.holds)
    out = replace(
        call, attempt=event.attempt, until_ms=event.until_ms, holds=event.holds, rated=rated
    )
    return replace(_put(state, out), tool_calls=state.tool_calls + (event.attempt == 1))


def _subrun_requested(state: State, call: CallState, event: SubrunRequested) -> State:
    out = replace(call, child=event.child, attempt=1)
    return replace(_put(state, out), tool_calls=state.tool_calls + 1)


def _subrun_ended(state: State, call: CallState, event: SubrunEnded) -> State:
    done = replace(call, result=event.text, is_error=event.status != "completed")
    return replace(
        _put(state, done),
        usage=state.usage + event.usage,
        cost=state.cost + event.cost,
        child_ms=max(state.child_ms, event.active_ms),
        repeated=0,
    )


def _tool_completed(state: State, call: CallState, event: ToolCompleted) -> State:
    done = _paid(state, replace(call, result=event.text, labels=event.labels), event.cost)
    if call.spec is not None and call.spec.kind == "final":
        return replace(done, answer=unwrap(call.arguments))
    if event.recorded_only:
        return done
    done = replace(done, repeated=0)
    if call.spec is not None and call.spec.access == "write":
        # Something changed, so a call that was made before may now have another answer.
        same = {call.digest: state.repeats[call.digest]} if call.digest in state.repeats else {}
        return replace(done, repeats=same)
    return done


def _tool_failed(state: State, call: CallState, event: ToolFailed) -> State:
    asked = (call.spec, state.spec.tool(call.proposed))  # one that stands in, and what it is for
    wants = any(spec is not None and spec.on_failure == "abort-peers" for spec in asked)
    call = replace(call, aborts=wants and event.kind not in _CUT)
    told = replace(call, result=event.text, is_error=True, labels=event.labels)
    failed = _paid(state, told, event.cost)
    identical = event.rule == IDENTICAL_CALLS
    return replace(failed, repeated=state.repeated + identical)


def _unknown(state: State, call: CallState, event: ToolUnknown) -> State:
    writes = call.spec is None or call.spec.access == "write"
    given_back = any(is_rate(post.account) and not post.amount for post in event.posts)
    rated = call.rated and not given_back
    doubtful = replace(call, unsure=writes, labels=event.labels, rated=rated)
    if event.assumed:
        # A call that was tried has used its rate, whatever became of it.
        paid = (post for post in event.posts if not is_rate(post.account))
        doubtful = replace(
            doubtful,
            assumed=(*call.assumed, *paid),
            assumed_cost=call.assumed_cost + event.cost,
        )
    return _paid(state, doubtful, event.cost)


def _probe(state: State, call: CallState, event: ProbeRequested) -> State:
    return _put(state, replace(call, attempt=event.attempt))


def _probed(state: State, call: CallState, event: ProbeCompleted) -> State:
    return _answered_for(state, call, event.cost, happened=event.verdict != "absent")


def _resolved(state: State, call: CallState, event: ToolResolved) -> State:
    return _answered_for(state, call, event.cost, happened=event.happened)


def _answered_for(state: State, call: CallState, cost: int, *, happened: bool) -> State:
    """Somebody said whether it happened; what was assumed of one that did not was taken back."""
    if happened:
        return _put(state, replace(call, unsure=True))
    return _paid(state, replace(call, unsure=False, assumed=(), assumed_cost=0), cost)


def _input_requested(state: State, call: CallState, event: InputRequested) -> State:
    asking = replace(
        call,
        question=event.question,
        question_schema=event.answer_schema,
        question_text=event.text,
        questions=call.questions + 1,
        answers=(*call.answers, (event.key, "")),
    )
    return _paid(state, asking, event.cost)


def _input_received(state: State, call: CallState, event: InputReceived) -> State:
    key, _ = call.answers[-1]
    answers = (*call.answers[:-1], (key, str(event.value)))
    return _put(state, replace(call, answers=answers, question=""))


_CALL_FOLD: dict[str, Callable[..., State]] = {
    "HookAnswered": _hooked,
    "CallJudged": _judged,
    "ToolDegraded": _degraded,
    "ToolQueued": _queued,
    "ToolDelayed": _delayed,
    "ToolPostponed": _postponed,
    "ToolRequested": _tool_requested,
    "ToolCompleted": _tool_completed,
    "ToolFailed": _tool_failed,
    "ToolUnknown": _unknown,
    "ToolResolved": _resolved,
    "ProbeRequested": _probe,
    "ProbeCompleted": _probed,
    "SubrunRequested": _subrun_requested,
    "SubrunEnded": _subrun_ended,
    "ApprovalRequested": _asked,
    "ApprovalGiven": _given,
    "InputRequested": _input_requested,
    "InputReceived": _input_received,
}


def _call_of(state: State, event: Event) -> CallState | None:
    match event:
        case ApprovalGiven() | ApprovalDenied() | ApprovalExpired():
            known = [call for call in state.calls if call.approval == event.approval]
        case InputReceived():
            known = [call for call in state.calls if call.question == event.question]
        case _:
            name = getattr(event, "call", None)
            known = [call for call in state.calls if call.call == name]
    return known[0] if known else None


def fold_call(state: State, event: Event) -> State:
    """The state after `event`. Raises `StoreCorrupt` where its call cannot take it."""
    call = _call_of(state, event)
    status = None if call is None else CALL.get((call.status, event.type))
    if call is None or status is None:
        was = "unknown" if call is None else call.status
        raise StoreCorrupt(f"{state.run}: {event.type} cannot follow a call that is {was}")
    moved = replace(call, status=status)
    fold_one = _CALL_FOLD.get(event.type)
    return _put(state, moved) if fold_one is None else fold_one(state, moved, event)
