"""evolve(state, event) -> state: folds one fact; it decides nothing."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from remit.errors import StoreCorrupt
from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    BudgetWarned,
    CallJudged,
    CancelRequested,
    CheckCompleted,
    CheckRequested,
    ClockPaused,
    ClockResumed,
    Event,
    InputReceived,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeRequested,
    RetryPlanned,
    RunEnded,
    RunStarted,
    RunStopping,
    RuntimeSaid,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
)
from remit.journal.record import Body
from remit.machine.conversation import RUNTIME, say, with_results
from remit.machine.state import CallState, ModelCall, State
from remit.machine.transitions import CALL, CALL_EVENTS, RUN, RUN_EVENTS
from remit.values.message import CallPart, TextPart


def _change(state: State, call: str, **fields: object) -> State:
    calls = tuple(
        replace(known, **fields) if known.call == call else known  # type: ignore[arg-type]  # typed at each caller
        for known in state.calls
    )
    return replace(state, calls=calls)


def _started(state: State, event: RunStarted, at_ms: int) -> State:
    begun = replace(
        state,
        user=event.user,
        session=event.session,
        root=event.root,
        parent=event.parent,
        parent_call=event.parent_call,
        depth=event.depth,
        environment=event.environment,
        prices=event.prices,
        accounts=event.accounts,
        started_ms=at_ms,
        deadline_ms=event.deadline_ms,
    )
    return say(begun, "user", event.input)


def _model_requested(state: State, event: ModelRequested, _: int) -> State:
    first = event.attempt == 1
    told = with_results(state)
    out = ModelCall(
        call=event.call,
        attempt=event.attempt,
        max_output_tokens=event.max_output_tokens,
        input_bound=event.input_bound,
        holds=event.holds,
    )
    return replace(
        told,
        model=out,
        answer=None,
        turns=told.turns + first,
        numbered=told.numbered + first,
        failures=0 if first else told.failures,
    )


def _model_completed(state: State, event: ModelCompleted, _: int) -> State:
    said = say(state, "assistant", event.parts)
    calls = tuple(
        CallState(
            call=part.call,
            spec=state.spec.tool(part.tool),
            tool=part.tool,
            provider_id=part.provider_id,
            arguments=part.arguments,
        )
        for part in event.parts
        if isinstance(part, CallPart)
    )
    text = "".join(part.text for part in event.parts if isinstance(part, TextPart))
    return replace(
        said,
        model=None,
        failures=0,
        calls=calls,
        last_text=text or state.last_text,
        stop=event.stop,
        usage=state.usage + event.usage,
        cost=state.cost + event.cost,
    )


def _model_failed(state: State, event: ModelFailed, at_ms: int) -> State:
    usage = state.usage if event.usage is None else state.usage + event.usage
    idle = None if state.model is None else replace(state.model, retry_at_ms=at_ms)
    return replace(
        state,
        model=idle,
        failures=state.failures + 1,
        usage=usage,
        cost=state.cost + event.cost,
    )


def _retry(state: State, event: RetryPlanned, _: int) -> State:
    if state.model is None:
        raise StoreCorrupt(f"{state.run}: a retry is planned for no model call")
    return replace(state, model=replace(state.model, retry_at_ms=event.at_ms))


def _judged(state: State, event: CallJudged, _: int) -> State:
    changed = _change(
        state,
        event.call,
        digest=event.digest,
        resources=event.resources,
        rule=event.rule,
        needed=event.needed,
    )
    repeats = {**state.repeats, event.digest: state.repeats.get(event.digest, 0) + 1}
    return replace(changed, repeats=repeats if event.digest else state.repeats)


def _asked(state: State, event: ApprovalRequested, _: int) -> State:
    call = state.find(event.call)
    asked = (call.asked if call else 0) + 1
    return _change(
        state,
        event.call,
        approval=event.approval,
        digest=event.digest,
        needed=event.needed,
        expires_ms=event.expires_ms,
        asked=asked,
        given=(),
    )


def _by_approval(state: State, approval: str) -> CallState:
    for call in state.calls:
        if call.approval == approval:
            return call
    raise StoreCorrupt(f"{state.run}: the approval {approval} belongs to no call")


def _given(state: State, event: ApprovalGiven, _: int) -> State:
    call = _by_approval(state, event.approval)
    if event.arguments is None:
        return _change(state, call.call, given=(*call.given, event.principal))
    return _change(
        state,
        call.call,
        given=(event.principal,),
        arguments=event.arguments,
        digest=event.digest,
    )


def _tool_requested(state: State, event: ToolRequested, _: int) -> State:
    changed = _change(state, event.call, attempt=event.attempt, until_ms=event.until_ms)
    return replace(changed, tool_calls=state.tool_calls + (event.attempt == 1))


def _subrun_requested(state: State, event: SubrunRequested, _: int) -> State:
    call = state.find(event.call)
    first = call is not None and call.attempt == 0
    changed = _change(state, event.call, child=event.child, attempt=1)
    return replace(changed, tool_calls=state.tool_calls + first)


def _subrun_ended(state: State, event: SubrunEnded, _: int) -> State:
    changed = _change(state, event.call, result=event.text, is_error=event.status != "completed")
    return replace(
        changed,
        usage=state.usage + event.usage,
        cost=state.cost + event.cost,
        child_ms=max(state.child_ms, event.active_ms),
    )


def _tool_completed(state: State, event: ToolCompleted, _: int) -> State:
    call = state.find(event.call)
    changed = _change(state, event.call, result=event.text, labels=event.labels)
    if call is None or call.spec is None:
        return changed
    if call.spec.kind == "final":
        return replace(changed, answer=call.arguments)
    if call.spec.access == "write" and not event.recorded_only:
        # Something changed, so a call that was asked before may now have another answer.
        same = {call.digest: state.repeats[call.digest]} if call.digest in state.repeats else {}
        return replace(changed, repeats=same)
    return changed


def _tool_failed(state: State, event: ToolFailed, _: int) -> State:
    changed = _change(state, event.call, result=event.text, is_error=True)
    identical = event.rule == "limits.identical-calls"
    return replace(changed, repeated=state.repeated + identical)


def _input_requested(state: State, event: InputRequested, _: int) -> State:
    call = state.find(event.call)
    return _change(
        state,
        event.call,
        question=event.question,
        question_schema=event.answer_schema,
        question_text=event.text,
        questions=(call.questions if call else 0) + 1,
        answers=(*(call.answers if call else ()), (event.key, "")),
    )


def _input_received(state: State, event: InputReceived, _: int) -> State:
    for call in state.calls:
        if call.question == event.question:
            answers = (*call.answers[:-1], (call.answers[-1][0], str(event.value)))
            return _change(state, call.call, answers=answers, question="")
    raise StoreCorrupt(f"{state.run}: an answer to no question ({event.question})")


def _paused(state: State, event: ClockPaused, _: int) -> State:
    return replace(state, paused_ms=event.at_ms, child_ms=0)


def _resumed(state: State, event: ClockResumed, _: int) -> State:
    # The start moves with the deadline, so that their distance stays the run's own time.
    waited = event.deadline_ms - state.deadline_ms
    return replace(
        state,
        paused_ms=None,
        child_ms=0,
        deadline_ms=event.deadline_ms,
        started_ms=state.started_ms + waited,
    )


def _warned(state: State, event: BudgetWarned, _: int) -> State:
    warned = (*state.warned, (event.account, event.used, event.limit))
    return replace(
        state, warned=warned, clock_warned=state.clock_warned or event.account == "clock"
    )


def _stopping(state: State, event: RunStopping, at_ms: int) -> State:
    return replace(state, stopping=event.reason, stopping_detail=event.detail, stopping_ms=at_ms)


def _ended(state: State, event: RunEnded, _: int) -> State:
    return replace(
        state,
        status=event.status,
        reason=event.reason,
        detail=event.detail,
        output=event.output,
        success=event.success,
        model=None,
        checking="",
    )


def _said(state: State, event: RuntimeSaid, _: int) -> State:
    return say(with_results(state), "user", (TextPart(text=event.text, origin=RUNTIME),))


def _cancelled(state: State, event: CancelRequested, _: int) -> State:
    return replace(state, cancelled=event.reason or f"by {event.principal}")


def _check(state: State, event: CheckRequested, _: int) -> State:
    return replace(state, checking=event.call)


def _checked(state: State, event: CheckCompleted, _: int) -> State:
    return replace(state, checking="", passed=event.passed)


def _probe(state: State, event: ProbeRequested, _: int) -> State:
    return _change(state, event.call, attempt=event.attempt)


_FOLD: dict[str, Callable[..., State]] = {
    "RunStarted": _started,
    "CancelRequested": _cancelled,
    "RunStopping": _stopping,
    "ClockPaused": _paused,
    "ClockResumed": _resumed,
    "RuntimeSaid": _said,
    "CheckRequested": _check,
    "CheckCompleted": _checked,
    "RunEnded": _ended,
    "ModelRequested": _model_requested,
    "ModelCompleted": _model_completed,
    "ModelFailed": _model_failed,
    "RetryPlanned": _retry,
    "CallJudged": _judged,
    "ToolRequested": _tool_requested,
    "ToolCompleted": _tool_completed,
    "ToolFailed": _tool_failed,
    "ProbeRequested": _probe,
    "SubrunRequested": _subrun_requested,
    "SubrunEnded": _subrun_ended,
    "ApprovalRequested": _asked,
    "ApprovalGiven": _given,
    "InputRequested": _input_requested,
    "InputReceived": _input_received,
    "BudgetWarned": _warned,
}


def _call_of(state: State, event: Event) -> CallState | None:
    name = getattr(event, "call", None)
    if name is not None:
        return state.find(name)
    approval = getattr(event, "approval", None)
    question = getattr(event, "question", None)
    for call in state.calls:
        if (approval and call.approval == approval) or (question and call.question == question):
            return call
    return None


def evolve(state: State, event: Event, at_ms: int) -> State:
    """The state after `event`, decided at `at_ms`.

    Raises `StoreCorrupt` for an event that cannot follow this state.
    """
    kind = event.type
    phase = RUN.get((state.phase, kind), state.phase)
    if kind in RUN_EVENTS and (state.phase, kind) not in RUN:
        raise StoreCorrupt(f"{state.run}: {kind} cannot follow the phase {state.phase}")
    call = _call_of(state, event) if kind in CALL_EVENTS else None
    if kind in CALL_EVENTS:
        if call is None or (call.status, kind) not in CALL:
            status = call.status if call else "unknown"
            raise StoreCorrupt(f"{state.run}: {kind} cannot follow a call that is {status}")
        state = _change(state, call.call, status=CALL[(call.status, kind)])
    fold = _FOLD.get(kind)
    after = state if fold is None else fold(state, event, at_ms)
    return after if after.phase == phase else replace(after, phase=phase)


def fold(state: State, bodies: Iterable[Body]) -> State:
    """The state after all events of these records."""
    for body in bodies:
        rest = iter(body.events)
        for cause in body.causes:
            for _ in range(cause.count):
                state = evolve(state, next(rest), cause.now_ms)
    return state
