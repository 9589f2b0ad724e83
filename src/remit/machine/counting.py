"""Asking the provider how long a request is, where the bound by bytes may hold too much.

A byte bound is three to five times what a text has in tokens. By choice of the agent the provider
is asked for its number: `when-short`, only where the bound's hold does not fit, or `always`. A
count is an intent of its own, released before the model call and made at most once for each
request; one that fails or is slow leaves the bound as it is.
"""

from remit.journal.events import CountRequested, InputCounted
from remit.machine.draft import Draft
from remit.machine.inputs import Input
from remit.machine.state import Count, ModelCall, State
from remit.values.ids import call_id

# Providers answer within a fraction of a second; a turn must not wait longer for a better number.
COUNT_MS = 5_000
# Anthropic calls its count an estimate that real use may differ from "by a small amount". A
# twentieth and a frame more (see `remit.values.bound`) covers what was seen; beyond it the real
# cost is posted in full and flagged.
_MARGIN_PERCENT = 5
_MARGIN_TOKENS = 64


def counted_bound(bound: int, tokens: int) -> int:
    """Tokens to hold for: the count with its margin, not above the bound by bytes.

    A count above the bound is believed: then the bound was wrong.
    """
    margin = -(-tokens * _MARGIN_PERCENT // 100) + _MARGIN_TOKENS
    return max(tokens, min(bound, tokens + margin))


def held_input(told: State, call: str, model: str, bound: int) -> int:
    """The input tokens to hold for: by count where this very request was counted, else `bound`."""
    count = told.count
    if count is None or count.tokens is None or not _is_of(told, count, call, model):
        return bound
    return counted_bound(bound, count.tokens)


def may_count(told: State, call: str, model: str, *, short: bool) -> bool:
    """Whether the provider is to be asked first. `short`: the bound's hold does not fit."""
    how = told.spec.input_count
    wanted = how == "always" or (how == "when-short" and short)
    return wanted and (told.count is None or not _is_of(told, told.count, call, model))


def _is_of(told: State, count: Count, call: str, model: str) -> bool:
    return (count.call, count.model, count.digest) == (call, model, told.digest)


def counted_for(state: State, again: ModelCall | None) -> str:
    """The model by which the next request was counted; empty where it was not."""
    call = call_id(state.numbered + 1) if again is None else again.call
    count = state.count
    return count.model if count is not None and count.call == call else ""


def request_count(draft: Draft, call: str, model: str, messages: int) -> None:
    """Ask the provider."""
    until_ms = min(draft.world.now_ms + COUNT_MS, draft.state.deadline_ms)
    draft.add(CountRequested(call=call, model=model, messages=messages, until_ms=until_ms))


def is_counted(state: State) -> bool:
    """The next model call was counted: what is left to do is to ask the model."""
    count = state.count
    return count is not None and not count.waits and count.call == call_id(state.numbered + 1)


def on_counted(draft: Draft, fact: InputCounted, _given: Input) -> None:
    """The provider counted, or did not; a count that nobody waits for is dropped."""
    if draft.state.counting == fact.call:
        draft.add(fact)
