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


class RetryPlanned(Fact):
    """The model call is tried again at `at_ms`."""

    type: Literal["RetryPlanned"] = tag("RetryPlanned")
    call: str
    attempt: int
    at_ms: int
