"""Each Stripe event that says something about a plan is read, in old and new shapes."""

import json
from dataclasses import replace

import pytest
import stripe

from remit.errors import WebhookRefused
from remit.values.payment import Payment
from remit.wire.webhook.stripe_payment import read_payment
from remit.wire.webhook.stripe_signature import sign
from tests.wire.webhook.stripe_events import (
    charge,
    dispute,
    event,
    invoice,
    old_invoice,
    session,
    subscription,
)

AT_S = 1_795_000_000
PRO = ("price_pro", "prod_of_price_pro")


def read(kind: str, thing: dict[str, object]) -> Payment:
    body = event(kind, thing, at_s=AT_S, number=7)
    # The official package takes it for one of its own.
    secret = "whsec_" + "a" * 32
    found = stripe.Webhook.construct_event(body, sign(body, [secret], 2**40), secret)
    assert found.type == kind
    payment = read_payment(body)
    assert (payment.provider, payment.event, payment.kind) == ("stripe", "evt_7", kind)
    assert payment.created_ms == AT_S * 1000
    return payment


@pytest.mark.requirement("BIL-3")
def test_a_checkout_ties_the_payer_to_our_reference() -> None:
    found = read("checkout.session.completed", session(client_reference_id="our-ref"))
    assert (found.meaning, found.reference, found.sold) == ("paid", "our-ref", ("plink_pro",))
    assert found.refs == ("sub_1", "cus_1")
    assert found.home == "sub_1"
    assert (found.amount, found.currency) == (2000, "usd")


@pytest.mark.parametrize(
    ("kind", "changes", "meaning", "payment"),
    [
        ("completed", {"payment_status": "unpaid"}, "noted", "pi_1"),
        ("completed", {"mode": "setup", "payment_intent": None}, "noted", "cs_test_1"),
        ("completed", {"payment_status": "no_payment_required"}, "bought", "pi_1"),
        ("async_payment_succeeded", {}, "bought", "pi_1"),
        ("async_payment_failed", {"payment_status": "unpaid"}, "failed", "pi_1"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_a_checkout_without_subscription(
    kind: str, changes: dict[str, object], meaning: str, payment: str
) -> None:
    once = {"mode": "payment", "subscription": None, "payment_intent": {"id": "pi_1"}, **changes}
    found = read(f"checkout.session.{kind}", session(**once))
    assert (found.meaning, found.payment) == (meaning, payment)
    assert found.home == "cus_1"


def test_the_lines_of_a_checkout_are_read_where_they_stand() -> None:
    lines = {"data": [{"price": {"id": "price_pro", "product": "prod_of_price_pro"}}]}
    found = read("checkout.session.completed", session(line_items=lines, payment_link=None))
    assert found.sold == PRO


@pytest.mark.parametrize("kind", ["created", "updated", "paused", "resumed"])
def test_a_subscription_is_as_its_status_says(kind: str) -> None:
    found = read(f"customer.subscription.{kind}", subscription("past_due"))
    assert (found.meaning, found.status, found.sold) == ("subscribed", "past_due", PRO)
    assert found.refs == ("sub_1", "cus_1")


def test_a_deleted_subscription_is_cancelled_whatever_it_says() -> None:
    found = read("customer.subscription.deleted", subscription("active"))
    assert found.status == "canceled"


def test_a_subscription_may_carry_our_reference_itself() -> None:
    thing = subscription(metadata={"remit_reference": "our-ref"})
    assert read("customer.subscription.created", thing).reference == "our-ref"


@pytest.mark.parametrize("thing", [invoice(), old_invoice()], ids=["today", "before"])
def test_a_bill_names_its_subscription(thing: dict[str, object]) -> None:
    found = read("invoice.paid", thing)
    assert (found.meaning, found.subscription, found.sold) == ("paid", "sub_1", PRO)
    assert found.amount == 2000
    assert read("invoice.payment_succeeded", thing).meaning == "paid"
    assert read("invoice.payment_failed", thing).meaning == "failed"


def test_a_bill_without_subscription_says_nothing_about_plans() -> None:
    assert read("invoice.paid", invoice(parent=None)).meaning == "noted"
    bare: dict[str, object] = {"id": "in_1", "lines": {"data": [{"amount": 1}]}}
    assert read("invoice.paid", bare).refs == ()


def test_money_that_went_back() -> None:
    whole = read("charge.refunded", charge(refunded=True, amount_refunded=2000))
    assert (whole.meaning, whole.payment, whole.charge) == ("refunded", "pi_1", "ch_1")
    part = read("charge.refunded", charge(amount_refunded=5))
    assert (part.meaning, part.amount) == ("partly_refunded", 5)
    assert read("charge.refunded", charge(refunded=None)).meaning == "partly_refunded"
    assert read("charge.succeeded", charge()).meaning == "noted"


@pytest.mark.parametrize(
    ("kind", "status", "meaning"),
    [
        ("created", "needs_response", "disputed"),
        ("created", "warning_needs_response", "noted"),
        ("closed", "lost", "disputed"),
        ("closed", "won", "dispute_won"),
        ("closed", "warning_closed", "noted"),
        ("funds_reinstated", "under_review", "dispute_won"),
    ],
)
def test_a_dispute_names_the_charge_only(kind: str, status: str, meaning: str) -> None:
    found = read(f"charge.dispute.{kind}", dispute(status))
    assert (found.meaning, found.refs) == (meaning, ("pi_1", "ch_1"))
    assert found.home == "pi_1"
    assert replace(found, payment="").home == "ch_1"


@pytest.mark.requirement("BIL-3")
def test_a_type_that_says_nothing_about_plans_is_no_error() -> None:
    body = event("radar.early_fraud_warning.created", {"anything": [1]}, at_s=AT_S)
    assert read_payment(body).meaning == "unknown"
    assert read_payment(event("some.new_thing", {}, at_s=AT_S)).refs == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b"[]", "should be an object"),
        (b"\xff", "not UTF-8"),
        (b"{}", "type: Field required"),
        (b'{"type":"A B"}', "type: Input should match"),
        (b'{"type":"x","id":"evt 1"}', "id: Input should match"),
        (b'{"type":"x","id":"e","created":-1}', "created: Input should be greater"),
        (b'{"type":"invoice.paid","id":"e","created":1}', "data: Field required"),
    ],
    ids=range(8),
)
def test_what_is_no_event_is_refused_with_its_place(body: bytes, message: str) -> None:
    with pytest.raises(WebhookRefused, match=message) as caught:
        read_payment(body)
    assert caught.value.reason == "malformed"


def test_ids_that_are_none_are_refused() -> None:
    for thing in ({**subscription(), "customer": "a|b"}, {**subscription(), "id": ""}):
        with pytest.raises(WebhookRefused, match="Input should match"):
            read_payment(event("customer.subscription.updated", thing, at_s=AT_S))


def test_only_so_many_prices_are_kept() -> None:
    items = [{"price": {"id": f"price_{number}", "product": None}} for number in range(200)]
    thing = subscription(items={"data": items})
    assert len(read("customer.subscription.updated", thing).sold) == 64
    assert json.loads(event("x", {}, at_s=1))["type"] == "x"
