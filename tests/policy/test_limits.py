"""Limits have the documented defaults, refuse nonsense, and waiting grows with every try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from remit.policy.limits import JITTER_SCALE, Limits, backoff_ms, clock_warning_ms

JITTER = st.integers(0, JITTER_SCALE)


@pytest.mark.requirement("BUD-1", "BUD-5", "TOOL-16")
def test_the_defaults_are_those_of_the_requirements() -> None:
    limits = Limits()
    assert limits.cost_nano == 5 * 10**9
    assert limits.turns == 50
    assert limits.tool_calls == 10
    assert limits.tokens is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost_nano", -1),
        ("tokens", -1),
        ("session_cost_nano", -1),
        ("session_tokens", -1),
        ("turns", 0),
        ("tool_calls", -1),
        ("timeout_ms", 0),
        ("identical_calls", 1),
        ("parallel_calls", 0),
        ("depth", -1),
        ("approval_ms", 0),
        ("model_attempts", 0),
        ("result_chars", 199),
        ("unheard_of", 1),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(ValidationError, match=field):
        Limits.model_validate({field: value})


@pytest.mark.requirement("BUD-4")
@given(started=st.integers(0, 10**13), length=st.integers(1, 10**9))
def test_the_clock_warns_at_four_fifths_of_the_time(started: int, length: int) -> None:
    at = clock_warning_ms(started, started + length)
    assert (at - started) * 5 <= length * 4 < (at - started + 1) * 5


@pytest.mark.requirement("PROV-2")
@given(attempt=st.integers(1, 100), jitter=JITTER)
def test_waiting_is_bounded_and_its_ceiling_doubles(attempt: int, jitter: int) -> None:
    wait = backoff_ms(attempt, jitter, None)
    assert 0 <= wait <= min(30_000, 500 * 2 ** min(attempt, 16))
    assert backoff_ms(attempt, JITTER_SCALE, None) == min(30_000, 500 * 2 ** min(attempt, 16))
    assert backoff_ms(attempt, 0, None) == 0


@pytest.mark.requirement("PROV-2")
@given(attempt=st.integers(1, 10), jitter=JITTER, wish=st.integers(0, 10**7))
def test_the_providers_own_wish_is_a_lower_bound(attempt: int, jitter: int, wish: int) -> None:
    assert backoff_ms(attempt, jitter, wish) == max(wish, backoff_ms(attempt, jitter, None))
