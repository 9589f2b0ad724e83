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
from remit.journal.facts_of_access import (
    KeyIssued,
    KeyRevoked,
    KeyUsed,
    PasswordSet,
    SessionEnded,
    SessionOpened,
    UserBarred,
    UserGranted,
)
from remit.journal.facts_of_bills import (
    AssumptionCorrected,
    ReconciliationFailed,
    ReconciliationFinished,
)
from remit.journal.facts_of_counts import CountRequested, InputCounted
from remit.journal.facts_of_humans import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    ApprovalsDelegated,
    CallRecalled,
    InboxIgnored,
    InputReceived,
    InputRequested,
    NoticeFailed,
)
from remit.journal.facts_of_models import (
    ContinuationAsked,
    ModelCompleted,
    ModelDrifted,
    ModelFailed,
    ModelRequested,
    ModelSwitched,
    OutputEscalated,
    RetryPlanned,
    WrapUpAsked,
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
from remit.journal.facts_of_requests import RequestAccepted
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
from remit.journal.facts_of_servers import ServerToolAccepted, ServerToolStopped
from remit.journal.facts_of_switches import TargetSwitched
from remit.journal.facts_of_tools import (
    CallJudged,
    HookAnswered,
    PeersAborted,
    ProbeCompleted,
    ProbeRequested,
    ResultHooked,
    StandInInspected,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolDegraded,
    ToolDelayed,
    ToolFailed,
    ToolPostponed,
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
    "ApprovalsDelegated",
    "AssumptionCorrected",
    "BudgetRefused",
    "BudgetSet",
    "BudgetWarned",
    "CallJudged",
    "CallRecalled",
    "CancelRequested",
    "CheckCompleted",
    "CheckRequested",
    "ClockPaused",
    "ClockResumed",
    "ContinuationAsked",
    "CostAlerted",
    "CountRequested",
    "Event",
    "Hold",
    "HookAnswered",
    "InboxIgnored",
    "InputCounted",
    "InputReceived",
    "InputRequested",
    "Intent",
    "KeyIssued",
    "KeyRevoked",
    "KeyUsed",
    "ModelCompleted",
    "ModelDrifted",
    "ModelFailed",
    "ModelRequested",
    "ModelSwitched",
    "NoticeFailed",
    "OutputEscalated",
    "PasswordSet",
    "PayerLinked",
    "PaymentIgnored",
    "PaymentReceived",
    "PeersAborted",
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
    "RequestAccepted",
    "ResultHooked",
    "RetryPlanned",
    "RunEnded",
    "RunRecovered",
    "RunStarted",
    "RunStopping",
    "RuntimeSaid",
    "ServerToolAccepted",
    "ServerToolStopped",
    "SessionEnded",
    "SessionOpened",
    "StandInInspected",
    "SubrunEnded",
    "SubrunRequested",
    "TargetSwitched",
    "ToolCompleted",
    "ToolDegraded",
    "ToolDelayed",
    "ToolFailed",
    "ToolPostponed",
    "ToolQueued",
    "ToolRequested",
    "ToolResolved",
    "ToolUnknown",
    "UserBarred",
    "UserGranted",
    "WrapUpAsked",
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
    | CountRequested
    | InputCounted
    | ModelSwitched
    | ModelDrifted
    | OutputEscalated
    | ContinuationAsked
    | WrapUpAsked
    | HookAnswered
    | CallJudged
    | ToolDegraded
    | StandInInspected
    | ToolQueued
    | ToolDelayed
    | ToolPostponed
    | ToolRequested
    | ToolCompleted
    | ToolFailed
    | PeersAborted
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
    | CallRecalled
    | InputRequested
    | InputReceived
    | ApprovalsDelegated
    | NoticeFailed
    | InboxIgnored
    | BudgetWarned
    | BudgetRefused
    | BudgetSet
    | ReconciliationFinished
    | ServerToolAccepted
    | ServerToolStopped
    | TargetSwitched
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
    | PayerLinked
    | KeyIssued
    | KeyUsed
    | KeyRevoked
    | UserGranted
    | PasswordSet
    | UserBarred
    | SessionOpened
    | SessionEnded
    | RequestAccepted,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

Intent = (
    ModelRequested
    | ToolRequested
    | SubrunRequested
    | ProbeRequested
    | CheckRequested
    | ToolDegraded
)
"""Events that ask the shell to do something outside."""
