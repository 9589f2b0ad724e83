"""Amounts add up by class, and a filter takes the rows it names."""

import pytest

from remit.values.ledger import (
    ALL,
    AMOUNTS,
    NOTHING,
    Amounts,
    LedgerFilter,
    LedgerKey,
    amounts_of,
    utc_day,
)
from remit.values.usage import Usage

KEY = LedgerKey(tenant="acme", day="2026-11-21", user="ann", agent="clerk", model="sim:m")


def test_every_amount_is_added() -> None:
    some = Amounts(*range(1, len(AMOUNTS) + 1))
    twice = some + some
    assert [getattr(twice, name) for name in AMOUNTS] == [
        2 * getattr(some, name) for name in AMOUNTS
    ]
    assert NOTHING + some == some


@pytest.mark.requirement("BIL-1", "OBS-3")
def test_no_class_of_tokens_is_a_part_of_another() -> None:
    usage = Usage(
        input=100, output=40, cache_read=30, cache_write=20, cache_write_1h=5, reasoning=7
    )
    found = amounts_of(usage, cost=9, assumed=8, over_hold=1)
    assert found == Amounts(1, 50, 30, 15, 5, 40, 7, 9, 8, 1)
    assert found.tokens == usage.total


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (ALL, True),
        (LedgerFilter(tenant="acme", user="ann", agent="clerk", model="sim:m"), True),
        (LedgerFilter(tenant="globex"), False),
        (LedgerFilter(user="bob"), False),
        (LedgerFilter(agent="boss"), False),
        (LedgerFilter(model="m"), False),
        (LedgerFilter(since="2026-11-21", until="2026-11-21"), True),
        (LedgerFilter(since="2026-11-22"), False),
        (LedgerFilter(until="2026-11-20"), False),
    ],
)
def test_a_filter_takes_what_it_names(wanted: LedgerFilter, takes: bool) -> None:  # a parameter
    assert wanted.takes(KEY) is takes


def test_days_are_those_of_utc() -> None:
    assert utc_day(0) == "1970-01-01"
    assert utc_day(86_400_000 - 1) == "1970-01-01"
    assert utc_day(86_400_000) == "1970-01-02"
