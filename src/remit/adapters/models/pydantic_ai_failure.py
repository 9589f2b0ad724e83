"""The failures of pydantic-ai's models as `ProviderError`, by the words of its exceptions."""

from pydantic_ai import exceptions as theirs

from remit.errors import ProviderError
from remit.values.model import FailureKind
from remit.wire.failure import MAX_WAIT_MS, excerpt, kind_of_status

# The narrower class first.
_KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (theirs.ModelQuotaExceededError, "billing"),
    (theirs.ModelRateLimitError, "rate_limited"),
    (theirs.ModelUnavailableError, "overloaded"),
    (theirs.ModelServerError, "server"),
    (theirs.ModelTimeoutError, "timeout"),
    (theirs.ModelRequestTimeout, "timeout"),
    (theirs.ModelContextWindowExceededError, "too_large"),
    (theirs.ModelAuthenticationError, "auth"),
    (theirs.ModelNotFoundError, "not_found"),
    (theirs.ModelRequestRejectedError, "bad_request"),
    (theirs.ContentFilterError, "bad_request"),
    (theirs.UserError, "bad_request"),
    (theirs.UnexpectedModelBehavior, "malformed"),
)
_UNSENT = frozenset({"pool", "connect"})


def failure_of(error: Exception, provider: str) -> ProviderError:
    """The failure behind an exception of theirs; the text is bounded, its cause is left behind."""
    status = error.status_code if isinstance(error, theirs.ModelHTTPError) else None
    kind = _kind_of(error, status)
    wait = error.retry_after if isinstance(error, theirs.ModelAPIError) else None
    told = f" {status}" if status is not None else ""
    return ProviderError(
        f"{provider} answered{told} ({kind}): {excerpt(str(error)) or type(error).__name__}",
        kind=kind,
        status=status,
        retry_after_ms=None if wait is None else min(max(0, int(wait * 1000)), MAX_WAIT_MS),
    )


def _kind_of(error: Exception, status: int | None) -> FailureKind:
    for kind_of_error, kind in _KINDS:
        if isinstance(error, kind_of_error):
            return kind
    if isinstance(error, theirs.ModelConnectionError):
        # What was sent may be billed: then it is not the kind that counts as unsent.
        return "connection" if error.phase in _UNSENT else "stream_broken"
    return "unknown" if status is None else kind_of_status(status)
