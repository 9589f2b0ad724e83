"""Payment events of any other biller, in a form of our own, signed as Standard Webhooks say.

{"type": "plan.paid", "timestamp": "2026-11-21T14:00:00Z",
 "data": {"reference": "…", "subscription": "sub-17", "sold": ["pro-monthly"]}}
"""

import re
from collections.abc import Mapping

from remit.errors import ProviderError, WebhookRefused
from remit.values.payment import Meaning, Payment
from remit.wire.failure import rfc3339_ms
from remit.wire.node import Node

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_KIND = re.compile(r"[a-z0-9_.]{1,128}", re.ASCII)
_MAX_SOLD = 64
_STATUSES = ("trialing", "active", "past_due", "unpaid", "paused", "canceled")

KINDS: Mapping[str, Meaning] = {
    "plan.changed": "subscribed",
    "plan.cancelled": "subscribed",
    "plan.paid": "paid",
    "plan.failed": "failed",
    "plan.refunded": "refunded",
    "plan.disputed": "disputed",
    "plan.dispute_won": "dispute_won",
}


def read_payment(body: bytes, event: str) -> Payment:
    """The payment of a webhook whose signature was right; `event` is its webhook-id.

    Another type is `unknown`, never an error. Raises `WebhookRefused` for what cannot be read.
    """
    try:
        root = Node.of(body, kind="malformed", about="the payment event: ")
        kind = _text(root.get("type"), _KIND)
        created_ms = _instant(root.get("timestamp"))
        if kind not in KINDS:
            return Payment(
                provider="standard",
                event=event,
                kind=kind,
                created_ms=created_ms,
                meaning="unknown",
            )
        return _payment(root.get("data"), event, kind, created_ms)
    except ProviderError as exc:
        raise WebhookRefused(str(exc), reason="malformed") from None


def _payment(node: Node, event: str, kind: str, created_ms: int) -> Payment:
    meaning, status = KINDS[kind], ""
    subscription = _optional(node, "subscription")
    if kind == "plan.cancelled":
        status = "canceled"
    elif meaning == "subscribed":
        status = node.get("status").text()
        if status not in _STATUSES:
            raise node.get("status").fail(f"Input should be one of {', '.join(_STATUSES)}")
    elif meaning == "paid" and not subscription:
        meaning = "bought"
    reference = node.find("reference")
    return Payment(
        provider="standard",
        event=event,
        kind=kind,
        created_ms=created_ms,
        meaning=meaning,
        status=status,
        reference="" if reference is None else reference.text(),
        subscription=subscription,
        payment=_optional(node, "payment"),
        customer=_optional(node, "customer"),
        sold=_sold(node.find("sold")),
    )


def _sold(node: Node | None) -> tuple[str, ...]:
    items = () if node is None else node.items()
    return tuple(_text(each, _ID) for each in items)[:_MAX_SOLD]


def _optional(node: Node, key: str) -> str:
    found = node.find(key)
    return "" if found is None else _text(found, _ID)


def _text(node: Node, form: re.Pattern[str]) -> str:
    text = node.text()
    if not form.fullmatch(text):
        raise node.fail(f"Input should match {form.pattern}")
    return text


def _instant(node: Node) -> int:
    at_ms = rfc3339_ms(node.text())
    if at_ms is None:
        raise node.fail("Input should be a time with its zone, such as 2026-11-21T14:00:00Z")
    return at_ms
