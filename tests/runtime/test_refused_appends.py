"""Appends that are refused: fenced, in conflict, failed, or too dear, which is decided again."""

import asyncio

import pytest

from remit.errors import NotAllowed, StoreError, StoreGone
from remit.journal.events import (
    BudgetRefused,
    BudgetWarned,
    ModelCompleted,
    ModelRequested,
    RunEnded,
    RunStopping,
    ToolCompleted,
)
from remit.journal.rows import (
    Answer,
    Appended,
    Balance,
    Conflict,
    Crossed,
    Exceeded,
    Fenced,
)
from tests.runtime.driving import (
    ACCOUNT,
    BEGUN,
    CUT,
    GO,
    TWO,
    Steps,
    a_bench,
    cancel,
    fresh,
    put,
    room,
)
from tests.runtime.kit import RUN, TENANT
from tests.runtime.stage import until


@pytest.fixture(autouse=True)
async def _fresh() -> None:
    fresh()


# ---------------------------------------------------------------- answers of the store


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize(
    "answer", [Fenced(2), Conflict("version", 3, RUN), Conflict("exists", 1, RUN)]
)
async def test_a_driver_that_is_not_the_runs_starts_nothing(answer: Answer) -> None:
    bench = a_bench("never", store=Steps(answer))
    await bench.drive()
    assert bench.driver.fenced
    assert bench.events() == []
    assert bench.driver.begun.is_set()
    assert bench.driver.seat.version == 0
    assert len(bench.store.tried) == 1


@pytest.mark.requirement("DUR-6")
async def test_a_driver_that_is_fenced_in_the_middle_cuts_what_it_has_under_way() -> None:
    bench = a_bench([*TWO, {"find_fact": {"name": "pea"}}], "never")
    drive = asyncio.create_task(bench.drive())
    await until(lambda: len(BEGUN) == 3)
    bench.store.always = Fenced(2)
    put(bench, "k1", cancel())
    bench.driver.ring()
    await drive
    assert bench.driver.fenced
    assert sorted(CUT) == ["pea", "sea", "tea"]
    assert not any(isinstance(event, RunStopping) for event in bench.events())


@pytest.mark.requirement("DUR-6")
async def test_a_driver_whose_lease_is_lost_appends_no_more() -> None:
    bench = a_bench([*TWO], "never")
    drive = asyncio.create_task(bench.drive())
    await until(lambda: len(BEGUN) == 2)
    before = len(bench.store.tried)
    bench.driver._lose()
    await drive
    assert sorted(CUT) == ["sea", "tea"]
    assert len(bench.store.tried) == before


async def test_losing_the_lease_of_a_run_that_has_ended_is_no_loss() -> None:
    bench = a_bench("fine")
    await bench.drive()
    bench.driver._lose()
    assert not bench.driver.fenced


async def test_a_second_run_of_a_session_is_told_which_one_is_active() -> None:
    bench = a_bench("never", store=Steps(Conflict("session", 4, "run_other")))
    with pytest.raises(NotAllowed, match="the session s1 has an active run, run_other"):
        await bench.drive()
    assert bench.driver.begun.is_set()


async def test_a_journal_that_fails_ends_the_drive_with_its_error() -> None:
    bench = a_bench([*TWO], "never")
    drive = asyncio.create_task(bench.drive())
    await until(lambda: len(BEGUN) == 2)
    bench.store.steps.append(StoreGone("unplugged"))
    put(bench, "k1", cancel())
    bench.driver.ring()
    with pytest.raises(StoreGone, match="unplugged"):
        await drive
    assert sorted(CUT) == ["sea", "tea"]


# ---------------------------------------------------------------- refused holds


@pytest.mark.requirement("BUD-7")
async def test_a_refused_hold_is_decided_again_knowing_what_is_left() -> None:
    bench = a_bench("fine", store=Steps(room(6_500_000)))
    state = await bench.drive()
    assert state.status == "completed"
    (asked,) = [event for event in bench.events() if isinstance(event, ModelRequested)]
    assert 256 <= asked.max_output_tokens < 1000
    assert asked.holds[0].amount <= 6_500_000
    assert bench.bodies()[0].causes[0].refused == (("run:.|total|nano", 6_500_000),)


@pytest.mark.requirement("BUD-7")
async def test_too_little_room_is_a_refusal_in_the_journal_and_nothing_is_sent() -> None:
    bench = a_bench("never", store=Steps(room(5)))
    state = await bench.drive()
    assert (state.status, state.reason) == ("stopped", "budget")
    (refused,) = [event for event in bench.events() if isinstance(event, BudgetRefused)]
    assert (refused.account, refused.available) == ("run:.|total|nano", 5)
    assert not any(isinstance(event, ModelRequested) for event in bench.events())


@pytest.mark.requirement("BUD-7")
async def test_after_three_refusals_the_budget_counts_as_exhausted() -> None:
    """Others take the room each time before this run gets it."""
    rooms = [room(6_500_000 - n) for n in range(3)]
    bench = a_bench("never", store=Steps(*rooms))
    state = await bench.drive()
    assert (state.status, state.reason) == ("stopped", "budget")
    assert len(bench.store.tried) == 4
    assert [bool(each.holds) for each in bench.store.tried] == [True, True, True, False]
    assert bench.bodies()[0].causes[0].last_try
    assert any(isinstance(event, BudgetRefused) for event in bench.events())


async def test_a_store_that_refuses_what_was_not_asked_for_is_an_error() -> None:
    store = Steps()
    store.always = room(5)
    with pytest.raises(StoreError, match="refuses holds that were not asked for"):
        await a_bench("never", store=store).drive()
    assert len(store.tried) == 4


@pytest.mark.requirement("BUD-7", "DUR-1")
async def test_an_answer_that_was_paid_for_is_not_lost_to_a_refused_next_step() -> None:
    GO[0].set()
    store = Steps(None, None, *[room(5)] * 1)
    bench = a_bench([TWO[0]], "never", store=store)
    state = await bench.drive()
    assert state.reason == "budget"
    names = [type(event) for event in bench.events()]
    assert names.index(ModelCompleted) < names.index(ToolCompleted) < names.index(BudgetRefused)
    done = next(event for event in bench.events() if isinstance(event, ModelCompleted))
    (balance,) = await bench.store.balances(TENANT)
    assert (balance.posted, balance.held) == (done.cost, 0)
    assert state.cost == done.cost > 0


@pytest.mark.requirement("BUD-4")
async def test_a_warning_that_the_last_record_crossed_is_journalled_too() -> None:
    crossed = Crossed(ACCOUNT, 9, 10)
    bench = a_bench("fine", store=Steps(None, Appended((crossed,))))
    await bench.drive()
    kinds = [type(event) for event in bench.events()]
    assert kinds.index(RunEnded) < kinds.index(BudgetWarned)
    assert await bench.store.inbox(TENANT, RUN) == []


# ---------------------------------------------------------------- limits that others set


@pytest.mark.requirement("BUD-4", "BUD-7")
async def test_a_refusal_knows_the_limit_that_an_operator_set_since_the_run_began() -> None:
    lowered = Exceeded((Balance(ACCOUNT, 20, 0, 25),))
    bench = a_bench("never", store=Steps(lowered))
    await bench.drive()
    (refused,) = [event for event in bench.events() if isinstance(event, BudgetRefused)]
    assert (refused.available, refused.limit) == (5, 25)
    assert bench.bodies()[0].causes[0].limits == (("run:.|total|nano", 25),)
