"""Folds of the facts about counting a request."""

from collections.abc import Callable

from remit.journal.events import CountRequested, InputCounted
from remit.machine.changing import replace
from remit.machine.conversation import with_results
from remit.machine.state import Count, State


def _requested(state: State, event: CountRequested, _: int) -> State:
    told = with_results(state)
    return replace(state, count=Count(call=event.call, model=event.model, digest=told.digest))


def _counted(state: State, event: InputCounted, _: int) -> State:
    if state.count is None:
        return state
    return replace(state, count=replace(state.count, tokens=event.tokens, waits=False))


COUNT_FOLDS: dict[str, Callable[..., State]] = {
    "CountRequested": _requested,
    "InputCounted": _counted,
}
