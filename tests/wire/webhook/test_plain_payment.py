"""Payment events of other billers are read from a form of our own."""

import json

import pytest

from remit.errors import WebhookRefused
from remit.values.payment import Payment
from remit.wire.webhook.plain_payment import read_payment

AT = "2026-11-21T14:00:00Z"


def read(kind: str, *, timestamp: str = AT, **data: object) -> Payment:
    body = json.dumps({"type": kind, "timestamp": timestamp, "data": data}).encode()
    return read_payment(body, "msg_1")


def test_a_paid_plan_is_a_subscription_or_bought_once() -> None:
    found = read("plan.paid", reference="ref", subscription="s1", customer="c1", sold=["pro"])
    assert found == Payment(
        provider="standard",
        event="msg_1",
        kind="plan.paid",
        created_ms=1_795_269_600_000,
        meaning="paid",
        reference="ref",
        subscription="s1",
        customer="c1",
        sold=("pro",),
    )
    assert read("plan.paid", payment="p1", sold=["pro"]).meaning == "bought"


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("plan.failed", "failed"),
        ("plan.refunded", "refunded"),
        ("plan.disputed", "disputed"),
        ("plan.dispute_won", "dispute_won"),
        ("plan.of.tomorrow", "unknown"),
    ],
)
def test_the_other_types(kind: str, meaning: str) -> None:
    assert read(kind, subscription="s1").meaning == meaning


def test_a_change_says_the_status() -> None:
    assert read("plan.changed", subscription="s1", status="past_due").status == "past_due"
    assert read("plan.cancelled", subscription="s1").status == "canceled"
    with pytest.raises(WebhookRefused, match=r"data\.status: Field required"):
        read("plan.changed", subscription="s1")
    with pytest.raises(WebhookRefused, match=r"data\.status: Input should be one of trialing"):
        read("plan.changed", subscription="s1", status="great")


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-11-21T14:00:00"])
def test_a_time_without_zone_is_refused(timestamp: str) -> None:
    with pytest.raises(WebhookRefused, match="timestamp: Input should"):
        read("plan.paid", timestamp=timestamp)


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(WebhookRefused, match=r"data\.customer: Input should match"):
        read("plan.paid", customer="a b")
