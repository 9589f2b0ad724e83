"""The rules by which the rule-based clerk decides, once it knows what is true in the shop."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from string import Template
from typing import Protocol, cast

from rehearsal.reading import Reading
from rehearsal.seed import phrases

_TEAMS = {
    "safety": "safety",
    "legal": "legal",
    "security": "security",
    "complaint": "care",
    "other": "care",
}
_DEFAULT_DAYS = 30  # where the prompt names no number
_DAYS = re.compile(r"within\s+(\d+)\s+days\s+of\s+delivery")


class Results(Protocol):
    """What the tools have said."""

    def failed(self, tool: str) -> str:
        """Why a call failed; empty if it did not."""
        ...

    def tree(self, tool: str) -> dict[str, object]:
        """The thing that a tool found."""
        ...

    def rows(self, tool: str) -> list[dict[str, object]]:
        """The list that a tool found."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done with a ticket: empty is nothing."""

    outcome: str
    note: str
    text: str = ""
    """The mail, or what stands before the article."""
    article: str = ""
    order: str = ""
    refund: str = ""
    reason: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule looks at."""

    reading: Reading
    order: Mapping[str, object]
    received: date
    return_days: int

    @property
    def number(self) -> str:
        """The order that the ticket is about."""
        return str(self.order.get("order", ""))

    @property
    def state(self) -> str:
        """That of the order."""
        return str(self.order.get("state", ""))

    def say(self, occasion: str, **more: str) -> str:
        """The sentence for an occasion in the sender's language."""
        text = phrases()[occasion][self.reading.language]
        return Template(text).substitute({"order": self.number, "amount": "", **more})


def plan_of(system: str, ticket: Mapping[str, object], reading: Reading, heard: Results) -> Plan:
    """What to do. The days for returns are those that the instructions name."""
    days = _DAYS.search(system)
    facts = Facts(
        reading=reading,
        order=_order(reading, heard),
        received=date.fromisoformat(str(ticket["received"])[:10]),
        return_days=int(days[1]) if days else _DEFAULT_DAYS,
    )
    plan = _first_look(facts, heard) or _RULES.get(reading.category, _team)(facts)
    return _after_refund(facts, plan, heard)


def _order(reading: Reading, heard: Results) -> Mapping[str, object]:
    """The order named, else the only one there is."""
    if reading.orders:
        return heard.tree("find_order")
    found = heard.rows("list_orders")
    return found[0] if len(found) == 1 else {}


def _first_look(facts: Facts, heard: Results) -> Plan | None:
    """What comes before what the ticket is about."""
    reading = facts.reading
    if reading.category == "spam":
        return Plan(outcome="ignored", note="Advertising.")
    if reading.orders and heard.failed("find_order"):
        text = facts.say("not-yours")
        return Plan(outcome="declined", note="It is no order of the sender.", text=text)
    if heard.rows("search_tickets"):
        note = f"Written before: {heard.rows('search_tickets')[-1]['ticket']}."
        return Plan(outcome="duplicate", note=note, text=facts.say("duplicate"))
    return None if reading.understood else _team(facts)


def _team(facts: Facts, team: str = "") -> Plan:
    named = team or _TEAMS[facts.reading.category]
    note = f"Handed to {named}: {facts.reading.category}."
    text = facts.say("escalated")
    return Plan(outcome="escalated", note=note, text=text, team=named, order=facts.number)


def _answer(facts: Facts, occasion: str, **more: str) -> Plan:
    text = facts.say(occasion, **more)
    return Plan(outcome="answered", note=f"Told: {occasion}.", text=text, order=facts.number)


def _refund(facts: Facts, amount: str, reason: str) -> Plan:
    text = facts.say("refunded", amount=amount)
    return Plan(
        outcome="refunded",
        note=f"Refunded: {reason}.",
        text=text,
        order=facts.number,
        refund=amount,
        reason=reason,
    )


def _after_refund(facts: Facts, plan: Plan, heard: Results) -> Plan:
    """What becomes of a plan whose refund was refused."""
    why = heard.failed("refund")
    if not (plan.refund and why):
        return plan
    if "refunds-large" in why:
        return replace(_team(facts, "billing"), refund=plan.refund, reason=plan.reason)
    note = "The refund was refused."
    return replace(plan, outcome="declined", note=note, text=facts.say("declined"))


# ---------------------------------------------------------------- by category


def _damaged(facts: Facts) -> Plan:
    if not facts.order:
        return _answer(facts, "which-order")
    since = date.fromisoformat(str(facts.order["state_since"]))
    late = (facts.received - since).days > facts.return_days
    if facts.state != "delivered" or late:
        return _team(facts, "care")
    return _refund(facts, str(facts.order["refundable"]), "damaged")


def _returned(facts: Facts) -> Plan:
    if not facts.order:
        return _answer(facts, "which-order")
    if facts.state != "returned":
        return _answer(facts, "no-return-yet")
    return _refund(facts, str(facts.order["refundable"]), "returned")


def _charged_twice(facts: Facts) -> Plan:
    if not facts.order:
        return _answer(facts, "which-order")
    payments = cast("list[str]", facts.order["payments"])
    twice = len(payments) > 1 and Decimal(str(facts.order["refundable"])) >= sum(
        Decimal(each) for each in payments
    )
    if not twice:
        return _answer(facts, "paid-once", amount=payments[0])
    return _refund(facts, payments[-1], "charged-twice")


def _change(facts: Facts) -> Plan:
    if facts.state == "processing":
        return _team(facts, "orders")
    return _answer(facts, "too-late" if facts.order else "which-order")


def _delivery(facts: Facts) -> Plan:
    if facts.state == "lost":
        return _refund(facts, str(facts.order["refundable"]), "not-delivered")
    known = {"shipped", "processing", "delivered"}
    return _answer(facts, facts.state if facts.state in known else "which-order")


def _invoice(_facts: Facts) -> Plan:
    return Plan(outcome="answered", note="Told where invoices are.", text=" ", article="invoice")


def _question(facts: Facts) -> Plan:
    topic = facts.reading.topic
    return Plan(outcome="answered", note=f"Told about {topic}.", text=" ", article=topic)


_RULES: Mapping[str, Callable[[Facts], Plan]] = {
    "damaged": _damaged,
    "returned": _returned,
    "charged-twice": _charged_twice,
    "cancel": _change,
    "address": _change,
    "delivery": _delivery,
    "invoice": _invoice,
    "question": _question,
}
