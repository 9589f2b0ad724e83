"""Every fact the journal can hold: frozen, versioned, in one discriminated union.

An event is in the past tense. `*Requested` events are intents: nothing outside happens before one
is durable. Text from outside is `Clean`. Fields that keep their default are not stored.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from remit.journal.fact import (
    AccountLimit,
    Hold,
    Post,
)
from remit.journal.facts_of_bills import (
    AssumptionCorrected,
    ReconciliationFailed,
    ReconciliationFinished,
)
from remit.journal.facts_of_humans import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    InboxIgnored,
    InputReceived,
    InputRequested,
)
from remit.journal.facts_of_models import (
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RetryPlanned,
)
from remit.journal.facts_of_money import BudgetRefused, BudgetSet, BudgetWarned, CostAlerted
from remit.journal.facts_of_plans import (
    PayerLinked,
    PaymentIgnored,
    PaymentReceived,
    PlanAssigned,
    PlanChanged,
    PlanLowered,
    PlanRaised,
    PlanRefused,
)
from remit.journal.facts_of_runs import (
    CancelRequested,
    CheckCompleted,
    CheckRequested,
    ClockPaused,
    ClockResumed,
    RunEnded,
    RunRecovered,
    RunStarted,
    RunStopping,
    RuntimeSaid,
)
from remit.journal.facts_of_tools import (
    CallJudged,
    ProbeCompleted,
    ProbeRequested,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolFailed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)

__all__ = [
    "EVENT",
    "AccountLimit",
    "ApprovalDenied",
    "ApprovalExpired",
    "ApprovalGiven",
    "ApprovalRequested",
    "AssumptionCorrected",
    "BudgetRefused",
    "BudgetSet",
    "BudgetWarned",
    "CallJudged",
    "CancelRequested",
    "CheckCompleted",
    "CheckRequested",
    "ClockPaused",
    "ClockResumed",
    "CostAlerted",
    "Event",
    "Hold",
    "InboxIgnored",
    "InputReceived",
    "InputRequested",
    "Intent",
    "ModelCompleted",
    "ModelFailed",
    "ModelRequested",
    "PayerLinked",
    "PaymentIgnored",
    "PaymentReceived",
    "PlanAssigned",
    "PlanChanged",
    "PlanLowered",
    "PlanRaised",
    "PlanRefused",
    "Post",
    "ProbeCompleted",
    "ProbeRequested",
    "ReconciliationFailed",
    "ReconciliationFinished",
    "RetryPlanned",
    "RunEnded",
    "RunRecovered",
    "RunStarted",
    "RunStopping",
    "RuntimeSaid",
    "SubrunEnded",
    "SubrunRequested",
    "ToolCompleted",
    "ToolFailed",
    "ToolQueued",
    "ToolRequested",
    "ToolResolved",
    "ToolUnknown",
]

Event = Annotated[
    RunStarted
    | RunRecovered
    | CancelRequested
    | RunStopping
    | ClockPaused
    | ClockResumed
    | RuntimeSaid
    | CheckRequested
    | CheckCompleted
    | RunEnded
    | ModelRequested
    | ModelCompleted
    | ModelFailed
    | RetryPlanned
    | CallJudged
    | ToolQueued
    | ToolRequested
    | ToolCompleted
    | ToolFailed
    | ToolUnknown
    | ProbeRequested
    | ProbeCompleted
    | ToolResolved
    | SubrunRequested
    | SubrunEnded
    | ApprovalRequested
    | ApprovalGiven
    | ApprovalDenied
    | ApprovalExpired
    | InputRequested
    | InputReceived
    | InboxIgnored
    | BudgetWarned
    | BudgetRefused
    | BudgetSet
    | ReconciliationFinished
    | ReconciliationFailed
    | AssumptionCorrected
    | CostAlerted
    | PlanChanged
    | PlanRefused
    | PlanRaised
    | PlanLowered
    | PlanAssigned
    | PaymentReceived
    | PaymentIgnored
    | PayerLinked,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

Intent = ModelRequested | ToolRequested | SubrunRequested | ProbeRequested | CheckRequested
"""Events that ask the shell to do something outside."""
