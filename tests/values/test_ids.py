"""Ids sort by time, are safe in paths and names, and tell who is whose child."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError
from remit.values.ids import (
    ENTROPY_BYTES,
    call_id,
    check_name,
    idempotency_key,
    made_ms,
    make_id,
    parent_of,
    root_of,
    subrun_id,
)

TIMES = st.integers(0, 2**50 - 1)
ENTROPY = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)


def test_the_layout_is_that_of_a_ulid() -> None:
    assert make_id("run", 0, bytes(10)) == "run_" + "0" * 26
    assert make_id("run", 2**50 - 1, b"\xff" * 10) == "run_" + "Z" * 26
    # The example of the ULID specification: 01ARZ3NDEK is the instant 1469922850259.
    assert make_id("x", 1_469_922_850_259, bytes(10)).startswith("x_01ARZ3NDEK")


@given(TIMES, TIMES, ENTROPY, ENTROPY)
def test_ids_sort_by_time_and_differ_by_entropy(a: int, b: int, one: bytes, two: bytes) -> None:
    first, second = make_id("run", a, one), make_id("run", b, two)
    if a < b:
        assert first < second
    assert (first == second) == (a == b and one == two)
    assert re.fullmatch(r"run_[0-9A-HJKMNP-TV-Z]{26}", first)


def test_wrong_entropy_is_refused() -> None:
    with pytest.raises(ConfigError, match="10 bytes of entropy, got 9"):
        make_id("run", 0, bytes(9))


@pytest.mark.requirement("ORC-1", "STOP-7")
def test_sub_runs_name_their_ancestors() -> None:
    child = subrun_id("run_1", call_id(3))
    grandchild = subrun_id(child, "c1-2")
    assert (child, grandchild) == ("run_1.c3", "run_1.c3.c1-2")
    assert parent_of(grandchild) == ("run_1.c3", "c1-2")
    assert parent_of(child) == ("run_1", "c3")
    assert parent_of("run_1") is None
    assert root_of(grandchild) == root_of("run_1") == "run_1"
    assert idempotency_key("run_1", "c3") == "run_1:c3"


@pytest.mark.parametrize("name", ["a", "7", "ann@example.com", "team-1_x+y.z", "a" * 128])
def test_names_that_are_allowed(name: str) -> None:
    assert check_name("tenant", name) == name


@pytest.mark.requirement("TEN-1")
@pytest.mark.parametrize(
    "name", ["", " ", "a b", "../a", ".a", "-a", "a/b", "a\n", "a:b", "a|b", "ä", "a" * 129]
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(ConfigError, match=r"tenant .*letters, digits"):
        check_name("tenant", name)


def test_the_time_of_an_id_can_be_read_back() -> None:
    made = make_id("run", 1_795_000_000_123, bytes(range(10)))
    assert made_ms(made) == 1_795_000_000_123
    assert made_ms(subrun_id(made, "c1-1")) == 1_795_000_000_123


@pytest.mark.parametrize("foreign", ["", "run", "run_", "run_short", "run_01M7Z0ILOU0000"])
def test_the_time_of_a_foreign_id_is_refused(foreign: str) -> None:
    with pytest.raises(ConfigError, match="is no id made here"):
        made_ms(foreign)
