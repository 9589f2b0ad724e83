"""The events of records one by one, each with its record's header and the cause it belongs to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from remit.journal.events import Event
from remit.journal.record import Body, Cause, Header

Pair = tuple[Header, Body]
"""A record as projections read it: what stands in clear, and the opened payload."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a run, decided for `cause`."""

    header: Header
    cause: Cause
    event: Event

    @property
    def time_ms(self) -> int:
        """When it was decided (Unix, ms)."""
        return self.cause.now_ms


def timeline(pairs: Iterable[Pair]) -> Iterator[Told]:
    """The events of these records, in their order."""
    for header, body in pairs:
        events = iter(body.events)
        for cause in body.causes:
            for event in islice(events, cause.count):
                yield Told(header, cause, event)


def by_run(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """The records of each run, runs in the order of their first record."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair[0].run, []).append(pair)
    return found
