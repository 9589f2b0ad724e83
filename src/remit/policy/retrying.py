"""What follows a failed model call: another model at once, the same one later, or the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from remit.policy.limits import backoff_ms
from remit.values.model import TRANSIENT

# Another model may do what this one cannot: it does not exist, the key is wrong, nothing is paid.
_OTHERS_MAY = frozenset({"not_found", "auth", "billing", "unknown"})
# A background run looks at least once a minute whether the provider is back; each look is
# journalled, so the run's stream shows that it lives (PROV-5).
HEARTBEAT_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call, and what was tried before it."""

    kind: str
    model: str
    attempt: int
    """Of the present call, from 1."""
    tried: Sequence[str]
    """Models asked in the present call, this one included."""
    retries: int
    """Of the whole run so far."""
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the run has left for another try."""

    models: Sequence[str]
    """Those that may be asked, the first choice first; lost ones are not among them."""
    attempts: int
    retries: int
    now_ms: int
    deadline_ms: int
    jitter: int
    unattended: bool = False


def loses(kind: str) -> bool:
    """The model cannot answer in this run at all: retired, or the key is wrong or not paid for."""
    return kind in _OTHERS_MAY and kind != "unknown"


def may_pass(kind: str) -> bool:
    """A later try of the same model may succeed."""
    return kind == "in_doubt" or kind in TRANSIENT


def next_try(failure: Failure, means: Means) -> int | None:
    """When to try again, in milliseconds since 1970; None: no more.

    A model that was not asked in this call yet is asked at once. Otherwise what is transient is
    tried again after a backoff, as often as the limits, the run's retry budget and its time allow.
    """
    if not (may_pass(failure.kind) or failure.kind in _OTHERS_MAY):
        return None
    tries = means.attempts + len(set(failure.tried)) - 1
    spent = failure.retries >= means.retries or failure.attempt >= tries
    if not means.models or (spent and not means.unattended):
        return None
    if failure.kind == "in_doubt" or any(model not in failure.tried for model in means.models):
        return means.now_ms
    if not may_pass(failure.kind):
        return None
    wait = backoff_ms(failure.attempt, means.jitter, failure.retry_after_ms)
    if means.unattended:
        wait = min(wait, max(HEARTBEAT_MS, failure.retry_after_ms or 0))
    at_ms = means.now_ms + wait
    # Whoever decides after the deadline decides about the end, which comes by itself.
    return None if means.now_ms < means.deadline_ms <= at_ms else at_ms
