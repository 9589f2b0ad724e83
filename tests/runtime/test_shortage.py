"""What a refused append is told: balances by the run's own names, and windows to come of rates."""

import pytest

from remit.adapters.memory.store import MemoryStore
from remit.journal.rows import Appended, Balance, Exceeded
from remit.journal.transfers import HoldLine
from remit.runtime.shortage import Shortage, look_ahead, shortage_of
from tests.adapters.store.chains import Chain

RATE = "rate:read_feed,ann|minute:2026-11-21T14:{}|calls"
FIRST, SECOND, THIRD = (RATE.format(minute) for minute in ("05", "06", "07"))
OTHER = RATE.replace("ann", "bob").format("06")
WORLD = "global-rate:read_feed|second:2026-11-21T14:05:{}|calls"
MONEY = "run:run_1|total|nano"


async def booked(*accounts: str, limit: int = 2) -> MemoryStore:
    """A store in which one place of each of these windows is taken."""
    store = MemoryStore()
    await store.open()
    chain = Chain()
    assert await chain.write(store) == Appended()
    holds = tuple(HoldLine("h1", name, 1, limit) for name in accounts)
    assert await chain.write(store, holds=holds) == Appended()
    return store


def test_accounts_are_named_as_the_run_names_them() -> None:
    append = Chain().next(holds=(HoldLine("h", MONEY, 5, 9), HoldLine("h", FIRST, 1, 2)))
    refused = Exceeded((Balance(MONEY, 8, 0, 9), Balance(FIRST, 2, 0, 3)))
    short = shortage_of(refused, append, "run_1")
    assert short == Shortage({"run:.|total|nano": 1, FIRST: 1}, {FIRST: 3})


@pytest.mark.requirement("TOOL-15")
async def test_of_a_rate_that_is_used_up_the_windows_to_come_are_read() -> None:
    store = await booked(FIRST, SECOND, THIRD, OTHER, MONEY)
    found = await look_ahead(store, "acme", Shortage({FIRST: 0, MONEY: 0}), Shortage())
    assert found.rooms == {FIRST: 0, SECOND: 1, THIRD: 1, MONEY: 0}
    nothing = await look_ahead(store, "acme", Shortage({FIRST: 1}), Shortage())
    assert nothing.rooms == {FIRST: 1}


@pytest.mark.requirement("TOOL-15", "TEN-1")
async def test_a_rate_of_all_tenants_is_kept_where_no_tenants_is() -> None:
    store = await booked(WORLD.format("10"), WORLD.format("11"))
    full = Shortage({WORLD.format("10"): 0})
    for tenant in ("acme", "globex"):
        found = await look_ahead(store, tenant, full, Shortage())
        assert found.rooms == {WORLD.format("10"): 0, WORLD.format("11"): 1}


async def test_what_was_known_of_rates_is_kept_and_newer_words_count() -> None:
    store = await booked(SECOND)
    before = Shortage({FIRST: 0, SECOND: 0, MONEY: 7})
    found = await look_ahead(store, "acme", Shortage({SECOND: 1}, {SECOND: 5}), before)
    assert found == Shortage({FIRST: 0, SECOND: 1}, {SECOND: 5})
