"""What goes to a model and comes back; failures that a later try may not meet again."""

from typing import get_args

import pytest

from remit.values.model import (
    NO_LIMITS,
    TRANSIENT,
    FailureKind,
    ModelAnswer,
    ModelRequest,
    RateLimits,
)
from remit.values.usage import Usage


@pytest.mark.requirement("PROV-2")
def test_only_known_failures_are_transient_and_none_that_repeating_cannot_mend() -> None:
    kinds = set(get_args(FailureKind))
    assert kinds > TRANSIENT
    assert TRANSIENT.isdisjoint({"auth", "bad_request", "not_found", "too_large", "billing"})
    assert {"rate_limited", "overloaded", "server", "timeout", "connection"} <= TRANSIENT


def test_requests_stream_and_answers_know_no_limits_by_default() -> None:
    request = ModelRequest(model="m", system="", messages=(), max_output_tokens=1)
    assert request.stream
    assert (request.tools, request.thinking_tokens) == ((), 0)
    answer = ModelAnswer(parts=(), stop="end", usage=Usage(), model="m")
    assert answer.limits == NO_LIMITS == RateLimits()
