"""A cap for exactly 100 calls, and hundreds of requests at once from one, two, four processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.adapters.keys import new_keys
from remit.app import assemble
from tests.overspend.crowd import ClockAhead, Outcome, at_once, cap_of, order_for, outcome, recover
from tests.overspend.program import Order
from tests.support.postgres import PostgresServer

CALLS = 100
# Runs of all processes together; five times what the cap has room for, at once.
RUNS = 500
# The same on a smaller scale, where the number says nothing.
FEW_CALLS, FEW_RUNS = 40, 100
pytestmark = pytest.mark.requirement("BUD-7")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    if request.param == "postgres":
        return server.database()
    return f"sqlite:///{tmp_path / 'journal.db'}"


def check_end(found: Outcome, order: Order) -> None:
    """What holds however it went: all ended, nothing held, accounts and events agree."""
    assert found.balanced
    assert found.held == 0
    assert found.open == 0
    assert found.spent <= cap_of(order) + found.under_declared


@pytest.mark.parametrize("processes", [1, 2, 4])
async def test_exactly_as_many_calls_as_the_cap_has_room_for(url: str, processes: int) -> None:
    """`max_tokens` is absent; every call costs what was estimated."""
    order = await order_for(CALLS, runs=RUNS // processes)
    counts = await at_once(url, order, processes)
    found = await outcome(url, order)
    check_end(found, order)
    assert found.admitted == CALLS
    assert sum(each["completed"] for each in counts) == CALLS
    assert sum(each["stopped"] for each in counts) == RUNS - CALLS
    assert found.under_declared == 0
    # Input and output are rounded up together in the estimate: two nano-dollars a call.
    assert cap_of(order) - found.spent <= 2 * CALLS


async def test_calls_that_use_less_make_room_for_more(url: str) -> None:
    order = await order_for(FEW_CALLS, runs=FEW_RUNS // 2, share=40)
    await at_once(url, order, 2)
    await at_once(url, order.model_copy(update={"name": "again"}), 2)
    found = await outcome(url, order)
    check_end(found, order)
    assert found.under_declared == 0
    # The first wave holds at least what the cap has room for, and uses two fifths of it.
    assert FEW_CALLS + FEW_CALLS // 2 < found.admitted <= 2 * FEW_RUNS


async def test_what_a_provider_under_declares_is_all_that_goes_beyond_the_cap(url: str) -> None:
    """Real use is above what was asked for: entered in full, flagged, and nothing starts after."""
    order = await order_for(FEW_CALLS, runs=FEW_RUNS, share=120)
    await at_once(url, order, 2)
    found = await outcome(url, order)
    check_end(found, order)
    assert 0 < found.admitted <= FEW_CALLS
    assert found.under_declared > 0


@pytest.mark.requirement("DUR-1")
@pytest.mark.parametrize("share", [60, 100])
async def test_cancels_and_kills_leave_no_hold_and_no_overspending(
    url: str, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await order_for(FEW_CALLS, runs=FEW_RUNS, share=share, cancels=7)
    counts = await at_once(url, order, 2, killed=1)
    assert counts[0] == {}
    monkeypatch.setattr(assemble, "WallClock", ClockAhead)
    await recover(url, order)
    found = await outcome(url, order)
    check_end(found, order)
    assert found.in_doubt > 0  # it was killed while calls were under way
    assert found.under_declared == 0
    if share == 100:
        assert found.admitted <= FEW_CALLS + found.in_doubt
