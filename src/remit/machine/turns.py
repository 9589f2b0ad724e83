"""Turns: when the model is asked again, what a request holds, and when the answer is there."""

import hashlib

from remit.journal.events import (
    ContinuationAsked,
    ModelRequested,
    RunStopping,
    RuntimeSaid,
    WrapUpAsked,
)
from remit.machine.affording import accounts_now, refuse_budget, rooms
from remit.machine.choosing import choose, say_switch
from remit.machine.conversation import answer_of, with_results
from remit.machine.counting import held_input, is_counted, may_count, request_count
from remit.machine.draft import Draft
from remit.machine.ending import conclude
from remit.machine.plans import refuse_outside
from remit.machine.spec import FINAL_TOOL
from remit.machine.state import ModelCall, State
from remit.policy.budget import OUTPUT_FLOOR_TOKENS, affordable_output, holds_for
from remit.policy.limits import diminishes
from remit.values.clean import Clean
from remit.values.ids import call_id

# Hex digits of a request's digest: it tells two requests of a run apart, the chain protects it.
_REQUEST_DIGEST = 16
# Streams of one call that may break before its answer is asked for whole.
_BREAKS = 2
_CONTINUE = (
    "Your answer was cut at its length limit. Go on exactly where it stopped; repeat nothing and "
    "add no introduction."
)
_WRAP_UP = (
    "The time for this task is nearly over, and no more tools can be called. Give the best answer "
    "you can from what you know now, briefly, and say what is missing."
)
# A model that only repeats refused calls is stopped after this many refusals.
_REPEATS_BEFORE_STOP = 3


def next_turn(draft: Draft) -> None:
    """All calls of the turn have their results: ask the model again, or conclude."""
    state = draft.state
    # What comes before a request was decided before its count, or before the answer it continues.
    if is_counted(state) or state.continuing:
        _request(draft, 1)
        return
    answer = answer_of(state)
    said = not state.calls and state.messages[-1].role == "assistant"
    whole = not said or state.stop not in ("pause", *_BROKEN)
    ready = state.passed is not None or (answer is not None and whole)
    if state.wrapping and said:
        draft.add(RunStopping(reason="deadline", detail=Clean.vouch("answered with what it had")))
    elif ready:
        conclude(draft, answer)
    elif not said:
        _request(draft, 1)
    elif state.stop == "pause" or state.stop in _BROKEN:
        _continue_or_stop(draft)
    else:
        text = f"Give your answer by calling {FINAL_TOOL}."
        draft.add(RuntimeSaid(text=Clean.vouch(text)))
        _request(draft, 1)


# Stops after which the text is no answer, and why the run ends then.
_BROKEN = {"max_tokens": "output-limit", "refusal": "model-refused"}


def _continue_or_stop(draft: Draft) -> None:
    """Let an answer that was cut or paused go on, as long as it gets on."""
    state = draft.state
    if state.stop == "refusal":
        draft.add(RunStopping(reason=_BROKEN[state.stop]))
        return
    cut = state.stop == "max_tokens"
    number = len(state.parts)
    if diminishes(state.parts):
        text = f"the last parts of the answer had {state.parts[-2]} and {state.parts[-1]} tokens"
        draft.add(RunStopping(reason="diminishing-returns", detail=Clean.vouch(text)))
        return
    # An answer of a type comes whole, through its tool, or not at all.
    if cut and (number > state.spec.limits.continuations or state.spec.output_schema is not None):
        draft.add(RunStopping(reason=_BROKEN[state.stop]))
        return
    text = _CONTINUE if cut else ""
    tokens = state.parts[-1] if state.parts else 0
    draft.add(
        ContinuationAsked(
            call=call_id(state.numbered), number=number, tokens=tokens, text=Clean.vouch(text)
        )
    )
    _request(draft, 1)


def retry_if_due(draft: Draft) -> None:
    """Ask again where a retry is planned and its time has come."""
    model = draft.state.model
    if model is None or model.retry_at_ms is None or draft.world.now_ms < model.retry_at_ms:
        return
    if draft.state.counting:
        return
    _request(draft, model.attempt + 1)


def input_bound(state: State) -> int:
    """Upper bound of the tokens the model will read (see `remit.values.bound`)."""
    return state.context_bound + state.spec_bound


def _request(draft: Draft, attempt: int) -> None:
    state, limits = draft.state, draft.state.spec.limits
    if attempt == 1 and state.turns >= limits.turns:
        draft.add(RunStopping(reason="turn-limit", detail=Clean.vouch(f"{limits.turns} turns")))
        return
    if state.repeated >= _REPEATS_BEFORE_STOP:
        draft.add(RunStopping(reason="repeating", detail=Clean.vouch("identical calls only")))
        return
    if refuse_outside(draft):
        return
    again = state.model if attempt > 1 else None
    model = choose(draft, again)
    if model is None:
        draft.add(RunStopping(reason="provider.none-left"))
        return
    _wrap_up_if_late(draft)
    _release(draft, attempt, model, again)


def _wrap_up_if_late(draft: Draft) -> None:
    """Ask for what the model has, while there is time left for it."""
    state = draft.state
    if not state.wrapping and state.soft_ms <= draft.world.now_ms < state.deadline_ms:
        draft.add(WrapUpAsked(text=Clean.vouch(_WRAP_UP)))


def _release(draft: Draft, attempt: int, model: str, again: ModelCall | None) -> None:
    state = draft.state
    call = call_id(state.numbered + 1) if again is None else again.call
    told = with_results(state)
    price, bound = state.price(model), held_input(told, call, model, input_bound(told))
    output = state.output_limit or state.spec.max_output_tokens
    accounts = accounts_now(draft)
    affords = affordable_output(rooms(draft), price, bound, output)
    if may_count(told, call, model, short=affords < output):
        request_count(draft, call, model, len(told.messages))
        return
    if draft.world.refused:
        least = min(OUTPUT_FLOOR_TOKENS, output)
        if affords < least or draft.world.last_try:
            refuse_budget(draft, call, holds_for(accounts, price, bound, least))
            return
        output = affords
    say_switch(draft, call, attempt, model, again)
    recipe = f"{state.spec_digest}|{model}|{output}".encode() + told.digest
    draft.add(
        ModelRequested(
            call=call,
            attempt=attempt,
            model=model,
            messages=len(told.messages),
            digest=hashlib.sha256(recipe).hexdigest()[:_REQUEST_DIGEST],
            max_output_tokens=output,
            input_bound=bound,
            holds=holds_for(accounts, price, bound, output),
            stream=again is None or again.breaks < _BREAKS,
            until_ms=None if state.wrapping else _soft(draft),
        )
    )


def _soft(draft: Draft) -> int | None:
    """Where time is kept back for a last answer, other answers are cut before that."""
    soft_ms = draft.state.soft_ms
    return soft_ms if draft.world.now_ms < soft_ms < draft.state.deadline_ms else None
