"""Each exception of pydantic-ai has its kind, its wait and bounded words."""

import pytest
from pydantic_ai import exceptions as theirs

from remit.adapters.models.pydantic_ai_failure import failure_of
from remit.wire.failure import MAX_WAIT_MS


class Limited(theirs.ModelRateLimitError, theirs.ModelHTTPError):
    """As the library makes them: the category and the status."""


CASES = [
    (theirs.ModelQuotaExceededError("m", "no credit"), "billing"),
    (theirs.ModelRateLimitError("m", "slow down"), "rate_limited"),
    (theirs.ModelOverloadedError("m", "busy"), "overloaded"),
    (theirs.ModelUnavailableError("m", "away"), "overloaded"),
    (theirs.ModelServerError("m", "oops"), "server"),
    (theirs.ModelTimeoutError("m", "late"), "timeout"),
    (theirs.ModelRequestTimeout("m", 3), "timeout"),
    (theirs.ModelContextWindowExceededError("m", "too long"), "too_large"),
    (theirs.ModelAuthenticationError("m", "who?"), "auth"),
    (theirs.ModelNotFoundError("m", "what?"), "not_found"),
    (theirs.ModelRequestRejectedError("m", "no"), "bad_request"),
    (theirs.UserError("set a key"), "bad_request"),
    (theirs.UnexpectedModelBehavior("odd"), "malformed"),
    (theirs.ContentFilterError("filtered"), "bad_request"),
    (theirs.ModelConnectionError("m", "refused", phase="connect"), "connection"),
    (theirs.ModelConnectionError("m", "reset", phase="read"), "stream_broken"),
    (theirs.ModelConnectionError("m", "reset"), "stream_broken"),
    (theirs.ModelHTTPError(status_code=504, model_name="m"), "timeout"),
    (theirs.ModelAPIError("m", "something"), "unknown"),
]


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(("error", "kind"), CASES, ids=map(str, range(len(CASES))))
def test_kinds(error: Exception, kind: str) -> None:
    failure = failure_of(error, "bedrock")
    assert failure.kind == kind
    assert str(failure).startswith("bedrock answered")
    assert failure.__cause__ is None


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("after", "wait"), [(1.5, 1500), (-1, 0), (1e9, MAX_WAIT_MS), (None, None)]
)
def test_waits(after: float | None, wait: int | None) -> None:
    error = theirs.ModelRateLimitError("m", "x" * 10_000, retry_after=after)
    failure = failure_of(error, "bedrock")
    assert failure.retry_after_ms == wait
    assert len(str(failure)) < 400


def test_the_status_is_told() -> None:
    failure = failure_of(Limited(status_code=429, model_name="m"), "mistral")
    assert (failure.kind, failure.status) == ("rate_limited", 429)
    assert str(failure).startswith("mistral answered 429 (rate_limited): ")
