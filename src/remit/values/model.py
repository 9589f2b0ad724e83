"""What goes to a model and what comes back, independent of any provider's protocol.

Answers hold raw text: only the redactor may turn them into message parts (`Clean`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from remit.values.message import Message
from remit.values.usage import Usage

StopReason = Literal["end", "tools", "max_tokens", "stop_sequence", "refusal", "pause"]
"""Why a model stopped: done, wants tools, cut at the output limit, a stop text, refused, paused."""

FailureKind = Literal[
    "rate_limited",
    "overloaded",
    "server",
    "timeout",
    "connection",
    "stream_broken",
    "malformed",
    "auth",
    "bad_request",
    "not_found",
    "too_large",
    "billing",
    "cancelled",
    "unknown",
]
TRANSIENT: frozenset[str] = frozenset(
    {"rate_limited", "overloaded", "server", "timeout", "connection", "stream_broken", "malformed"}
)
"""Kinds of failure that a later try may not meet again."""


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a model is to reason; a codec takes the nearest that its protocol knows."""


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as a model sees it; `schema_json` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model call. `model` is the provider's own name, without the provider prefix."""

    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...] = ()
    max_output_tokens: int
    thinking_tokens: int = 0
    """Budget for extended thinking, 0 for none; a part of `max_output_tokens`."""
    effort: Effort | None = None
    """None leaves it to the model."""
    output_schema: str = ""
    """JSON Schema of the answer's text, empty for free text: structured output of the provider."""
    media: Mapping[str, bytes] = field(default_factory=dict)
    """The bytes of the images and documents in `messages`, by digest."""
    stream: bool = True
    stream_usage: bool = True
    """False where a client did not ask for token counts in the stream, which some protocols let it
    choose. Remit's own requests always ask."""


@dataclass(frozen=True, slots=True)
class RawText:
    """Text as generated."""

    text: str


@dataclass(frozen=True, slots=True)
class RawThinking:
    """Reasoning as generated, with the provider's signature or encrypted form."""

    text: str
    signature: str = ""
    redacted: str = ""
    item: str = ""
    """The provider's id of the reasoning; neighbours with one id are one."""


@dataclass(frozen=True, slots=True)
class RawCall:
    """A tool call as generated; `arguments` is the JSON text with its number lexemes kept."""

    provider_id: str
    tool: str
    arguments: str


RawPart = RawText | RawThinking | RawCall


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What a provider's headers say about the limits; None where it says nothing."""

    requests_remaining: int | None = None
    tokens_remaining: int | None = None
    reset_after_ms: int | None = None
    retry_after_ms: int | None = None


NO_LIMITS = RateLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """A complete answer. `model` is the name of the model that answered, for drift."""

    parts: tuple[RawPart, ...]
    stop: StopReason
    usage: Usage
    model: str
    provider_id: str = ""
    """The provider's id of the answer."""
    request_id: str = ""
    """The provider's id of the HTTP request, for its support and for reconciliation."""
    limits: RateLimits = NO_LIMITS
    service_tier: str = ""
    """The provider's word for how the call was served and is billed, empty if it gave none."""
    left_out: tuple[str, ...] = ()
    """Kinds of content and stop reasons newer than the codec, named because they are dropped."""
    left_behind: tuple[str, ...] = ()
    """What of the conversation the model was not told, as another provider's signed reasoning."""


ModelStage = Literal["active", "deprecated", "retired"]
"""Deprecated: it still answers, but its end is announced. Retired: it answers no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a provider tells of a model without asking it anything."""

    name: str
    """The provider's own name for it; for an alias the name it points to, where that is told."""
    stage: ModelStage = "active"
    ends: str = ""
    """When it is retired, as the provider writes it; empty where nothing is announced."""
    told_ms: int | None = None
    """The provider's clock when it told this, in Unix milliseconds; None where it did not say."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer: `index` is the part it belongs to, `kind` its sort.

    For `call` the first piece carries `tool` and `provider_id`, the others argument text.
    """

    index: int
    kind: Literal["text", "thinking", "call"]
    text: str = ""
    tool: str = ""
    provider_id: str = ""
