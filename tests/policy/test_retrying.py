"""After a failure: another model at once, the same later, or the end; within every bound."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.limits import JITTER_SCALE
from remit.policy.retrying import HEARTBEAT_MS, Failure, Means, loses, may_pass, next_try
from remit.values.model import TRANSIENT, FailureKind

KINDS = (*get_args(FailureKind), "in_doubt")
NOW = 1_000_000


def failure(kind: str = "overloaded", **changes: object) -> Failure:
    fields = {"kind": kind, "model": "p:a", "attempt": 1, "tried": ("p:a",), "retries": 0}
    return Failure(**{**fields, **changes})  # type: ignore[arg-type]  # by name


def means(*models: str, **changes: object) -> Means:
    fields = {
        "models": models or ("p:a",),
        "attempts": 4,
        "retries": 20,
        "now_ms": NOW,
        "deadline_ms": NOW + 600_000,
        "jitter": JITTER_SCALE,
    }
    return Means(**{**fields, **changes})  # type: ignore[arg-type]  # by name


@pytest.mark.requirement("PROV-1", "PROV-9")
@pytest.mark.parametrize("kind", ["not_found", "auth", "billing", "overloaded", "timeout"])
def test_another_model_is_asked_at_once(kind: str) -> None:
    assert next_try(failure(kind), means("p:a", "q:b")) == NOW


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_transient_is_asked_again(kind: str) -> None:
    again = next_try(failure(kind), means())
    assert (again is not None) == may_pass(kind) == (kind in TRANSIENT or kind == "in_doubt")
    if kind in ("bad_request", "too_large", "cancelled"):
        assert next_try(failure(kind), means("p:a", "q:b")) is None


@pytest.mark.requirement("PROV-9")
def test_a_model_is_lost_when_no_later_call_can_succeed() -> None:
    assert {kind for kind in KINDS if loses(kind)} == {"not_found", "auth", "billing"}
    assert next_try(failure("not_found"), means(models=())) is None


@pytest.mark.requirement("PROV-2")
def test_the_wait_grows_and_keeps_what_the_provider_asks_for() -> None:
    waits = [next_try(failure(attempt=n), means()) for n in (1, 2, 3)]
    assert waits == [NOW + 1_000, NOW + 2_000, NOW + 4_000]
    assert next_try(failure(retry_after_ms=9_000), means()) == NOW + 9_000
    assert next_try(failure(), means(jitter=0)) == NOW


@pytest.mark.requirement("PROV-2")
def test_attempts_retries_and_time_are_bounded() -> None:
    assert next_try(failure(attempt=4), means()) is None
    assert next_try(failure(attempt=4, tried=("p:a", "q:b")), means("p:a", "q:b")) is not None
    assert next_try(failure(retries=20), means()) is None
    assert next_try(failure(retries=20), means("p:a", "q:b")) is None
    assert next_try(failure(), means(deadline_ms=NOW + 1_000)) is None
    assert next_try(failure(), means(deadline_ms=NOW - 1)) is not None  # the end comes by itself


@pytest.mark.requirement("PROV-5")
def test_an_unattended_run_goes_on_and_shows_that_it_lives() -> None:
    ever = failure(attempt=500, retries=499)
    again = next_try(ever, means(unattended=True))
    assert again is not None
    assert again <= NOW + HEARTBEAT_MS
    asked = failure(attempt=500, retries=499, retry_after_ms=90_000)
    assert next_try(asked, means(unattended=True)) == NOW + 90_000
    assert next_try(failure("bad_request"), means(unattended=True)) is None


def test_what_is_in_doubt_is_asked_again_at_once() -> None:
    assert next_try(failure("in_doubt"), means()) == NOW


@pytest.mark.requirement("PROV-2")
@given(
    kind=st.sampled_from(KINDS),
    attempt=st.integers(1, 50),
    retries=st.integers(0, 50),
    jitter=st.integers(0, JITTER_SCALE),
    left=st.integers(1, 1_000_000),
)
def test_no_try_lies_in_the_past_or_after_the_end(
    kind: str, attempt: int, retries: int, jitter: int, left: int
) -> None:
    at_ms = next_try(
        failure(kind, attempt=attempt, retries=retries),
        means("p:a", "q:b", jitter=jitter, deadline_ms=NOW + left),
    )
    assert at_ms is None or NOW <= at_ms < NOW + left
    assert retries < 20 or at_ms is None
