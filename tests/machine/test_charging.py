"""A priced call holds the most it can cost and is settled by what is known of it afterwards."""

from dataclasses import replace

import pytest

from remit.journal.events import (
    AccountLimit,
    BudgetRefused,
    Hold,
    InputRequested,
    ModelRequested,
    Post,
    ProbeCompleted,
    RunEnded,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.machine.agent import Agent, Remit
from remit.machine.charging import settle_call
from remit.machine.declaring import tool
from remit.machine.ending import STOP_GRACE_MS
from remit.machine.tools import probe
from tests.machine.bench import MONEY, TOKENS, Bench, make_agent, one, types
from tests.machine.people import clean
from tests.machine.toolbox import look_up, set_flag, was_paid


@tool(
    access="write",
    on_crash=probe(was_paid),
    resources="bank:{amount}",
    price_usd="0.002",
    reports_price=True,
)
def buy_shares(amount: int) -> str:
    """Buy shares."""
    return str(amount)


PAY = ("buy_shares", '{"amount":1}')
FLAG = ("set_flag", '{"name":"x"}')
PAY_MORE = ("buy_shares", '{"amount":2}')
LOOK = ("look_up", '{"path":"a"}')
DEAR, CHEAP = 2_000_000, 1_000
"""What buying shares costs at most, and what setting a flag costs."""
ACCOUNTS = (
    AccountLimit(account=MONEY, limit=7_000_000),
    AccountLimit(account=TOKENS, limit=50_000),
    AccountLimit(account="user:ann|total|calls", limit=9),
    AccountLimit(account="session:s1|alert|nano", limit=5),
)


def worker() -> Agent[object]:
    return make_agent(
        look_up, buy_shares, set_flag, remit=Remit(approvals={buy_shares: 0, set_flag: 0})
    )


def begun(*calls: tuple[str, str]) -> Bench:
    bench = Bench(worker(), accounts=ACCOUNTS)
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def on_both(amount: int) -> tuple[Post, ...]:
    """An amount on the accounts that count money."""
    return (
        Post(account=MONEY, amount=amount),
        Post(account="session:s1|alert|nano", amount=amount),
    )


@pytest.mark.requirement("BUD-1", "BUD-7")
def test_a_priced_call_holds_its_price_on_the_accounts_that_count_money() -> None:
    bench = begun(PAY, LOOK)
    pay, look = bench.all_of(ToolRequested)
    assert pay.holds == (
        Hold(account=MONEY, amount=DEAR, limit=7_000_000),
        Hold(account="session:s1|alert|nano", amount=DEAR, limit=5),
    )
    assert look.holds == ()
    assert (bench.call(1).holds, bench.call(2).holds) == (pay.holds, ())


@pytest.mark.requirement("BUD-1")
def test_one_that_answers_costs_its_price_and_the_run_as_much_more() -> None:
    bench = begun(FLAG)
    before = bench.state.cost
    done = one(bench.done(), ToolCompleted)
    assert (done.cost, done.posts, done.assumed, done.over_hold) == (
        CHEAP,
        on_both(CHEAP),
        False,
        False,
    )
    assert bench.state.cost == before + CHEAP
    bench.answer("All done.")
    ended = bench.last(RunEnded)
    assert ended.cost == sum(p.amount for p in _money(bench)) == bench.state.cost


def _money(bench: Bench) -> list[Post]:
    found = [post for event in bench.log for post in getattr(event, "posts", ())]
    return [post for post in found if post.account == MONEY]


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize(
    ("charged", "cost", "assumed", "over"),
    [
        (1_300_000, 1_300_000, False, False),
        (0, 0, False, False),
        (None, DEAR, True, False),
        (2_500_000, 2_500_000, False, True),
    ],
)
def test_a_reported_price_counts_and_one_that_was_not_reported_is_assumed(
    charged: int | None, cost: int, assumed: bool, over: bool
) -> None:
    done = one(begun(PAY).done(charged=charged), ToolCompleted)
    assert (done.cost, done.assumed, done.over_hold) == (cost, assumed, over)
    assert done.posts == on_both(cost)


@pytest.mark.requirement("BUD-1")
def test_one_that_failed_may_have_been_billed_and_counts() -> None:
    flag = one(begun(FLAG).failed(), ToolFailed)
    assert (flag.cost, flag.assumed) == (CHEAP, False)
    pay = one(begun(PAY).failed(), ToolFailed)
    assert (pay.cost, pay.assumed) == (DEAR, True)
    said = one(begun(PAY).failed(charged=9), ToolFailed)
    assert (said.cost, said.assumed) == (9, False)


@pytest.mark.requirement("BUD-1")
def test_one_that_certainly_did_not_begin_costs_nothing() -> None:
    bench = begun(FLAG)
    before = bench.state.cost
    failed = one(bench.failed(charged=0), ToolFailed)
    assert (failed.cost, failed.posts, failed.charged) == (0, on_both(0), 0)
    assert bench.state.cost == before


@pytest.mark.parametrize(("charged", "cost"), [(None, DEAR), (5, DEAR), (3_000_000, 3_000_000)])
def test_of_one_that_was_cut_what_it_said_is_only_the_least(charged: int | None, cost: int) -> None:
    unknown = one(begun(PAY).cut(charged=charged), ToolUnknown)
    assert (unknown.cost, unknown.assumed, unknown.posts) == (cost, True, on_both(cost))
    bench = begun(PAY)
    timeout = ToolFailed(
        call="c1-1", attempt=1, kind="timeout", text=clean("late"), charged=charged
    )
    failed = settle_call(bench.call(), timeout)
    assert (failed.cost, failed.assumed) == (cost, True)


def test_without_a_price_nothing_is_said_of_money() -> None:
    failed = one(begun(LOOK).failed(charged=0), ToolFailed)
    assert (failed.charged, failed.cost, failed.posts) == (None, 0, ())


@pytest.mark.requirement("APR-5", "BUD-1")
@pytest.mark.parametrize(("charged", "cost"), [(None, 0), (40, 40)])
def test_a_tool_that_asks_a_human_costs_what_it_said_until_then(
    charged: int | None, cost: int
) -> None:
    bench = begun(PAY)
    asked = one(bench.asks(charged=charged), InputRequested)
    assert (asked.cost, asked.posts) == (cost, on_both(cost))
    bench.says("3")
    again = bench.last(ToolRequested)
    assert (again.attempt, again.holds[0].amount) == (2, DEAR)
    assert one(bench.done(charged=7), ToolCompleted).cost == 7


# ---------------------------------------------------------------- in doubt


@pytest.mark.requirement("BUD-1", "DUR-6")
def test_one_in_doubt_is_assumed_and_taken_back_when_the_system_knows_nothing_of_it() -> None:
    bench = begun(PAY)
    paid = bench.state.cost
    bench.recover()
    assert bench.state.cost == paid + DEAR
    absent = one(bench.probed("absent"), ProbeCompleted)
    assert (absent.cost, absent.posts) == (-DEAR, on_both(-DEAR))
    assert bench.state.cost == paid
    assert bench.last(ToolRequested).holds[0].amount == DEAR
    assert one(bench.done(charged=11), ToolCompleted).cost == 11
    assert bench.state.cost == paid + 11


@pytest.mark.requirement("BUD-1", "DUR-6")
@pytest.mark.parametrize("verdict", ["happened", "unknown"])
def test_what_happened_or_may_have_stays_paid(verdict: str) -> None:
    bench = begun(PAY)
    bench.cut()
    paid = bench.state.cost
    probed = one(bench.probed(verdict), ProbeCompleted)
    assert (probed.cost, probed.posts, bench.state.cost) == (0, (), paid)


@pytest.mark.requirement("BUD-1", "APR-1")
def test_a_human_who_says_that_it_did_not_happen_takes_all_of_it_back() -> None:
    bench = begun(PAY)
    paid = bench.state.cost
    bench.cut()
    bench.probed("unknown")
    said = one(bench.resolved(happened=False), ToolResolved)
    assert (said.cost, said.posts) == (-DEAR, on_both(-DEAR))
    assert bench.state.cost == paid
    bench.cut()
    bench.probed("unknown")
    assert one(bench.resolved(happened=True), ToolResolved).cost == 0
    assert bench.state.cost == paid + DEAR


def test_a_call_that_is_repeated_was_assumed_each_time_it_was_lost() -> None:
    bench = begun(FLAG)
    paid = bench.state.cost
    for _ in range(2):
        assert one(bench.recover(), ToolUnknown).cost == CHEAP
    bench.done()
    assert bench.state.cost == paid + 3 * CHEAP


def test_a_probe_that_is_lost_costs_nothing() -> None:
    bench = begun(PAY)
    bench.cut()
    paid = bench.state.cost
    lost = one(bench.recover(), ToolUnknown)
    assert (lost.cost, lost.posts, bench.state.cost) == (0, (), paid)


def test_what_was_cut_and_does_not_answer_is_settled_before_the_run_ends() -> None:
    bench = begun(PAY, FLAG)
    bench.cancel()
    bench.wake(STOP_GRACE_MS)
    unknown = bench.all_of(ToolUnknown)
    assert [each.cost for each in unknown] == [DEAR]  # the flag waited for the bill
    assert bench.last(RunEnded).cost == bench.state.cost


# ---------------------------------------------------------------- what is not affordable


def short(bench: Bench, room: int, **world: bool) -> Bench:
    """The store refused, and this is left in money."""
    bench.world = replace(bench.world, refused={MONEY: room}, **world)  # type: ignore[arg-type]  # by name
    return bench


@pytest.mark.requirement("BUD-1", "BUD-3")
def test_a_call_that_is_not_affordable_is_an_observation_and_the_cheaper_one_goes() -> None:
    bench = short(begun(), CHEAP)
    events = bench.answer("", PAY, FLAG)
    refused = one(events, BudgetRefused)
    assert (refused.call, refused.account) == ("c1-1", MONEY)
    assert (refused.needed, refused.available, refused.limit) == (DEAR, CHEAP, 7_000_000)
    failed = one(events, ToolFailed)
    assert (failed.call, failed.kind, failed.rule) == ("c1-1", "limit", f"budget.{MONEY}")
    assert "$0.0020" in failed.text
    assert one(events, ToolRequested).call == "c1-2"
    assert bench.state.phase == "acting"


@pytest.mark.requirement("BUD-7")
def test_what_one_call_reserves_is_not_there_for_the_next() -> None:
    events = short(begun(), 2 * DEAR - 1).answer("", PAY, PAY_MORE, LOOK)
    refused = one(events, BudgetRefused)
    assert (refused.call, refused.available) == ("c1-2", DEAR - 1)
    released = [event.call for event in events if isinstance(event, ToolRequested)]
    assert released == ["c1-1", "c1-3"]


def test_on_the_last_try_no_priced_call_goes() -> None:
    events = short(begun(), 10**9, last_try=True).answer("", FLAG, LOOK)
    assert one(events, BudgetRefused).call == "c1-1"
    assert one(events, ToolRequested).call == "c1-2"


def test_one_that_may_have_happened_is_not_called_refused() -> None:
    bench = begun(FLAG)
    short(bench, 0)
    events = bench.recover()
    assert types(events)[:4] == ["RunRecovered", "ToolUnknown", "ToolQueued", "BudgetRefused"]
    assert [event.cost for event in bench.all_of(ToolUnknown)] == [CHEAP, 0]
    assert bench.call().status == "doubt"
    bench.world = replace(bench.world, refused={})
    taken = one(bench.resolved(happened=False), ToolResolved)
    assert taken.cost == -CHEAP


def test_a_refused_call_leaves_the_model_what_is_left() -> None:
    bench = begun()
    bound = bench.request.input_bound
    short(bench, bound * 3)
    events = bench.answer("", PAY)
    assert types(events)[-1] == "ModelRequested"
    assert one(events, ModelRequested).holds[0].amount <= bound * 3
