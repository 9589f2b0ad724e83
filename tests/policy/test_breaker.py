"""The breaker opens after failures in a row, lets one call look, and closes when that succeeds."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.breaker import (
    CLOSED,
    COOL_CAP_MS,
    COOL_MS,
    TABLE,
    TRIP_AFTER,
    Breaker,
    Position,
    Signal,
    heard,
    looked_at,
)


def failed(breaker: Breaker, now_ms: int, times: int = 1) -> Breaker:
    for _ in range(times):
        breaker = heard(breaker, good=False, now_ms=now_ms)
    return breaker


@pytest.mark.requirement("PROV-3")
def test_the_table_knows_every_signal_but_cooling_of_what_is_not_hot() -> None:
    missing = {(p, s) for p in get_args(Position) for s in get_args(Signal)} - TABLE.keys()
    assert missing == {("closed", "cooled"), ("half_open", "cooled")}


@pytest.mark.requirement("PROV-1", "PROV-3")
def test_it_opens_half_opens_and_closes() -> None:
    warm = failed(CLOSED, 0, TRIP_AFTER - 1)
    assert warm.position == "closed"
    assert heard(warm, good=True, now_ms=0) == CLOSED
    opened = failed(warm, 100)
    assert (opened.position, opened.opened_ms) == ("open", 100)
    assert looked_at(opened, 100 + COOL_MS - 1).position == "open"
    half = looked_at(opened, 100 + COOL_MS)
    assert half.position == "half_open"
    assert heard(opened, good=True, now_ms=100 + COOL_MS) == CLOSED
    again = failed(opened, 100 + COOL_MS)
    assert (again.position, again.trips, again.cools_ms) == ("open", 2, 2 * COOL_MS)


@pytest.mark.requirement("PROV-1")
def test_what_answers_late_does_not_close_what_is_open() -> None:
    opened = failed(CLOSED, 0, TRIP_AFTER)
    assert heard(opened, good=True, now_ms=1) == opened
    more = failed(opened, 1)
    assert (more.position, more.opened_ms) == ("open", 0)  # it does not stay open for longer


@pytest.mark.requirement("PROV-9")
def test_a_fatal_failure_opens_at_once() -> None:
    assert heard(CLOSED, good=False, fatal=True, now_ms=5).position == "open"


def test_a_long_outage_is_looked_at_every_five_minutes() -> None:
    now, breaker = 0, CLOSED
    for _ in range(20):
        breaker = failed(breaker, now, TRIP_AFTER)
        now += breaker.cools_ms
    assert breaker.cools_ms == COOL_CAP_MS
    assert CLOSED.cools_ms == 0


@pytest.mark.requirement("PROV-3")
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 400_000))))
def test_whatever_is_heard_it_stands_where_the_table_leads(
    story: list[tuple[bool, bool, int]],
) -> None:
    now, breaker = 0, CLOSED
    for good, fatal, wait in story:
        now += wait
        before = looked_at(breaker, now)
        breaker = heard(breaker, good=good, fatal=fatal, now_ms=now)
        signals = {
            s for (p, s), to in TABLE.items() if (p, to) == (before.position, breaker.position)
        }
        assert signals - {"cooled"}
        assert (breaker.position == "closed") or breaker.trips > 0
        assert looked_at(breaker, now + COOL_CAP_MS).position != "open"


@pytest.mark.requirement("TOOL-18")
def test_since_when_it_fails_is_the_first_time_it_opened() -> None:
    opened = failed(CLOSED, 100, TRIP_AFTER)
    assert opened.since_ms == 100  # when it opened
    again = failed(opened, 100 + COOL_MS)
    assert (again.opened_ms, again.since_ms) == (100 + COOL_MS, 100)
    closed = heard(looked_at(again, 10**9), good=True, now_ms=10**9)
    assert closed.since_ms == 0
