"""Stripe's events, read as payments: what each type means for a plan, in old and new API versions.

Read as of API version 2026-10-28 and back to before 2025-03-31, which moved an invoice's
subscription and prices (docs.stripe.com/api/events, docs.stripe.com/changelog/basil).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from remit.errors import ProviderError, WebhookRefused
from remit.values.payment import Meaning, Payment
from remit.wire.node import Node

METADATA = "remit_reference"
"""Where a subscription made by other ways than a payment link may carry our reference."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_KIND = re.compile(r"[a-z0-9_.]{1,128}", re.ASCII)
_WORD = re.compile(r"[a-z_]{1,32}", re.ASCII)
_SECOND_MS = 1000
_MAX_SOLD = 64  # an event lists ten lines at most, each with a price and a product


def read_payment(body: bytes) -> Payment:
    """The payment of an event whose signature was right. Raises `WebhookRefused`.

    A type that says nothing about plans is `unknown`, never an error.
    """
    try:
        root = Node.of(body, kind="malformed", about="the Stripe event: ")
        kind = _text(root.get("type"), _KIND)
        plain = Payment(
            provider="stripe",
            event=_text(root.get("id"), _ID),
            kind=kind,
            created_ms=root.get("created").integer() * _SECOND_MS,
            meaning="unknown",
        )
        read = _READERS.get(kind)
        return plain if read is None else read(plain, root.get("data").get("object"))
    except ProviderError as exc:
        raise WebhookRefused(str(exc), reason="malformed") from None


# ---------------------------------------------------------------- one reader for each kind of thing


def _session(plain: Payment, thing: Node) -> Payment:
    """A checkout: it ties the payer to our reference."""
    subscription, bought_by = _id(thing, "subscription"), _id(thing, "payment_intent")
    unpaid = _word(thing, "payment_status") == "unpaid"
    meaning: Meaning = "paid" if subscription else "bought"
    if plain.kind.endswith("async_payment_failed"):
        meaning = "failed"
    elif unpaid or _word(thing, "mode") == "setup":
        meaning = "noted"  # a slow way to pay: `async_payment_succeeded` or `_failed` follows
    reference = thing.find("client_reference_id")
    return replace(
        plain,
        meaning=meaning,
        reference="" if reference is None else reference.text(),
        subscription=subscription,
        payment="" if subscription else bought_by or _text(thing.get("id"), _ID),
        customer=_id(thing, "customer"),
        sold=_sold([_id(thing, "payment_link"), *_prices(thing.find("line_items"))]),
        amount=thing.count("amount_total"),
        currency=_word(thing, "currency"),
    )


def _subscription(plain: Payment, thing: Node) -> Payment:
    """A subscription as it stands."""
    deleted = plain.kind.endswith(".deleted")
    return replace(
        plain,
        meaning="subscribed",
        status="canceled" if deleted else _word(thing, "status"),
        reference=_metadata(thing.find("metadata")),
        subscription=_text(thing.get("id"), _ID),
        customer=_id(thing, "customer"),
        sold=_sold(_prices(thing.find("items"))),
    )


def _invoice(plain: Payment, thing: Node) -> Payment:
    """A bill of a subscription; one without a subscription says nothing about plans."""
    parent = thing.find("parent")
    details = None if parent is None else parent.find("subscription_details")
    if details is None:  # until API version 2025-03-31
        subscription = _id(thing, "subscription")
        details = thing.find("subscription_details")
    else:
        subscription = _id(details, "subscription")
    failed = plain.kind.endswith("payment_failed")
    meaning: Meaning = "failed" if failed else "paid"
    return replace(
        plain,
        meaning=meaning if subscription else "noted",
        reference=_metadata(None if details is None else details.find("metadata")),
        subscription=subscription,
        charge=_id(thing, "charge"),
        customer=_id(thing, "customer"),
        sold=_sold(_prices(thing.find("lines"))),
        amount=thing.count("amount_due" if failed else "amount_paid"),
        currency=_word(thing, "currency"),
    )


def _charge(plain: Payment, thing: Node) -> Payment:
    """A charge: it ties a payment to its payer, and it is what money goes back from."""
    meaning: Meaning = "noted"
    amount = thing.count("amount")
    if plain.kind == "charge.refunded":
        whole = thing.find("refunded")
        meaning = "refunded" if whole is not None and whole.boolean() else "partly_refunded"
        amount = thing.count("amount_refunded")
    return replace(
        plain,
        meaning=meaning,
        payment=_id(thing, "payment_intent"),
        charge=_text(thing.get("id"), _ID),
        customer=_id(thing, "customer"),
        amount=amount,
        currency=_word(thing, "currency"),
    )


def _dispute(plain: Payment, thing: Node) -> Payment:
    """A dispute names no customer, only the charge; an inquiry (`warning_…`) takes no money."""
    status = _word(thing, "status")
    meaning: Meaning = "disputed"
    if status == "won" or plain.kind.endswith("funds_reinstated"):
        meaning = "dispute_won"
    elif status.startswith("warning_"):
        meaning = "noted"
    return replace(
        plain,
        meaning=meaning,
        status=status,
        payment=_id(thing, "payment_intent"),
        charge=_id(thing, "charge"),
        amount=thing.count("amount"),
        currency=_word(thing, "currency"),
    )


_READERS: dict[str, Callable[[Payment, Node], Payment]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "customer.subscription.created": _subscription,
    "customer.subscription.updated": _subscription,
    "customer.subscription.paused": _subscription,
    "customer.subscription.resumed": _subscription,
    "customer.subscription.deleted": _subscription,
    "invoice.paid": _invoice,
    "invoice.payment_succeeded": _invoice,
    "invoice.payment_failed": _invoice,
    "charge.succeeded": _charge,
    "charge.refunded": _charge,
    "charge.dispute.created": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
}


# ---------------------------------------------------------------- pieces


def _text(node: Node, form: re.Pattern[str]) -> str:
    text = node.text()
    if not form.fullmatch(text):
        raise node.fail(f"Input should match {form.pattern}")
    return text


def _id(node: Node, key: str) -> str:
    """The id of another thing, which may stand there as a whole; empty where there is none."""
    found = node.find(key)
    if found is None:
        return ""
    return _text(found.get("id") if isinstance(found.value, dict) else found, _ID)


def _word(node: Node, key: str) -> str:
    found = node.find(key)
    return "" if found is None else _text(found, _WORD)


def _metadata(node: Node | None) -> str:
    found = None if node is None else node.find(METADATA)
    return "" if found is None else found.text()


def _prices(items: Node | None) -> Iterator[str]:
    """The ids of prices and products in a list; what is credited for an old plan is no sale."""
    for line in () if items is None else items.get("data").items():
        amount = line.find("amount")
        if amount is not None and amount.json().startswith("-"):
            continue
        pricing = line.find("pricing")
        price = line.find("price") if pricing is None else pricing.find("price_details")
        if price is None:
            continue
        yield _id(price, "id") or _id(price, "price")
        yield _id(price, "product")


def _sold(ids: "list[str] | Iterator[str]") -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in ids if each))[:_MAX_SOLD]
