"""Facts about model calls."""

from typing import Literal

from remit.journal.fact import Fact, Hold, Post
from remit.values.clean import Clean
from remit.values.message import Part
from remit.values.model import FailureKind, StopReason
from remit.values.tag import tag
from remit.values.usage import Usage


class ModelRequested(Fact):
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
    stream: bool = True
    """The answer may come in pieces; not after streams kept breaking."""
    until_ms: int | None = None
    """The instant at which it is cut; None: at the run's deadline."""


class ModelCompleted(Fact):
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
    left_behind: tuple[str, ...] = ()
    """What of the conversation this model could not be told, such as another's signed reasoning."""
    service_tier: str = ""
    """The provider's word for how the call was served, which may change its price."""


class ModelFailed(Fact):
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
    model: str = ""
    """The model that was asked."""


class RetryPlanned(Fact):
    """The model call is tried again at `at_ms`."""

    type: Literal["RetryPlanned"] = tag("RetryPlanned")
    call: str
    attempt: int
    at_ms: int


class ModelSwitched(Fact):
    """Another model is asked from here on.

    `reason` is the kind of the failure, `open` (its breaker) or `lost`.
    """

    type: Literal["ModelSwitched"] = tag("ModelSwitched")
    call: str
    attempt: int
    model: str
    instead_of: str
    reason: str


class ModelDrifted(Fact):
    """The model that answered is not the one that was asked, by its own word."""

    type: Literal["ModelDrifted"] = tag("ModelDrifted")
    call: str
    asked: str
    answered: str


class OutputEscalated(Fact):
    """The answer was cut at its limit: it is dropped, and asked for again with a larger one."""

    type: Literal["OutputEscalated"] = tag("OutputEscalated")
    call: str
    attempt: int = 1
    max_output_tokens: int


class ContinuationAsked(Fact):
    """The answer was cut, or paused: the model is asked to go on where it stopped."""

    type: Literal["ContinuationAsked"] = tag("ContinuationAsked")
    call: str
    number: int
    """From 1, within one answer."""
    tokens: int
    """What the part before it was long."""
    text: Clean = Clean("")


class WrapUpAsked(Fact):
    """The time is nearly over: the model is asked for what it has; no more tools are called."""

    type: Literal["WrapUpAsked"] = tag("WrapUpAsked")
    text: Clean
