"""What a holder's book comes to: what was paid for, what it entitles to, and what follows of it.

Events arrive twice, late and in any order. Each thing that was paid for is a set of registers, and
of two facts about one register the later (by the provider's clock) counts, whichever came first.
So every order of arrival leads to the same plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from remit.journal.events import Event
from remit.journal.facts_of_plans import (
    PaymentIgnored,
    PaymentReceived,
    PlanAssigned,
    PlanLowered,
    PlanRaised,
)
from remit.policy.plan import Plans

_FOR_EVER = 1 << 62  # later than any clock: what is cancelled stays so
_NEVER = -1

# Of two facts of one second (Stripe's clock ticks no finer) the more certain counts: nothing
# becomes `incomplete` again, and what failed was paid after it failed, not before.
_STATUS_RANK = {
    "incomplete": 0,
    "past_due": 1,
    "unpaid": 2,
    "paused": 3,
    "trialing": 4,
    "active": 5,
}
_MONEY_RANK = {"failed": 0, "paid": 1, "refunded": 2, "disputed": 3, "dispute_won": 4}
_OVER = ("canceled", "incomplete_expired")
_RUNS = ("trialing", "active")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What a register says, as of when; the greater of two counts."""

    at_ms: int = _NEVER
    rank: int = 0
    value: str = ""
    grace_until_ms: int = 0


UNSET = Mark()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A subscription, or something paid for once, and what is known of it."""

    recurring: bool
    customer: str = ""
    plan: Mark = UNSET
    """By the subscription itself."""
    billed: Mark = UNSET
    """By its bills and its checkout: counts where the subscription itself has not spoken."""
    status: Mark = UNSET
    money: Mark = UNSET

    @property
    def sold(self) -> str:
        """The plan it is for; empty where none is known."""
        return self.plan.value or self.billed.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything a holder's book says about plans."""

    claims: Mapping[str, Claim] = field(default_factory=dict)
    charges: Mapping[str, tuple[Mark, str]] = field(default_factory=dict)
    """Payments that were refunded or disputed: the mark, and the customer (may be unknown)."""
    seen: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    assigned: str = ""
    """The plan an operator gave by hand."""
    told: str = ""
    """The plan that was journalled last; empty while it is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitled:
    """The plan of a holder at an instant.

    until_ms: when a grace ends on which it rests. undeclared: a paid plan that the settings lack.
    """

    plan: str
    until_ms: int | None = None
    undeclared: str = ""


def standing_of(events: Iterable[Event]) -> Standing:
    """The standing after all facts of a book; facts about other things are passed over."""
    standing = Standing()
    for event in events:
        standing = _fold(standing, event)
    return standing


def _fold(standing: Standing, event: Event) -> Standing:
    match event:
        case PaymentReceived():
            after = replace(standing, seen=standing.seen | {_key(event)})
            return _entered(after, event)
        case PaymentIgnored():
            return replace(standing, ignored=standing.ignored | {f"{event.event}|{event.reason}"})
        case PlanAssigned():
            return replace(standing, assigned=event.plan)
        case PlanRaised() | PlanLowered():
            return replace(standing, told=event.plan)
        case _:
            return standing


def _key(event: PaymentReceived) -> str:
    return f"{event.provider}:{event.event}"


def has_seen(standing: Standing, event: PaymentReceived) -> bool:
    """This event was entered before."""
    return _key(event) in standing.seen


def _entered(standing: Standing, event: PaymentReceived) -> Standing:
    if event.meaning in ("refunded", "disputed", "dispute_won") and not event.subscription:
        return _charged(standing, event)
    name = event.subscription or event.payment
    if event.meaning not in _CLAIMS or not name:
        return standing
    known = standing.claims.get(name) or Claim(recurring=bool(event.subscription))
    claim = replace(known, customer=max(known.customer, event.customer))
    return replace(standing, claims={**standing.claims, name: _marked(claim, event)})


_CLAIMS = ("subscribed", "paid", "bought", "failed", "refunded", "disputed", "dispute_won")


def _charged(standing: Standing, event: PaymentReceived) -> Standing:
    name = event.payment or event.charge
    mark = Mark(event.created_ms, _MONEY_RANK[event.meaning], event.meaning)
    old, customer = standing.charges.get(name, (UNSET, ""))
    entry = (max(old, mark), max(customer, event.customer))
    return replace(standing, charges={**standing.charges, name: entry})


def _marked(claim: Claim, event: PaymentReceived) -> Claim:
    at_ms = event.created_ms
    if event.meaning == "subscribed":
        over = event.status in _OVER
        rank = _STATUS_RANK.get(event.status, 0)
        mark = Mark(_FOR_EVER if over else at_ms, rank, event.status, event.grace_until_ms)
        sold = Mark(at_ms, 0, event.plan) if event.plan else UNSET
        return replace(claim, status=max(claim.status, mark), plan=max(claim.plan, sold))
    paid = event.meaning in ("paid", "bought")
    value = "paid" if paid else event.meaning
    money = Mark(at_ms, _MONEY_RANK[value], value, event.grace_until_ms)
    claim = replace(claim, money=max(claim.money, money))
    if not paid:
        return claim
    sold = Mark(at_ms, 0, event.plan) if event.plan else UNSET
    runs = Mark(at_ms, _STATUS_RANK["active"], "active")
    return replace(claim, billed=max(claim.billed, sold), status=max(claim.status, runs))


# ---------------------------------------------------------------- what it entitles to


def _money_of(standing: Standing, name: str, claim: Claim) -> Mark:
    """The latest about the money, charges that name no subscription included.

    A charge that belongs to nothing paid for once is one of a subscription of its customer.
    """
    marks = [claim.money]
    for charge, (mark, customer) in standing.charges.items():
        same = not customer or not claim.customer or customer == claim.customer
        if charge == name or (claim.recurring and same and charge not in standing.claims):
            marks.append(mark)
    return max(marks)


def _ended(standing: Standing, name: str, claim: Claim, now_ms: int) -> tuple[str, int | None]:
    """Why a claim entitles to nothing (empty if it does), and until when a grace keeps it."""
    status, money = claim.status, _money_of(standing, name, claim)
    if status.value in _OVER:
        return "cancelled", None
    if money.value in ("refunded", "disputed"):
        return money.value, None
    graces = []
    if claim.recurring and status.value == "past_due":
        graces.append(status.grace_until_ms)
    elif status.value not in _RUNS:
        return "payment-failed" if status.value == "unpaid" else "cancelled", None
    if money.value == "failed":
        graces.append(money.grace_until_ms)
    if not graces:
        return "", None
    until_ms = min(graces)
    return ("", until_ms) if now_ms < until_ms else ("payment-failed", None)


def entitled(standing: Standing, plans: Plans, now_ms: int) -> Entitled:
    """The holder's plan now: one given by hand, else the highest paid for, else the default."""
    if standing.assigned:
        known = plans.find(standing.assigned) is not None
        return Entitled(
            plan=standing.assigned if known else plans.default,
            undeclared="" if known else standing.assigned,
        )
    best, until_ms, undeclared = plans.default, None, ""
    for name, claim in sorted(standing.claims.items()):
        why, grace_ms = _ended(standing, name, claim, now_ms)
        if why or not claim.sold:
            continue
        if plans.find(claim.sold) is None:
            undeclared = claim.sold
        elif plans.rank(claim.sold) > plans.rank(best):
            best, until_ms = claim.sold, grace_ms
        elif claim.sold == best and until_ms is not None:
            until_ms = None if grace_ms is None else max(until_ms, grace_ms)
    return Entitled(plan=best, until_ms=until_ms, undeclared=undeclared)


# ---------------------------------------------------------------- what follows


def on_payment(
    standing: Standing, received: PaymentReceived, plans: Plans, now_ms: int
) -> tuple[Event, ...]:
    """The facts a payment leads to: itself, and a change of the plan; none if it came before."""
    if has_seen(standing, received):
        return ()
    after = _fold(standing, received)
    return (received, *changes(after, plans, now_ms, event=received.event))


def on_assignment(
    standing: Standing, assigned: PlanAssigned, plans: Plans, now_ms: int
) -> tuple[Event, ...]:
    """The facts that an operator's word leads to. Raises `ConfigError` for an unknown plan."""
    if assigned.plan:
        plans.get(assigned.plan)
    after = _fold(standing, assigned)
    return (assigned, *changes(after, plans, now_ms, reason="set"))


def changes(
    standing: Standing, plans: Plans, now_ms: int, *, event: str = "", reason: str = ""
) -> tuple[Event, ...]:
    """That the plan is another than was told last: raised, or lowered with the reason."""
    was, now = standing.told or plans.default, entitled(standing, plans, now_ms).plan
    if was == now:
        return ()
    if plans.rank(now) > plans.rank(was):
        return (PlanRaised(plan=now, previous=was, reason=reason or "paid", event=event),)
    why = reason or _why_lower(standing, was, now_ms)
    return (PlanLowered(plan=now, previous=was, reason=why, event=event),)


def _why_lower(standing: Standing, was: str, now_ms: int) -> str:
    """Why nothing entitles to the plan `was` any more."""
    reasons = [
        _ended(standing, name, claim, now_ms)[0]
        for name, claim in sorted(standing.claims.items())
        if was in (claim.sold, claim.billed.value)
    ]
    return next((why for why in reasons if why), "downgraded")
