"""Turns: when the model is asked again, what a request holds, and when the answer is there."""

import hashlib

from remit.journal.events import ModelRequested, RunStopping, RuntimeSaid
from remit.machine.affording import accounts_now, refuse_budget, rooms
from remit.machine.conversation import answer_of, with_results
from remit.machine.draft import Draft
from remit.machine.ending import conclude
from remit.machine.plans import refuse_outside
from remit.machine.spec import FINAL_TOOL
from remit.machine.state import State
from remit.policy.budget import OUTPUT_FLOOR_TOKENS, affordable_output, holds_for
from remit.values.clean import Clean
from remit.values.ids import call_id

# Hex digits of a request's digest: it tells two requests of a run apart, the chain protects it.
_REQUEST_DIGEST = 16
# A model that only repeats refused calls is stopped after this many refusals.
_REPEATS_BEFORE_STOP = 3


def next_turn(draft: Draft) -> None:
    """All calls of the turn have their results: ask the model again, or conclude."""
    state = draft.state
    answer = answer_of(state)
    said = not state.calls and state.messages[-1].role == "assistant"
    whole = not said or state.stop not in ("pause", *_BROKEN)
    if state.passed is not None or (answer is not None and whole):
        conclude(draft, answer)
    elif not said or state.stop == "pause":
        _request(draft, 1)
    elif state.stop in _BROKEN:
        draft.add(RunStopping(reason=_BROKEN[state.stop]))
    else:
        text = f"Give your answer by calling {FINAL_TOOL}."
        draft.add(RuntimeSaid(text=Clean.vouch(text)))
        _request(draft, 1)


# Stops after which the text is no answer, and why the run ends then.
_BROKEN = {"max_tokens": "output-limit", "refusal": "model-refused"}


def retry_if_due(draft: Draft) -> None:
    """Ask again where a retry is planned and its time has come."""
    model = draft.state.model
    if model is None or model.retry_at_ms is None or draft.world.now_ms < model.retry_at_ms:
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
    call = call_id(state.numbered + 1) if again is None else again.call
    told = with_results(state)
    price, bound = state.price(), input_bound(told)
    output = state.spec.max_output_tokens
    accounts = accounts_now(draft)
    if draft.world.refused:
        least = min(OUTPUT_FLOOR_TOKENS, output)
        affords = affordable_output(rooms(draft), price, bound, output)
        if affords < least or draft.world.last_try:
            refuse_budget(draft, call, holds_for(accounts, price, bound, least))
            return
        output = affords
    recipe = f"{state.spec_digest}|{state.spec.model}|{output}".encode() + told.digest
    draft.add(
        ModelRequested(
            call=call,
            attempt=attempt,
            model=state.spec.model,
            messages=len(told.messages),
            digest=hashlib.sha256(recipe).hexdigest()[:_REQUEST_DIGEST],
            max_output_tokens=output,
            input_bound=bound,
            holds=holds_for(accounts, price, bound, output),
        )
    )
