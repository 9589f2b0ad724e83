"""Limits of a run: what it may cost, how long it may take, how often it may try."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from remit.values.added import added
from remit.values.money import MAX_COUNT

# Defaults of the requirements: $5 a run, 50 turns, 10 tool calls.
_COST_NANO = 5_000_000_000
_TURNS = 50
_TOOL_CALLS = 10
_TIMEOUT_MS = 10 * 60 * 1000
_APPROVAL_MS = 72 * 60 * 60 * 1000  # a weekend and a day
_WRAP_UP_MS = 30_000  # a short answer of a slow model
_WRAP_UP_PART = 10
WARN_PERCENT = 80

IDENTICAL_CALLS = "limits.identical-calls"
"""The rule that refuses the n-th identical call."""


class Limits(BaseModel):
    """Everything that ends or refuses; times in milliseconds, money in nano-dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cost_nano: int = Field(default=_COST_NANO, ge=0, le=MAX_COUNT)
    tokens: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    session_cost_nano: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    session_tokens: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    session_alert_nano: int | None = added(None, ge=0)
    turns: int = Field(default=_TURNS, ge=1)
    tool_calls: int = Field(default=_TOOL_CALLS, ge=0)
    timeout_ms: int = Field(default=_TIMEOUT_MS, ge=1)
    identical_calls: int = Field(default=3, ge=2)
    """The n-th identical call of a run is refused."""
    parallel_calls: int = Field(default=8, ge=1)
    depth: int = Field(default=4, ge=0)
    """How deep sub-runs may nest below the root."""
    approval_ms: int = Field(default=_APPROVAL_MS, ge=1)
    model_attempts: int = Field(default=4, ge=1)
    model_retries: int = added(20, ge=0)
    """Of all model calls of a run together."""
    unattended: bool = added(default=False)
    """Nobody waits: a provider's outage is sat out until the deadline."""
    continuations: int = added(3, ge=0)
    """How often an answer that was cut is continued."""
    wrap_up_ms: int = added(_WRAP_UP_MS, ge=0)
    """Kept back of the time for a last answer, at most a tenth of the whole."""
    result_chars: int = Field(default=20_000, ge=200)
    """A longer tool result is cut for the model; the whole is kept as an artifact."""


def clock_warning_ms(started_ms: int, deadline_ms: int) -> int:
    """The instant at which 80 % of the time is used."""
    return started_ms + (deadline_ms - started_ms) * WARN_PERCENT // 100


def soft_deadline_ms(started_ms: int, deadline_ms: int, wrap_up_ms: int) -> int:
    """The instant after which only a last answer is asked for."""
    return deadline_ms - min(wrap_up_ms, (deadline_ms - started_ms) // _WRAP_UP_PART)


# Continuations that bring less than this, twice in a row, bring nothing any more.
CONTINUATION_FLOOR_TOKENS = 500
_BEFORE_JUDGING = 3


def diminishes(tokens: Sequence[int]) -> bool:
    """An answer is continued without getting on: `tokens` are the lengths of its parts so far."""
    last = tokens[-2:]
    return len(tokens) >= _BEFORE_JUDGING and max(last) < CONTINUATION_FLOOR_TOKENS


# Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
_BACKOFF_MS = 500
_BACKOFF_CAP_MS = 30_000
JITTER_SCALE = 1_000_000


def backoff_ms(attempt: int, jitter: int, retry_after_ms: int | None) -> int:
    """How long to wait before the next try; `jitter` is 0 to `JITTER_SCALE`.

    The provider's own wish is a lower bound.
    """
    ceiling = min(_BACKOFF_CAP_MS, _BACKOFF_MS << min(attempt, 16))
    drawn = ceiling * jitter // JITTER_SCALE
    return max(drawn, retry_after_ms or 0)
