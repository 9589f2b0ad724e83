"""Every fact the journal can hold: frozen, versioned, in one discriminated union.

An event is in the past tense. `*Requested` events are intents: nothing outside happens before one
is durable. Text from outside is `Clean`. Fields that keep their default are not stored.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from remit.values.clean import Clean
from remit.values.message import Part, TextPart
from remit.values.model import FailureKind, StopReason
from remit.values.price import ModelPrice
from remit.values.tag import tag
from remit.values.usage import Usage


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountLimit(_Fact):
    """A limited account that the calls of a run draw on; see `remit.values.account`."""

    account: str
    limit: int


class Hold(_Fact):
    """The worst case of one call, reserved on one account under its limit."""

    account: str
    amount: int = Field(ge=0)
    limit: int


class Post(_Fact):
    """Real use, entered on one account; it releases the call's hold there."""

    account: str
    amount: int


# ---------------------------------------------------------------- the run


class RunStarted(_Fact):
    """A run exists. `spec` is the digest of the agent's stored declaration."""

    type: Literal["RunStarted"] = tag("RunStarted")
    agent: str
    spec: str
    user: str
    session: str
    input: tuple[TextPart, ...]
    continues: str | None = None
    """The earlier run of the same session whose conversation goes on."""
    parent: str | None = None
    parent_call: str | None = None
    root: str
    depth: int = 0
    deadline_ms: int
    environment: Literal["dev", "ci", "production"] = "dev"
    prices: tuple[ModelPrice, ...] = ()
    accounts: tuple[AccountLimit, ...] = ()


class RunRecovered(_Fact):
    """Another driver took the run over; what had been released is in doubt."""

    type: Literal["RunRecovered"] = tag("RunRecovered")
    epoch: int
    in_doubt: tuple[str, ...] = ()


class CancelRequested(_Fact):
    """Someone asked that the run end."""

    type: Literal["CancelRequested"] = tag("CancelRequested")
    principal: str
    reason: Clean = Clean("")


class RunStopping(_Fact):
    """The run will end: nothing new is released, what is in flight is cut."""

    type: Literal["RunStopping"] = tag("RunStopping")
    reason: str
    detail: Clean = Clean("")


class CheckRequested(_Fact):
    """The success predicate of the remit is to be evaluated on the answer."""

    type: Literal["CheckRequested"] = tag("CheckRequested")
    call: str


class CheckCompleted(_Fact):
    """The predicate answered; an error or a timeout counts as no."""

    type: Literal["CheckCompleted"] = tag("CheckCompleted")
    call: str
    passed: bool
    detail: Clean = Clean("")


class RunEnded(_Fact):
    """The run is over. `output` is JSON text of the answer, kept partly when it was stopped."""

    type: Literal["RunEnded"] = tag("RunEnded")
    status: Literal["completed", "stopped"]
    reason: str
    detail: Clean = Clean("")
    output: Clean | None = None
    success: bool | None = None
    """The predicate's answer; None where the remit declares none."""
    turns: int = 0
    tool_calls: int = 0
    usage: Usage = Usage()
    cost: int = 0


# ---------------------------------------------------------------- model calls


class ModelRequested(_Fact):
    """A model call is released. The context is the first `messages` messages of the run's state."""

    type: Literal["ModelRequested"] = tag("ModelRequested")
    call: str
    attempt: int = 1
    model: str
    messages: int
    digest: str
    """Of the whole request: declaration, model, limits and messages."""
    max_output_tokens: int
    input_bound: int
    """Upper bound of the input in tokens."""
    holds: tuple[Hold, ...] = ()


class ModelCompleted(_Fact):
    """A model answered; `posts` settle the holds."""

    type: Literal["ModelCompleted"] = tag("ModelCompleted")
    call: str
    attempt: int = 1
    parts: tuple[Part, ...]
    stop: StopReason
    usage: Usage
    model: str
    provider_id: str = ""
    latency_ms: int = 0
    cost: int = 0
    posts: tuple[Post, ...] = ()
    over_hold: bool = False
    """The real cost was above the hold: the provider under-declared."""


class ModelFailed(_Fact):
    """A model call failed or is in doubt. `assumed`: posted in full, for nobody knows."""

    type: Literal["ModelFailed"] = tag("ModelFailed")
    call: str
    attempt: int = 1
    kind: FailureKind | Literal["in_doubt"]
    detail: Clean = Clean("")
    status: int | None = None
    retry_after_ms: int | None = None
    usage: Usage | None = None
    latency_ms: int = 0
    cost: int = 0
    posts: tuple[Post, ...] = ()
    assumed: bool = False


class RetryPlanned(_Fact):
    """The model call is tried again at `at_ms`."""

    type: Literal["RetryPlanned"] = tag("RetryPlanned")
    call: str
    attempt: int
    at_ms: int


# ---------------------------------------------------------------- tool calls


class CallJudged(_Fact):
    """The decision on one proposed tool call, with the rule that decided."""

    type: Literal["CallJudged"] = tag("CallJudged")
    call: str
    tool: str
    digest: str
    """Of the exact validated call: tool, contract, arguments and what it depends on."""
    effect: Literal["allow", "ask", "deny"]
    rule: str
    reason: Clean
    needed: int = 0
    """Humans who must agree."""
    principal: str
    access: Literal["read", "write"]
    risk: Literal["low", "high"]
    resources: tuple[str, ...] = ()


class ToolQueued(_Fact):
    """The call may go as soon as its resources are free."""

    type: Literal["ToolQueued"] = tag("ToolQueued")
    call: str


class ToolRequested(_Fact):
    """The call is released now."""

    type: Literal["ToolRequested"] = tag("ToolRequested")
    call: str
    attempt: int = 1
    until_ms: int
    """The instant at which it is cut."""


class ToolCompleted(_Fact):
    """The tool answered. `artifact` is the digest of the whole result where `text` is cut."""

    type: Literal["ToolCompleted"] = tag("ToolCompleted")
    call: str
    attempt: int = 1
    text: Clean
    artifact: str | None = None
    artifact_bytes: int = 0
    labels: tuple[str, ...] = ()
    latency_ms: int = 0
    recorded_only: bool = False
    """Shadow: the call was written down, nothing was done."""


class ToolFailed(_Fact):
    """The tool failed without effect or with a known one; the model sees `text`."""

    type: Literal["ToolFailed"] = tag("ToolFailed")
    call: str
    attempt: int = 1
    kind: Literal["error", "timeout", "cancelled", "invalid", "denied", "limit", "aborted"]
    text: Clean
    rule: str = ""
    latency_ms: int = 0


class ToolUnknown(_Fact):
    """A released write may or may not have happened; it is never repeated silently."""

    type: Literal["ToolUnknown"] = tag("ToolUnknown")
    call: str
    attempt: int = 1
    reason: Clean


class ProbeRequested(_Fact):
    """The system is to be asked whether the call in doubt happened."""

    type: Literal["ProbeRequested"] = tag("ProbeRequested")
    call: str
    attempt: int = 1


class ProbeCompleted(_Fact):
    """What the system said: the result, that it did not happen, or nothing certain."""

    type: Literal["ProbeCompleted"] = tag("ProbeCompleted")
    call: str
    verdict: Literal["happened", "absent", "unknown"]
    text: Clean = Clean("")
    latency_ms: int = 0


class ToolResolved(_Fact):
    """A human said of a call in doubt whether it happened."""

    type: Literal["ToolResolved"] = tag("ToolResolved")
    call: str
    happened: bool
    principal: str
    text: Clean = Clean("")


class SubrunRequested(_Fact):
    """A sub-agent is started as the run `child`, with a brief and its own tools."""

    type: Literal["SubrunRequested"] = tag("SubrunRequested")
    call: str
    agent: str
    child: str
    brief: Clean


class SubrunEnded(_Fact):
    """A sub-run ended; its answer, or what is missing and why."""

    type: Literal["SubrunEnded"] = tag("SubrunEnded")
    call: str
    child: str
    status: Literal["completed", "stopped"]
    reason: str
    text: Clean
    usage: Usage = Usage()
    cost: int = 0


# ---------------------------------------------------------------- humans


class ApprovalRequested(_Fact):
    """A human must agree to the exact call with this digest."""

    type: Literal["ApprovalRequested"] = tag("ApprovalRequested")
    approval: str
    call: str
    tool: str
    digest: str
    needed: int
    rule: str
    reason: Clean
    expires_ms: int


class ApprovalGiven(_Fact):
    """An authenticated human agreed. `arguments` replace the call's where they changed them."""

    type: Literal["ApprovalGiven"] = tag("ApprovalGiven")
    approval: str
    digest: str
    principal: str
    channel: str
    comment: Clean = Clean("")
    arguments: Clean | None = None


class ApprovalDenied(_Fact):
    """An authenticated human refused."""

    type: Literal["ApprovalDenied"] = tag("ApprovalDenied")
    approval: str
    principal: str
    channel: str
    comment: Clean = Clean("")


class ApprovalExpired(_Fact):
    """Nobody agreed in time: that is a no."""

    type: Literal["ApprovalExpired"] = tag("ApprovalExpired")
    approval: str


class InputRequested(_Fact):
    """A tool asks a human a typed question; the call starts again with the answer."""

    type: Literal["InputRequested"] = tag("InputRequested")
    question: str
    call: str
    attempt: int = 1
    key: str
    text: Clean
    answer_schema: str


class InputReceived(_Fact):
    """A human answered with a value that fits the schema."""

    type: Literal["InputReceived"] = tag("InputReceived")
    question: str
    principal: str
    channel: str
    value: Clean


class InboxIgnored(_Fact):
    """Something arrived that has no effect: late, twice, for a changed call, from the wrong person."""

    type: Literal["InboxIgnored"] = tag("InboxIgnored")
    what: str
    ref: str
    principal: str = ""
    reason: Clean


# ---------------------------------------------------------------- budgets


class BudgetWarned(_Fact):
    """An account, or the clock, has passed 80 % of its limit."""

    type: Literal["BudgetWarned"] = tag("BudgetWarned")
    account: str
    used: int
    limit: int


class BudgetRefused(_Fact):
    """A hold did not fit under a limit: nothing was sent."""

    type: Literal["BudgetRefused"] = tag("BudgetRefused")
    call: str
    account: str
    needed: int
    available: int
    limit: int


Event = Annotated[
    RunStarted
    | RunRecovered
    | CancelRequested
    | RunStopping
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
    | BudgetRefused,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

Intent = ModelRequested | ToolRequested | SubrunRequested | ProbeRequested | CheckRequested
"""Events that ask the shell to do something outside."""
