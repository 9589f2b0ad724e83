"""What a triage ends with: the structured answer that every run of the helpdesk gives."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["answered", "refunded", "declined", "escalated", "duplicate", "ignored"]
Category = Literal[
    "delivery",
    "damaged",
    "returned",
    "charged-twice",
    "cancel",
    "address",
    "invoice",
    "question",
    "safety",
    "legal",
    "security",
    "complaint",
    "spam",
    "other",
]
Language = Literal["en", "de", "fr", "es", "it"]
"""The languages in which the desk writes."""
Reason = Literal["damaged", "not-delivered", "returned", "charged-twice"]
"""What money is given back for."""


class Triage(BaseModel):
    """How a ticket was dealt with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    category: Category
    note: Annotated[str, Field(max_length=300)] = ""
    """One sentence for the next person who reads the ticket, without personal data."""
