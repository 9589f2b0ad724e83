"""A payment event in the words of Remit, whoever the payment provider is."""

from dataclasses import dataclass
from typing import Literal

Meaning = Literal[
    "subscribed",
    "paid",
    "bought",
    "failed",
    "refunded",
    "partly_refunded",
    "disputed",
    "dispute_won",
    "noted",
    "unknown",
]
"""subscribed: a subscription is as `status` says; paid: a bill of a subscription was paid; bought:
something was paid for once; failed: a payment failed; refunded, partly_refunded: money went back;
disputed: the payer's bank takes it back; dispute_won: it did not; noted: it only says who belongs
to what; unknown: of a type that says nothing about plans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a payment provider told, not yet attributed to anybody.

    created_ms: when it happened there; events may arrive in another order.
    reference: what our checkout link carried. sold: ids of prices, products and payment links.
    """

    provider: str
    event: str
    kind: str
    created_ms: int
    meaning: Meaning
    status: str = ""
    reference: str = ""
    subscription: str = ""
    payment: str = ""
    charge: str = ""
    customer: str = ""
    sold: tuple[str, ...] = ()
    amount: int = 0
    """In the smallest unit of the currency."""
    currency: str = ""

    @property
    def refs(self) -> tuple[str, ...]:
        """The provider's ids by which later events can be attributed, the most telling first."""
        found = (self.subscription, self.payment, self.charge, self.customer)
        return tuple(ref for ref in found if ref)

    @property
    def home(self) -> str:
        """The id that waits for being attributed; the events of one checkout share it."""
        return self.subscription or self.customer or self.payment or self.charge
