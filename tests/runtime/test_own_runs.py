"""Runs of a process: remembered while they are used, up to a number and for a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.runtime.own_runs import IDLE_S, MOST, OwnRuns

pytestmark = pytest.mark.requirement("BUD-9")


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


def key(number: int) -> tuple[str, str]:
    return "acme", f"run_{number}"


def test_what_was_used_least_recently_is_forgotten_first() -> None:
    own = OwnRuns(3)
    for number in range(3):
        own.add(key(number))
    assert key(0) in own  # asking is a use
    own.add(key(3))
    assert list(own) == [key(2), key(0), key(3)]
    assert key(1) not in own
    own.discard(key(0))
    own.discard(key(9))
    assert len(own) == 2


def test_what_is_idle_too_long_is_forgotten() -> None:
    watch = Watch()
    own = OwnRuns(10, 60, watch)
    own.add(key(0))
    own.add(key(1))
    watch.at_s = 59
    assert key(1) in own
    watch.at_s = 60
    assert key(0) not in own
    assert key(1) in own
    watch.at_s = 200
    own.add(key(2))  # others are dropped without being asked for
    assert list(own) == [key(2)]


def test_the_defaults_are_those_of_the_requirement() -> None:
    assert (MOST, IDLE_S) == (100_000, 24 * 3600)
    own = OwnRuns()
    for number in range(MOST + 500):
        own.add(key(number))
    assert len(own) == MOST


@given(
    most=st.integers(1, 5),
    steps=st.lists(st.tuples(st.sampled_from("aqd"), st.integers(0, 8), st.integers(0, 30))),
)
def test_never_more_than_allowed_and_never_older(
    most: int, steps: list[tuple[str, int, int]]
) -> None:
    watch = Watch()
    own = OwnRuns(most, 60, watch)
    used: dict[tuple[str, str], float] = {}
    for what, number, passed in steps:
        watch.at_s += passed
        if what == "d":
            own.discard(key(number))
            used.pop(key(number), None)
        elif what == "a" or key(number) in own:
            own.add(key(number))
            used[key(number)] = watch.at_s
        assert len(own) <= most
        for each in own:
            assert used[each] >= 0
    assert all(watch.at_s - used[each] < 60 for each in used if each in own)
