"""Facts about plans: who has which, what was paid for it, and what a run was refused for it."""

from typing import Literal

from remit.journal.fact import AccountLimit, Fact
from remit.values.clean import Clean
from remit.values.payment import Meaning
from remit.values.tag import tag


class PlanTerms(Fact):
    """A plan as a run has it: patterns of what it includes, and the accounts it limits."""

    name: str
    number: int = 0
    """How many facts its holder's book had: terms with a lower number are older."""
    models: tuple[str, ...] = ("*",)
    agents: tuple[str, ...] = ("*",)
    tools: tuple[str, ...] = ("*",)
    accounts: tuple[AccountLimit, ...] = ()


class PlanChanged(Fact):
    """The holder of a run under way has another plan now; its terms hold from here on."""

    type: Literal["PlanChanged"] = tag("PlanChanged")
    plan: PlanTerms


class PlanRefused(Fact):
    """A model or an agent is outside the plan: nothing was sent."""

    type: Literal["PlanRefused"] = tag("PlanRefused")
    plan: str
    what: Literal["model", "agent"]
    name: str


class PaymentReceived(Fact):
    """A payment event whose signature was right, for the holder in whose book it stands.

    In a book of a payer whom nobody has claimed yet it waits for its holder.
    """

    type: Literal["PaymentReceived"] = tag("PaymentReceived")
    provider: str
    event: str
    kind: str
    created_ms: int
    meaning: Meaning
    status: str = ""
    subscription: str = ""
    payment: str = ""
    charge: str = ""
    customer: str = ""
    plan: str = ""
    """The plan that was sold, by the prices of the settings; empty where it names none."""
    grace_until_ms: int = 0
    """After a payment that failed: until when the plan is kept."""
    amount: int = 0
    """In the smallest unit of the currency."""
    currency: str = ""


class PaymentIgnored(Fact):
    """A payment event whose signature was right, and that changes nothing."""

    type: Literal["PaymentIgnored"] = tag("PaymentIgnored")
    provider: str
    event: str
    kind: str
    reason: Clean


class PayerLinked(Fact):
    """A payer of the provider is this holder; later events name only the payer."""

    type: Literal["PayerLinked"] = tag("PayerLinked")
    tenant: str
    holder: str
    """With its scope: `user:ann`."""


class PlanRaised(Fact):
    """The holder has a higher plan from now on."""

    type: Literal["PlanRaised"] = tag("PlanRaised")
    plan: str
    previous: str
    reason: str
    """paid, or set (by an operator)."""
    event: str = ""
    """The payment event that led to it."""


class PlanLowered(Fact):
    """The holder has a lower plan from now on."""

    type: Literal["PlanLowered"] = tag("PlanLowered")
    plan: str
    previous: str
    reason: str
    """downgraded, cancelled, payment-failed, refunded, disputed, or set."""
    event: str = ""


class PlanAssigned(Fact):
    """An operator gave the holder a plan by hand; empty: what was paid counts again."""

    type: Literal["PlanAssigned"] = tag("PlanAssigned")
    plan: str
    principal: str
    reason: Clean = Clean("")
