"""Stripe events for tests, shaped as the API of today and of before 2025-03-31 shapes them."""

import json
from itertools import count

_NUMBERS = count(1)


def event(kind: str, thing: dict[str, object], *, at_s: int, number: int | None = None) -> bytes:
    """The body of a webhook."""
    tree = {
        "id": f"evt_{number or next(_NUMBERS)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": at_s,
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    return json.dumps(tree).encode()


def session(**changes: object) -> dict[str, object]:
    """A finished checkout of a subscription, by a payment link."""
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "amount_total": 2000,
        "client_reference_id": None,
        "currency": "usd",
        "customer": "cus_1",
        "mode": "subscription",
        "payment_intent": None,
        "payment_link": "plink_pro",
        "payment_status": "paid",
        "status": "complete",
        "subscription": "sub_1",
        **changes,
    }


def subscription(
    status: str = "active", price: str = "price_pro", **changes: object
) -> dict[str, object]:
    """A subscription with one item."""
    item = {"id": "si_1", "price": {"id": price, "product": f"prod_of_{price}"}, "quantity": 1}
    return {
        "id": "sub_1",
        "object": "subscription",
        "cancel_at_period_end": False,
        "customer": "cus_1",
        "items": {"object": "list", "data": [item]},
        "metadata": {},
        "status": status,
        **changes,
    }


def invoice(price: str = "price_pro", **changes: object) -> dict[str, object]:
    """A bill, as of today."""
    details = {"price": price, "product": f"prod_of_{price}"}
    line = {"amount": 2000, "pricing": {"type": "price_details", "price_details": details}}
    parent = {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "metadata": {}},
    }
    return {
        "id": "in_1",
        "object": "invoice",
        "amount_due": 2000,
        "amount_paid": 2000,
        "currency": "usd",
        "customer": "cus_1",
        "lines": {"object": "list", "data": [line]},
        "parent": parent,
        **changes,
    }


def old_invoice(price: str = "price_pro") -> dict[str, object]:
    """A bill, as before 2025-03-31."""
    credit = {"amount": -900, "price": {"id": "price_old", "product": "prod_old"}}
    line = {"amount": 2000, "price": {"id": price, "product": f"prod_of_{price}"}}
    return {
        "id": "in_1",
        "object": "invoice",
        "amount_paid": 2000,
        "charge": "ch_1",
        "currency": "usd",
        "customer": "cus_1",
        "lines": {"data": [credit, line, {"amount": 5, "price": None}]},
        "parent": None,
        "payment_intent": "pi_1",
        "subscription": "sub_1",
    }


def charge(**changes: object) -> dict[str, object]:
    """A charge."""
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 2000,
        "amount_refunded": 0,
        "currency": "usd",
        "customer": "cus_1",
        "payment_intent": "pi_1",
        "refunded": False,
        **changes,
    }


def dispute(status: str = "needs_response") -> dict[str, object]:
    """A dispute of that charge."""
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 2000,
        "charge": "ch_1",
        "currency": "usd",
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": status,
    }
