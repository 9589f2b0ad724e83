"""Holds and posts stand in events; this reads them out for the store and the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass

from remit.journal.events import (
    AssumptionCorrected,
    Event,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    ToolCompleted,
    ToolFailed,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.values.account import resolve

_HOLDS = (ModelRequested, ToolRequested)
_POSTS = (ModelCompleted, ModelFailed, ToolCompleted, ToolFailed, ToolUnknown, InputRequested)
_CORRECTS = (ProbeCompleted, ToolResolved)


@dataclass(frozen=True, slots=True)
class HoldLine:
    """Reserve `amount` on `account` if posted + held + amount stays within `limit`."""

    hold: str
    account: str
    amount: int
    limit: int


@dataclass(frozen=True, slots=True)
class PostLine:
    """Release the hold on `account` and enter `amount` as used."""

    hold: str
    account: str
    amount: int


def hold_id(run: str, call: str, attempt: int) -> str:
    """The name of a call's hold, the same on every replay."""
    return f"{run}:{call}:{attempt}"


def booking_id(run: str, call: str) -> str:
    """The name of what a call that waits for its rates has booked; it waits for one at a time."""
    return f"{run}:{call}:booked"


def correction_id(run: str, call: str) -> str:
    """The name under which what was assumed of a tool call is taken back; no hold is named so."""
    return f"{run}:{call}:absent"


def transfers(run: str, events: Iterable[Event]) -> tuple[list[HoldLine], list[PostLine]]:
    """The holds and posts of the events of `run`, in order, on accounts by their full names."""
    holds: list[HoldLine] = []
    posts: list[PostLine] = []
    for event in events:
        if isinstance(event, _HOLDS):
            name = hold_id(run, event.call, event.attempt)
            holds += [
                HoldLine(name, resolve(h.account, run), h.amount, h.limit) for h in event.holds
            ]
        elif isinstance(event, ToolPostponed):
            name = booking_id(run, event.call)
            holds += [HoldLine(name, h.account, h.amount, h.limit) for h in event.holds]
        elif isinstance(event, ToolQueued):
            name = booking_id(run, event.call)
            posts += [PostLine(name, post.account, post.amount) for post in event.posts]
        elif isinstance(event, _POSTS):
            name = hold_id(run, event.call, event.attempt)
            posts += [PostLine(name, resolve(p.account, run), p.amount) for p in event.posts]
        elif isinstance(event, _CORRECTS):
            name = correction_id(run, event.call)
            posts += [PostLine(name, resolve(p.account, run), p.amount) for p in event.posts]
        elif isinstance(event, AssumptionCorrected):
            # Its hold went with the assumed post: this one only adds.
            name = hold_id(event.run, event.call, event.attempt)
            posts += [PostLine(name, post.account, post.amount) for post in event.posts]
    return holds, posts
