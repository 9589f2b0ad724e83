"""What accounts afford now, by open windows, and the words when it is not enough."""

from dataclasses import replace

import pytest

from remit.journal.events import (
    AccountLimit,
    BudgetRefused,
    Event,
    ModelRequested,
    RunStopping,
)
from remit.machine.affording import accounts_now, rooms
from remit.machine.draft import Draft
from remit.values.windows import Calendar, Shift
from tests.machine.bench import Bench, make_agent, one

DAILY = "user:ann|day|nano"
TODAY = "user:ann|day:1970-01-01|nano"
ACCOUNTS = (AccountLimit(account=DAILY, limit=7_000, plan="free"),)
TOKYO = Calendar(zone="Asia/Tokyo", shifts=(Shift(from_ms=0, minutes=540),))


def short_of(bench: Bench, **world: object) -> list[Event]:
    bench.state = bench.first
    bench.log.clear()
    bench.bodies.clear()
    bench.world = replace(bench.world, **world)  # type: ignore[arg-type]  # by name
    return bench.start()


@pytest.mark.requirement("BUD-3", "BUD-7")
def test_a_hold_names_the_window_that_is_open() -> None:
    bench = Bench(make_agent(), accounts=ACCOUNTS)
    bench.start()
    (hold,) = bench.request.holds
    assert hold.account == TODAY
    assert [each.account for each in bench.state.accounts] == [DAILY]
    draft = Draft(replace(bench.state, calendar=TOKYO), replace(bench.world, now_ms=60_000_000))
    assert [each.account for each in accounts_now(draft)] == ["user:ann|day:1970-01-02|nano"]


@pytest.mark.requirement("BUD-4", "BIL-3")
def test_a_refusal_tells_the_plan_the_limit_in_force_and_when_it_begins_anew() -> None:
    bench = Bench(make_agent(), accounts=ACCOUNTS)
    bench.start()
    told = short_of(bench, refused={TODAY: 5}, limits={TODAY: 9_000})
    refused = one(told, BudgetRefused)
    assert (refused.account, refused.available, refused.limit) == (TODAY, 5, 9_000)
    assert (refused.plan, refused.resets_ms) == ("free", 24 * 3_600_000)
    stopping = one(told, RunStopping)
    assert stopping.reason == "upgrade-required"
    assert "nano-dollars needed, 5 left of 9000" in stopping.detail


@pytest.mark.requirement("BUD-4")
def test_without_a_plan_it_is_the_budget() -> None:
    bench = Bench(make_agent(), accounts=(AccountLimit(account="user:ann|total|calls", limit=0),))
    bench.start()
    told = short_of(bench, refused={"user:ann|total|calls": 0})
    refused = one(told, BudgetRefused)
    assert (refused.plan, refused.resets_ms, refused.needed) == ("", None, 1)
    stopping = one(told, RunStopping)
    assert stopping.reason == "budget"
    assert "1 calls needed, 0 left of 0" in stopping.detail


@pytest.mark.requirement("BUD-7")
def test_what_a_decision_reserved_is_gone_for_the_rest_of_it() -> None:
    bench = Bench(make_agent(), accounts=ACCOUNTS)
    bench.start()
    draft = Draft(bench.state, replace(bench.world, refused={TODAY: 9_000}))
    draft.events = list(bench.log)
    (hold,) = bench.request.holds
    assert rooms(draft) == {TODAY: 9_000 - hold.amount}


@pytest.mark.requirement("BUD-3", "BUD-7")
def test_a_window_that_ended_since_the_refusal_refuses_nothing_any_more() -> None:
    yesterday = "user:ann|day:1969-12-31|nano"
    bench = Bench(make_agent(), accounts=ACCOUNTS)
    bench.start()
    told = short_of(bench, refused={yesterday: 0})
    assert one(told, ModelRequested).holds[0].account == TODAY
    last = short_of(bench, refused={yesterday: 0}, last_try=True)
    refused = one(last, BudgetRefused)
    assert (refused.account, refused.available) == (TODAY, 0)
