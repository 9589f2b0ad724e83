"""Replays a run step by step, from the journal alone: after each record, how the run then stood."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from remit.journal.record import Body, Header
from remit.machine.evolve import fold
from remit.machine.state import State
from remit.projections.timeline import Pair


@dataclass(frozen=True, slots=True)
class Step:
    """One record and the state after it."""

    header: Header
    body: Body
    state: State


def steps(state: State, pairs: Iterable[Pair]) -> Iterator[Step]:
    """The run from `state`, that before its first event, one record after the other.

    Raises `StoreCorrupt` for an event that cannot follow.
    """
    for header, body in pairs:
        state = fold(state, [body])
        yield Step(header, body, state)
