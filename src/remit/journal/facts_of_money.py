"""Facts about limited accounts: warned, refused, set by an operator."""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.clean import Clean
from remit.values.tag import tag


class BudgetWarned(Fact):
    """An account, or the clock, has passed 80 % of its limit."""

    type: Literal["BudgetWarned"] = tag("BudgetWarned")
    account: str
    used: int
    limit: int


class CostAlerted(Fact):
    """What was spent has passed the amount at which somebody wants to be told; nothing stops."""

    type: Literal["CostAlerted"] = tag("CostAlerted")
    account: str
    used: int
    limit: int


class BudgetRefused(Fact):
    """A hold did not fit under a limit: nothing was sent."""

    type: Literal["BudgetRefused"] = tag("BudgetRefused")
    call: str
    account: str
    needed: int
    available: int
    limit: int
    plan: str = ""
    """The plan that sets this limit, where one does."""
    resets_ms: int | None = None
    """When the account's next window begins."""


class BudgetSet(Fact):
    """An operator set the limit of an account, or with None gave it back to what is declared.

    It stands in the book of the account's holder, and holds at once, also for runs under way.
    """

    type: Literal["BudgetSet"] = tag("BudgetSet")
    account: str
    limit: int | None
    principal: str
    reason: Clean = Clean("")
