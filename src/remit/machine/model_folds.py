"""Folds of the facts about model calls."""

from collections.abc import Callable

from remit.errors import StoreCorrupt
from remit.journal.events import (
    ContinuationAsked,
    ModelCompleted,
    ModelDrifted,
    ModelFailed,
    ModelRequested,
    OutputEscalated,
    RetryPlanned,
    WrapUpAsked,
)
from remit.machine.changing import replace
from remit.machine.conversation import RUNTIME, say, with_results
from remit.machine.state import CallState, Conversation, ModelCall, State
from remit.policy.retrying import loses
from remit.values.message import CallPart, TextPart


def _requested(state: State, event: ModelRequested, _: int) -> State:
    first = event.attempt == 1
    told = with_results(state)
    known = None if first else state.model
    goes_on = state.continuing or not first
    out = ModelCall(
        call=event.call,
        attempt=event.attempt,
        max_output_tokens=event.max_output_tokens,
        input_bound=event.input_bound,
        holds=event.holds,
        model=event.model,
        tried=() if known is None else known.tried,
        breaks=0 if known is None else known.breaks,
    )
    return replace(
        told,
        model=out,
        answer=None,
        before=None,
        kept=told.kept if goes_on else "",
        parts=told.parts if goes_on else (),
        continuing=False,
        turns=told.turns + first,
        numbered=told.numbered + first,
        retries=told.retries + (not first),
        failures=0 if first else told.failures,
    )


def _completed(state: State, event: ModelCompleted, _: int) -> State:
    before = Conversation(
        messages=state.messages,
        digest=state.digest,
        context_bound=state.context_bound,
        last_text=state.last_text,
    )
    said = say(state, "assistant", event.parts)
    calls = tuple(
        CallState(
            call=part.call,
            spec=state.spec.offered(part.tool),
            tool=part.tool,
            provider_id=part.provider_id,
            arguments=part.arguments,
        )
        for part in event.parts
        if isinstance(part, CallPart)
    )
    text = "".join(part.text for part in event.parts if isinstance(part, TextPart))
    asked = state.favourite if state.model is None else state.model.model
    return replace(
        said,
        model=None,
        favourite=asked,
        failures=0,
        calls=calls,
        before=before,
        parts=(*state.parts, event.usage.output),
        last_text=state.kept + text if text else state.last_text,
        stop=event.stop,
        usage=state.usage + event.usage,
        cost=state.cost + event.cost,
    )


def _failed(state: State, event: ModelFailed, at_ms: int) -> State:
    usage = state.usage if event.usage is None else state.usage + event.usage
    model, lost = state.model, state.lost
    if model is not None:
        tried = model.tried if event.kind == "in_doubt" else (*model.tried, model.model)
        breaks = model.breaks + (event.kind == "stream_broken")
        if loses(event.kind):
            lost = (*lost, model.model)
        model = replace(model, retry_at_ms=at_ms, tried=tried, breaks=breaks, failed_by=event.kind)
    return replace(
        state,
        model=model,
        lost=lost,
        failures=state.failures + 1,
        usage=usage,
        cost=state.cost + event.cost,
    )


def _retry(state: State, event: RetryPlanned, _: int) -> State:
    if state.model is None:
        raise StoreCorrupt(f"{state.run}: a retry is planned for no model call")
    return replace(state, model=replace(state.model, retry_at_ms=event.at_ms))


def _drifted(state: State, event: ModelDrifted, _: int) -> State:
    return replace(state, drifted=(*state.drifted, (event.asked, event.answered)))


def _escalated(state: State, event: OutputEscalated, _: int) -> State:
    """The cut answer was never said; the turn it took is given back."""
    before = state.before
    if before is None:
        raise StoreCorrupt(f"{state.run}: a limit is raised, and no answer was cut")
    return replace(
        state,
        messages=before.messages,
        digest=before.digest,
        context_bound=before.context_bound,
        last_text=before.last_text,
        before=None,
        parts=state.parts[:-1],
        continuing=len(state.parts) > 1,
        calls=(),
        turns=state.turns - 1,
        output_limit=event.max_output_tokens,
        stop="",
    )


def _continued(state: State, event: ContinuationAsked, _: int) -> State:
    """Text that is asked to go on is kept, and what follows is a part of the same answer."""
    if not event.text:  # a turn that paused: the same message goes on
        return replace(state, stop="", continuing=True)
    kept = replace(state, kept=state.last_text, continuing=True)
    return say(kept, "user", (TextPart(text=event.text, origin=RUNTIME),))


def _wrapping(state: State, event: WrapUpAsked, _: int) -> State:
    said = say(with_results(state), "user", (TextPart(text=event.text, origin=RUNTIME),))
    return replace(said, wrapping=True)


MODEL_FOLDS: dict[str, Callable[..., State]] = {
    "ModelRequested": _requested,
    "ModelCompleted": _completed,
    "ModelFailed": _failed,
    "RetryPlanned": _retry,
    "ModelDrifted": _drifted,
    "OutputEscalated": _escalated,
    "ContinuationAsked": _continued,
    "WrapUpAsked": _wrapping,
}
