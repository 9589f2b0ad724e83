"""What a priced tool call reserves, what its outcome came to, and what is taken back of it."""

from typing import TypeVar

from remit.journal.events import (
    Hold,
    InputRequested,
    Post,
    ProbeCompleted,
    ToolCompleted,
    ToolFailed,
    ToolResolved,
    ToolUnknown,
)
from remit.machine.affording import accounts_now
from remit.machine.draft import Draft
from remit.machine.state import CallState
from remit.values.account import is_rate, unit_of

_Outcome = ToolCompleted | ToolFailed | ToolUnknown | InputRequested
OutcomeT = TypeVar("OutcomeT", ToolCompleted, ToolFailed, ToolUnknown, InputRequested, _Outcome)
SaidT = TypeVar("SaidT", ProbeCompleted, ToolResolved)

# Failures of a call that was cut: what it cost until then, and after, nobody heard.
_CUT = frozenset({"timeout", "cancelled"})


def tool_holds(draft: Draft, call: CallState) -> tuple[Hold, ...]:
    """What a call reserves: the most it can cost, on the accounts that count money."""
    price = 0 if call.spec is None else call.spec.price_nano
    if price == 0:
        return ()
    return tuple(
        Hold(account=known.account, amount=price, limit=known.limit)
        for known in accounts_now(draft)
        if unit_of(known.account) == "nano"
    )


def settle_call(call: CallState, fact: OutcomeT) -> OutcomeT:
    """The outcome of an attempt with what it cost; nothing of that where the tool has no price."""
    spec = call.spec
    if call.status != "released" or spec is None or spec.price_nano == 0:
        if call.status == "released" and call.holds:
            return fact.model_copy(update={"posts": _posts(call, fact, 0)})
        return fact if fact.charged is None else fact.model_copy(update={"charged": None})
    nano, assumed = _came_to(fact, spec.price_nano, reports=spec.reports_price)
    settled: dict[str, object] = {
        "cost": nano,
        "posts": _posts(call, fact, nano),
        "over_hold": nano > spec.price_nano,
    }
    if assumed:
        settled["assumed"] = True
    return fact.model_copy(update=settled)


def _posts(call: CallState, fact: _Outcome, nano: int) -> tuple[Post, ...]:
    """What comes on each account; a call that certainly did not begin counts on no rate.

    Of one that reports its price, nought may also be what it cost.
    """
    reports = call.spec is not None and call.spec.reports_price
    began = int(reports or fact.charged != 0)
    return tuple(
        Post(account=hold.account, amount=began if is_rate(hold.account) else nano)
        for hold in call.holds
    )


def _came_to(fact: _Outcome, price: int, *, reports: bool) -> tuple[int, bool]:
    """Nano-dollars, and whether they are only assumed.

    Whether a call that failed was billed depends on who bills; so it counts, as one that answered.
    """
    said = fact.charged
    if isinstance(fact, InputRequested):
        return said or 0, False  # it asked before it changed anything
    if said == 0:
        return 0, False
    if isinstance(fact, ToolUnknown) or (isinstance(fact, ToolFailed) and fact.kind in _CUT):
        return max(price, said or 0), True
    return (price, reports) if said is None else (said, False)


def taken_back(call: CallState, fact: SaidT) -> SaidT:
    """The word that a call did not happen, with what was assumed of it as negative entries."""
    if not call.assumed_cost:
        return fact
    posts = tuple(Post(account=post.account, amount=-post.amount) for post in call.assumed)
    return fact.model_copy(update={"cost": -call.assumed_cost, "posts": posts})
