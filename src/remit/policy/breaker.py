"""A circuit breaker as a transition table: who fails often is left alone, and tried again later.

The pattern is Michael Nygard's ("Release It!", 2007): closed lets calls through, open refuses them,
half-open lets one through to see. One breaker stands for a model or a tool; its time is handed in.
"""

from dataclasses import dataclass, replace
from typing import Literal

Position = Literal["closed", "open", "half_open"]
Unwell = Literal["open", "half_open"]
"""The positions that others need to know of."""
Signal = Literal["succeeded", "failed", "tripped", "cooled"]
"""succeeded, failed: a call ended; tripped: one failure too many; cooled: open for long enough."""

TABLE: dict[tuple[Position, Signal], Position] = {
    ("closed", "succeeded"): "closed",
    ("closed", "failed"): "closed",
    ("closed", "tripped"): "open",
    ("open", "succeeded"): "open",  # the late answer of a call that began before
    ("open", "failed"): "open",
    ("open", "tripped"): "open",
    ("open", "cooled"): "half_open",
    ("half_open", "succeeded"): "closed",
    ("half_open", "failed"): "open",
    ("half_open", "tripped"): "open",
}

# Failures in a row, as many as no busy hour of a healthy provider shows.
TRIP_AFTER = 3
COOL_MS = 15_000
# An outage that lasts is looked at every five minutes: late enough to be no load, soon enough to
# come back to the first choice.
COOL_CAP_MS = 300_000


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where one breaker stands."""

    position: Position = "closed"
    failures: int = 0
    """In a row."""
    opened_ms: int = 0
    trips: int = 0
    """How often it opened without having closed since."""
    since_ms: int = 0
    """When it opened first without having closed since."""

    @property
    def cools_ms(self) -> int:
        """How long it stays open: twice as long each time."""
        return min(COOL_CAP_MS, COOL_MS << min(self.trips - 1, 8)) if self.trips else 0


CLOSED = Breaker()


def looked_at(breaker: Breaker, now_ms: int) -> Breaker:
    """The breaker as it stands now: one that was open for long enough is half-open."""
    if breaker.position == "open" and now_ms >= breaker.opened_ms + breaker.cools_ms:
        return replace(breaker, position=TABLE[breaker.position, "cooled"])
    return breaker


def heard(breaker: Breaker, *, good: bool, fatal: bool = False, now_ms: int) -> Breaker:
    """The breaker after a call ended.

    `fatal`: no second failure is needed (a wrong key, a model that does not exist any more).
    """
    now = looked_at(breaker, now_ms)
    if good:
        after = TABLE[now.position, "succeeded"]
        return CLOSED if after == "closed" else now
    failures = now.failures + 1
    trips = fatal or failures >= TRIP_AFTER or now.position == "half_open"
    after = TABLE[now.position, "tripped" if trips else "failed"]
    if after == "open" and now.position != "open":
        return Breaker("open", failures, now_ms, now.trips + 1, now.since_ms or now_ms)
    return replace(now, failures=failures)
