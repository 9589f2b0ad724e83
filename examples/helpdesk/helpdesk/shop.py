"""The shop as one ticket sees it: what its sender wrote and bought, in the ticket's own tenant."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from remit import ToolError

SCHEMA = Path(__file__).with_name("schema.sql")
_BUSY_S = 10.0  # another writer is done in milliseconds
_FOUND = 10  # tickets a model can make use of


@dataclass(frozen=True, slots=True)
class Ticket:
    """A mail that came in; `customer` is empty where the sender is none of the shop's."""

    ticket: str
    sender: str
    customer: str
    name: str
    subject: str
    body: str
    received: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """Another ticket of the same sender."""

    ticket: str
    subject: str
    received: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; the price is that of one piece."""

    article: str
    quantity: int
    price: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order with what was paid for it and what can still be refunded, in euros."""

    order: str
    ordered_on: str
    state: str
    state_since: str
    items: tuple[Item, ...]
    payments: tuple[str, ...]
    refunded: str
    refundable: str


class Asked(Protocol):
    """Who asks: a call, or a hook that looks at one."""

    @property
    def tenant(self) -> str:
        """The shop."""
        ...

    @property
    def session(self) -> str:
        """The ticket."""
        ...


class Shop:
    """The database of all tenants. Every method is told the tenant and the ticket by the runtime.

    A run's session is its ticket. No text that a model writes names either, so none can reach past
    the sender of the ticket.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    @contextmanager
    def open(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection; with `writing` one transaction that nobody else writes in between."""
        url = f"{Path(self._path).resolve().as_uri()}?mode=rw"  # never makes an empty shop
        base = sqlite3.connect(url, uri=True, timeout=_BUSY_S, isolation_level=None)
        base.row_factory = sqlite3.Row
        try:
            base.execute("PRAGMA foreign_keys = ON")
            base.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            yield base
            base.execute("COMMIT")
        finally:
            base.close()  # what was not committed is rolled back

    def check(self) -> None:
        """Raises where there is no shop."""
        with self.open() as base:
            base.execute("SELECT 1 FROM tickets LIMIT 1")

    def ticket(self, call: Asked) -> Ticket:
        """The ticket of this run. Raises `ToolError` if it is none of this tenant's."""
        with self.open() as base:
            return _ticket(base, call)

    def search(self, call: Asked, words: str) -> list[Earlier]:
        """Earlier tickets of the same sender with these words in subject or text."""
        with self.open() as base:
            ticket = _ticket(base, call)
            rows = base.execute(
                "SELECT id, subject, received FROM tickets WHERE tenant = ? AND sender = ?"
                " AND received < ? AND instr(lower(subject || ' ' || body), lower(?)) > 0"
                " ORDER BY received DESC LIMIT ?",
                (call.tenant, ticket.sender, ticket.received, words, _FOUND),
            ).fetchall()
        return [Earlier(row["id"], row["subject"], row["received"]) for row in rows]

    def orders(self, call: Asked) -> list[Order]:
        """The orders of the ticket's sender, the newest first."""
        with self.open() as base:
            ticket = _ticket(base, call)
            rows = base.execute(
                "SELECT id FROM orders WHERE tenant = ? AND customer = ?"
                " ORDER BY ordered_on DESC, id LIMIT ?",
                (call.tenant, ticket.customer, _FOUND),
            ).fetchall()
            return [read_order(base, call, row["id"]) for row in rows]

    def order(self, call: Asked, order: str) -> Order:
        """An order of the ticket's sender. Raises `ToolError` for any other, as if it were not."""
        with self.open() as base:
            return read_order(base, call, order)

    def names_others(self, call: Asked, text: str) -> bool:
        """Whether a text names a customer of this shop who is not the ticket's sender."""
        with self.open() as base:
            ticket = _ticket(base, call)
            row = base.execute(
                "SELECT 1 FROM customers WHERE tenant = ? AND email <> ? AND name <> ?"
                " AND instr(lower(?), lower(name)) > 0 LIMIT 1",
                (call.tenant, ticket.sender, ticket.name, text),
            ).fetchone()
        return row is not None

    def article(self, call: Asked, topic: str, language: str) -> str:
        """What the shop tells its customers about a topic."""
        with self.open() as base:
            row = base.execute(
                "SELECT text FROM articles WHERE tenant = ? AND topic = ? AND language = ?",
                (call.tenant, topic, language),
            ).fetchone()
        if row is None:
            raise ToolError(f"there is no article about {topic!r} in {language!r}")
        return str(row["text"])


def _ticket(base: sqlite3.Connection, call: Asked) -> Ticket:
    row = base.execute(
        "SELECT t.*, c.id AS customer, c.name FROM tickets t LEFT JOIN customers c"
        " ON c.tenant = t.tenant AND c.email = t.sender WHERE t.tenant = ? AND t.id = ?",
        (call.tenant, call.session),
    ).fetchone()
    if row is None:
        raise ToolError(f"there is no ticket {call.session!r}")
    return Ticket(
        ticket=row["id"],
        sender=row["sender"],
        customer=row["customer"] or "",
        name=row["name"] or "",
        subject=row["subject"],
        body=row["body"],
        received=row["received"],
    )


def read_order(base: sqlite3.Connection, call: Asked, order: str) -> Order:
    """An order of the sender, within a transaction. Raises `ToolError` where it is not theirs."""
    sender = _ticket(base, call)
    key = (call.tenant, order)
    row = base.execute(
        "SELECT * FROM orders WHERE tenant = ? AND id = ? AND customer = ?", (*key, sender.customer)
    ).fetchone()
    if row is None:
        raise ToolError(f"the sender of this ticket has no order {order!r}")
    items = base.execute(
        "SELECT * FROM items WHERE tenant = ? AND order_id = ? ORDER BY line", key
    ).fetchall()
    paid = base.execute(
        "SELECT amount_cents FROM payments WHERE tenant = ? AND order_id = ? ORDER BY number", key
    ).fetchall()
    (back,) = base.execute(
        "SELECT coalesce(sum(amount_cents), 0) FROM refunds"
        " WHERE tenant = ? AND order_id = ? AND state = 'booked'",
        key,
    ).fetchone()
    return Order(
        order=order,
        ordered_on=row["ordered_on"],
        state=row["state"],
        state_since=row["state_since"],
        items=tuple(Item(i["article"], i["quantity"], euros(i["price_cents"])) for i in items),
        payments=tuple(euros(each["amount_cents"]) for each in paid),
        refunded=euros(back),
        refundable=euros(sum(each["amount_cents"] for each in paid) - back),
    )


def euros(cents: int) -> str:
    """An amount as it is written: `49.90`."""
    return f"{Decimal(cents) / 100:.2f}"
