"""Checks one run's costs against what it started with: each is its usage times the price."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from remit.journal.events import (
    Event,
    Hold,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RunStarted,
    ToolCompleted,
    ToolFailed,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolUnknown,
)
from remit.journal.fact import Post
from remit.policy.budget import amount_of
from remit.projections.timeline import Pair, timeline
from remit.values.account import is_rate, unit_of
from remit.values.price import ModelPrice
from remit.values.usage import Usage

Fault = tuple[int, str]
"""The version of the record, and what does not fit in it."""


_OfModel = ModelCompleted | ModelFailed
_OfTool = ToolCompleted | ToolFailed | ToolUnknown | InputRequested


@dataclass(slots=True)
class _Run:
    prices: dict[str, ModelPrice] = field(default_factory=dict)
    models: dict[tuple[str, int], ModelRequested] = field(default_factory=dict)
    tools: dict[tuple[str, int], ToolRequested] = field(default_factory=dict)
    booked: dict[str, tuple[Hold, ...]] = field(default_factory=dict)
    """What calls that wait for their rates have booked."""


def faults(pairs: Iterable[Pair]) -> list[Fault]:
    """What does not fit in the records of one run, which must be whole.

    Recomputed from usage and the prices in `RunStarted`: the cost of each settled model call, and
    what it posted on each account it had reserved on. What was assumed must be its whole hold, and
    what a tool came to must be the same on every account. So the formula of a price is a part of
    the journal's format: another one needs a field that old prices do not have.
    """
    run = _Run()
    return [
        (told.header.version, what) for told in timeline(pairs) for what in _faults(run, told.event)
    ]


def _faults(run: _Run, event: Event) -> Iterator[str]:
    if isinstance(event, RunStarted):
        run.prices = {price.model: price for price in event.prices}
    elif isinstance(event, ModelRequested):
        run.models[event.call, event.attempt] = event
    elif isinstance(event, ToolRequested):
        run.tools[event.call, event.attempt] = event
    elif isinstance(event, ToolPostponed | ToolQueued):
        yield from _booking(run, event)
    elif isinstance(event, _OfModel):
        name = f"call {event.call}, attempt {event.attempt}"
        asked = run.models.pop((event.call, event.attempt), None)
        if asked is None:
            yield f"{name}: it was settled but never asked for"
            return
        price = run.prices.get(asked.model)
        if price is not None and isinstance(event, ModelCompleted):
            price = price.served(event.service_tier)
        yield from (f"{name}: {what}" for what in _call(asked, event, price))
    elif isinstance(event, _OfTool):
        released = run.tools.pop((event.call, event.attempt), None)
        holds = () if released is None else released.holds
        yield from (f"call {event.call}: {what}" for what in _tool(holds, event))


def _booking(run: _Run, event: ToolPostponed | ToolQueued) -> Iterator[str]:
    if isinstance(event, ToolPostponed):
        run.booked[event.call] = event.holds
        return
    booked = _by_account(run.booked.pop(event.call, ()))
    if dict.fromkeys(booked, 0) != _by_account(event.posts):
        yield f"call {event.call}: it gave back other places than it had booked"


def _tool(holds: Iterable[Hold], event: _OfTool) -> Iterator[str]:
    if sorted(post.account for post in event.posts) != sorted(hold.account for hold in holds):
        yield "it posted on other accounts than it had reserved on"
    elif any(post.amount not in (0, 1) for post in event.posts if is_rate(post.account)):
        yield "it counts more than once on a rate"
    elif any(post.amount != event.cost for post in event.posts if not is_rate(post.account)):
        yield f"it cost {event.cost} nano-dollars and posted another amount"


def _call(
    asked: ModelRequested, event: ModelCompleted | ModelFailed, price: ModelPrice | None
) -> Iterator[str]:
    holds, posts = _by_account(asked.holds), _by_account(event.posts)
    if sorted(each.account for each in event.posts) != sorted(holds):
        yield "it posted on other accounts than it had reserved on"
        return
    if isinstance(event, ModelFailed) and event.assumed:
        if posts != holds:
            yield "it was assumed, and posted another amount than its hold"
    elif _unsent(event) and not event.cost and not any(posts.values()):
        pass  # older versions counted it as a call
    elif event.usage is not None:
        yield from _priced(event, event.usage, posts, price)
    elif event.cost or any(posts.values()):
        yield f"it cost {event.cost} nano-dollars without usage and was not assumed"
    if isinstance(event, ModelCompleted):
        over = any(posts[name] > holds[name] for name in holds)
        if over != event.over_hold:
            yield f"above its hold: {over}, the record says {event.over_hold}"


def _unsent(event: ModelCompleted | ModelFailed) -> bool:
    """The call was released and then not made."""
    return isinstance(event, ModelFailed) and event.usage == Usage()


def _priced(
    event: ModelCompleted | ModelFailed,
    usage: Usage,
    posts: dict[str, int],
    price: ModelPrice | None,
) -> Iterator[str]:
    if price is None:
        yield "its model has no price in this run"
        return
    cost = price.cost(usage)
    if event.cost != cost:
        yield f"its usage costs {cost} nano-dollars, the record says {event.cost}"
    for name, amount in posts.items():
        expected = amount_of(name, cost, usage.total)
        if amount != expected:
            unit = unit_of(name)
            yield f"its usage comes to {expected} {unit} on {name}, it posted {amount}"


def _by_account(lines: Iterable[Hold | Post]) -> dict[str, int]:
    return {line.account: line.amount for line in lines}
