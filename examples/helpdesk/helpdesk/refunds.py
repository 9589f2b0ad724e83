"""Refunds: booked once for a call, looked for after a crash, cancelled until paid out."""

import sqlite3
from dataclasses import dataclass
from decimal import Decimal

from helpdesk.shop import Order, Shop, euros, read_order
from remit import Call, HookedCall, Preview, ToolError


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund that stands in the books."""

    refund: int
    order: str
    amount: str
    state: str


class Refunds:
    """The one way to a refund. Nothing here asks anybody: that is the remit's part."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def state(self, order: str, amount: Decimal) -> str:
        """What an approval depends on: refunds of the order since then ask again."""
        with self._shop.open() as base:
            (booked,) = base.execute(
                "SELECT count(*) FROM refunds WHERE order_id = ? AND state = 'booked'", (order,)
            ).fetchone()
        return f"{order} {amount} {booked}"

    def preview(self, call: HookedCall, order: str, amount: Decimal) -> Preview:
        """The order before and after the refund, for whoever is asked to agree to it.

        Raises `ToolError` for what `book` would refuse: nobody is asked about that.
        """
        with self._shop.open() as base:
            found = read_order(base, call, order)
        before = {
            "order": order,
            "state": f"{found.state} since {found.state_since}",
            "items": ", ".join(f"{item.quantity} {item.article}" for item in found.items),
            "paid": " + ".join(found.payments),
            "refunded": found.refunded,
            "refundable": found.refundable,
        }
        after = before | {
            "refunded": f"{Decimal(found.refunded) + amount:.2f}",
            "refundable": f"{_left(found, amount):.2f}",
        }
        note = f"books a refund of {amount:.2f} euros, by the way it was paid"
        return Preview.record(f"order {order}", before, after, note=note)

    def find(self, call: Call) -> Refund | None:
        """The refund that this call has booked; None if it certainly has not."""
        with self._shop.open() as base:
            return _of_call(base, call)

    def book(self, call: Call, order: str, amount: Decimal, reason: str) -> Refund:
        """Book a refund, once however often the call is tried.

        Raises `ToolError` for another customer's order and for more than is left of what was paid.
        """
        cents = int(amount * 100)
        with self._shop.open(writing=True) as base:
            known = _of_call(base, call)
            if known is not None:
                return known
            found = read_order(base, call, order)
            _left(found, amount)
            base.execute(
                "INSERT INTO refunds (tenant, order_id, ticket, amount_cents, reason, agreed_by,"
                " key) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(call.tenant, order, call.session, cents, reason),
                    *(" ".join(call.approved_by), call.idempotency_key),
                ),
            )
            booked = _of_call(base, call)
        if booked is None:  # it was inserted in this transaction
            raise ToolError(f"the refund of {order} was not kept; try again")
        return booked

    def cancel(self, call: Call, refund: int) -> Refund:
        """Cancel a refund of this tenant; one that is cancelled stays so. Raises `ToolError`."""
        with self._shop.open(writing=True) as base:
            base.execute(
                "UPDATE refunds SET state = 'cancelled' WHERE tenant = ? AND id = ?",
                (call.tenant, refund),
            )
            row = base.execute(
                "SELECT * FROM refunds WHERE tenant = ? AND id = ?", (call.tenant, refund)
            ).fetchone()
        if row is None:
            raise ToolError(f"there is no refund {refund}")
        return _refund(row)


def _left(order: Order, amount: Decimal) -> Decimal:
    """What can still be refunded after `amount` was. Raises `ToolError` for too much."""
    left = Decimal(order.refundable) - amount
    if left < 0:
        raise ToolError(
            f"{amount} is more than the {order.refundable} that can be refunded of {order.order}"
        )
    return left


def _of_call(base: sqlite3.Connection, call: Call) -> Refund | None:
    row = base.execute(
        "SELECT * FROM refunds WHERE tenant = ? AND key = ?", (call.tenant, call.idempotency_key)
    ).fetchone()
    return None if row is None else _refund(row)


def _refund(row: sqlite3.Row) -> Refund:
    return Refund(row["id"], row["order_id"], euros(row["amount_cents"]), row["state"])
