"""A call beyond its rate waits for a place in a window to come, or is refused with the time."""

from dataclasses import replace

import pytest

from remit.errors import SpecError
from remit.journal.events import (
    Hold,
    Post,
    ProbeCompleted,
    ToolCompleted,
    ToolFailed,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.agent import Agent
from remit.machine.charging import settle_call
from remit.machine.declaring import tool
from remit.machine.rating import RULE, WINDOWS_AHEAD
from remit.machine.remit import Remit
from remit.policy.rate import Rate
from tests.machine.bench import MONEY, START_MS, Bench, make_agent, one, types
from tests.machine.toolbox import look_up, pay_bill, send_mail, set_flag

MINUTE = 60_000
# 1970-01-01T00:16:40Z; the next minute begins 20 s later.
NOW, NEXT, AFTER = (f"rate:read_feed,ann|minute:1970-01-01T00:{m}|calls" for m in (16, 17, 18))
NEXT_MS = START_MS + 20_000
HALF_SPREAD_MS = MINUTE // 10 // 2
READ = ("read_feed", '{"path":"a"}')
MAIL = ("send_mail", '{"to":"x"}')


@tool(rate="2/minute")
def read_feed(path: str) -> str:
    """Read a feed."""
    return path


def begun(
    *calls: tuple[str, str], agent: Agent[object] | None = None, refused: dict[str, int] | None
) -> Bench:
    """A run whose model wants these calls, on a store that refuses so much."""
    bench = Bench(agent or make_agent(read_feed, look_up))
    bench.start()
    bench.world = replace(bench.world, refused=refused or {})
    bench.answer("", *calls)
    bench.world = replace(bench.world, refused={})
    return bench


def refused(bench: Bench) -> str:
    failed = bench.last(ToolFailed)
    assert (failed.kind, failed.rule) == ("limit", RULE)
    return failed.text


@pytest.mark.requirement("TOOL-15")
def test_a_call_takes_a_place_in_the_window_that_is_open_and_keeps_it() -> None:
    bench = begun(READ, refused=None)
    asked = bench.last(ToolRequested)
    assert asked.holds == (Hold(account=NOW, amount=1, limit=2),)
    events = bench.done()
    assert one(events, ToolCompleted).posts == (Post(account=NOW, amount=1),)
    assert one(events, ToolCompleted).cost == 0
    assert begun(("look_up", '{"path":"a"}'), refused=None).last(ToolRequested).holds == ()


@pytest.mark.requirement("TOOL-15")
def test_a_call_that_certainly_did_not_begin_gives_its_place_back() -> None:
    bench = begun(READ, refused=None)
    failed = one(bench.failed(charged=0), ToolFailed)
    assert failed.posts == (Post(account=NOW, amount=0),)
    again = settle_call(bench.inputs[-1][0].calls[0], failed)
    assert again == failed, "what was journalled is enough to decide again"


@pytest.mark.requirement("TOOL-15")
def test_beyond_the_rate_calls_book_places_in_windows_to_come_and_the_clock_runs() -> None:
    calls = [("read_feed", f'{{"path":"{path}"}}') for path in "abcd"]
    bench = begun(*calls, refused={NOW: 1, NEXT: 2, AFTER: 2})
    assert [call.status for call in bench.state.calls] == ["released", *["delayed"] * 3]
    waits = bench.all_of(ToolPostponed)
    booked = [[hold.account for hold in each.holds] for each in waits]
    assert booked == [[NEXT], [NEXT], [AFTER]]
    assert [each.account for each in waits] == [NOW] * 3
    at_ms = NEXT_MS + HALF_SPREAD_MS
    assert [each.until_ms for each in waits] == [at_ms, at_ms, at_ms + MINUTE]
    bench.done(1)
    assert not bench.state.waits_for_others
    assert bench.state.paused_ms is None
    assert bench.wakes_in_ms == at_ms - START_MS


@pytest.mark.requirement("TOOL-15")
def test_at_its_instant_it_takes_what_it_had_booked() -> None:
    bench = begun(READ, refused={NOW: 0, NEXT: 1})
    until_ms = bench.last(ToolPostponed).until_ms
    assert bench.wake(until_ms - START_MS - 1) == []
    events = bench.wake(1)
    assert types(events) == ["ToolQueued", "ToolRequested"]
    assert one(events, ToolQueued).posts == (Post(account=NEXT, amount=0),)
    assert one(events, ToolRequested).holds == (Hold(account=NEXT, amount=1, limit=2),)
    assert bench.call().booked == ()


@pytest.mark.requirement("TOOL-15")
def test_a_place_that_was_slept_through_is_lost_and_another_is_taken() -> None:
    bench = begun(READ, refused={NOW: 0, NEXT: 1})
    bench.pass_ms(NEXT_MS + MINUTE - START_MS)
    bench.world = replace(bench.world, refused={AFTER: 0})
    assert types(bench.wake()) == ["ToolQueued", "ToolPostponed"]
    assert bench.last(ToolPostponed).holds[0].account == AFTER.replace("00:18", "00:19")


@pytest.mark.requirement("TOOL-15")
def test_where_others_were_faster_each_time_it_tries_again_without_a_place() -> None:
    bench = Bench(make_agent(read_feed))
    bench.start()
    bench.world = replace(bench.world, refused={NOW: 0}, last_try=True)
    bench.answer("", READ)
    assert bench.last(ToolPostponed).holds == ()
    bench.world = replace(bench.world, refused={}, last_try=False)
    events = bench.wake(bench.last(ToolPostponed).until_ms - START_MS)
    assert types(events) == ["ToolQueued", "ToolRequested"]
    assert one(events, ToolQueued).posts == ()


@pytest.mark.requirement("TOOL-15")
def test_two_rates_are_kept_together() -> None:
    agent = make_agent(look_up, remit=Remit(rates={look_up: ("2/second", "30/minute")}))
    second, minute = "rate:look_up,ann|second", "rate:look_up,ann|minute"
    full = {
        f"{second}:1970-01-01T00:16:40|calls": 0,
        f"{second}:1970-01-01T00:16:41|calls": 0,
        f"{minute}:1970-01-01T00:16|calls": 0,
        f"{second}:1970-01-01T00:17:00|calls": 0,
    }
    bench = begun(("look_up", '{"path":"a"}'), agent=agent, refused=full)
    waits = bench.last(ToolPostponed)
    assert [hold.account for hold in waits.holds] == [
        f"{second}:1970-01-01T00:17:01|calls",
        f"{minute}:1970-01-01T00:17|calls",
    ]
    assert waits.until_ms == NEXT_MS + 1_000 + 50


@pytest.mark.requirement("TOOL-15")
def test_a_call_that_is_tried_again_counts_once() -> None:
    agent = make_agent(set_flag, remit=Remit(approvals={set_flag: 0}, rates={"set_*": "5/day"}))
    bench = begun(("set_flag", '{"name":"x"}'), agent=agent, refused=None)
    assert len(bench.last(ToolRequested).holds) == 2
    events = bench.cut()
    assert types(events) == ["ToolUnknown", "ToolQueued", "ToolRequested"]
    rated = [post for post in one(events, ToolUnknown).posts if post.account.startswith("rate:")]
    assert [post.amount for post in rated] == [1]
    assert [hold.account for hold in one(events, ToolRequested).holds] == [MONEY]
    bench.recover()
    assert [hold.account for hold in bench.last(ToolRequested).holds] == [MONEY]


@pytest.mark.requirement("TOOL-15")
def test_an_attempt_that_did_not_begin_after_all_counts_when_it_is_made() -> None:
    remit = Remit(approvals={send_mail: 0}, rates={send_mail: "5/hour"})
    bench = begun(MAIL, agent=make_agent(send_mail, remit=remit), refused=None)
    bench.cut(charged=0)
    events = bench.resolved(happened=False)
    assert [hold.amount for hold in one(events, ToolRequested).holds] == [1]


@pytest.mark.requirement("TOOL-15", "BUD-7")
def test_what_did_not_happen_is_taken_back_of_the_money_and_not_of_the_rate() -> None:
    remit = Remit(approvals={pay_bill: 1}, rates={pay_bill: "5/hour"})
    bench = begun(
        ("pay_bill", '{"amount":"1"}'), agent=make_agent(pay_bill, remit=remit), refused=None
    )
    bench.approve()
    bench.cut()
    events = bench.probed("absent")
    assert [post.account for post in one(events, ProbeCompleted).posts] == [MONEY]
    assert [hold.account for hold in one(events, ToolRequested).holds] == [MONEY]
    assert one(bench.cut(charged=0), ToolUnknown).posts[0].account == MONEY


def test_a_tool_that_reports_its_price_counts_though_it_cost_nothing() -> None:
    remit = Remit(approvals={pay_bill: 1}, rates={pay_bill: "5/hour"})
    bench = begun(
        ("pay_bill", '{"amount":"1"}'), agent=make_agent(pay_bill, remit=remit), refused=None
    )
    bench.approve()
    posts = one(bench.done(charged=0), ToolCompleted).posts
    assert {post.account == MONEY: post.amount for post in posts} == {True: 0, False: 1}


# ---------------------------------------------------------------- refusing


@pytest.mark.requirement("TOOL-15")
def test_a_rate_that_refuses_tells_the_model_when_to_try_again() -> None:
    agent = make_agent(look_up, remit=Remit(rates={look_up: Rate(rate="1/minute", when="refuse")}))
    name = "rate:look_up,ann|minute:1970-01-01T00:16|calls"
    bench = begun(("look_up", '{"path":"a"}'), agent=agent, refused={name: 0})
    assert refused(bench) == (
        "refused: its rate of 1/minute is used up; "
        "it may be called again at 1970-01-01T00:17:00Z, in 20.0 s (limits.rate)"
    )


@pytest.mark.requirement("TOOL-15")
def test_what_would_wait_beyond_the_deadline_is_refused_at_once() -> None:
    agent = make_agent(look_up, remit=Remit(timeout="30s", rates={look_up: "1/hour"}))
    name = "rate:look_up,ann|hour:1970-01-01T00|calls"
    bench = begun(("look_up", '{"path":"a"}'), agent=agent, refused={name: 0})
    assert "it may be called again at 1970-01-01T01:00:00Z, in 43 min 20 s" in refused(bench)


@pytest.mark.requirement("TOOL-15")
def test_where_every_window_to_come_is_full_it_is_refused() -> None:
    agent = make_agent(look_up, remit=Remit(rates={look_up: "1/second"}))
    name = "rate:look_up,ann|second:1970-01-01T"
    full = {
        f"{name}{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}|calls": 0
        for at in range(1_000, 1_000 + WINDOWS_AHEAD + 1)
    }
    bench = begun(("look_up", '{"path":"a"}'), agent=agent, refused=full)
    assert "and so are the windows to come" in refused(bench)


@pytest.mark.requirement("TOOL-15", "BUD-7")
def test_what_is_not_affordable_is_refused_before_its_rate_is_asked() -> None:
    remit = Remit(approvals={pay_bill: 1}, rates={pay_bill: "1/minute"})
    agent = make_agent(pay_bill, remit=remit)
    bench = begun(("pay_bill", '{"amount":"1"}'), agent=agent, refused=None)
    full = "rate:pay_bill,ann|minute:1970-01-01T00:16|calls"
    bench.world = replace(bench.world, refused={MONEY: 1, full: 0})
    assert types(bench.approve())[:4] == [
        "ApprovalGiven",
        "ToolQueued",
        "ClockResumed",
        "BudgetRefused",
    ]


# ---------------------------------------------------------------- leaving the queue


def waiting() -> Bench:
    return begun(READ, refused={NOW: 0, NEXT: 2})


@pytest.mark.requirement("TOOL-15", "TOOL-14")
def test_a_waiting_call_that_is_called_back_gives_its_place_back() -> None:
    bench = waiting()
    events = bench.recall("ann")
    assert types(events)[:3] == ["CallRecalled", "ToolQueued", "ToolFailed"]
    assert one(events, ToolQueued).posts == (Post(account=NEXT, amount=0),)


@pytest.mark.requirement("TOOL-15", "DUR-6")
def test_a_run_that_ends_gives_its_places_back() -> None:
    bench = waiting()
    assert types(bench.cancel()) == ["CancelRequested", "RunStopping", "ToolQueued", "RunEnded"]
    assert bench.all_of(ToolQueued)[-1].posts == (Post(account=NEXT, amount=0),)


@pytest.mark.requirement("TOOL-15")
def test_a_crash_leaves_a_waiting_call_as_it_was() -> None:
    bench = waiting()
    assert types(bench.recover()) == ["RunRecovered"]
    assert bench.call().booked[0].account == NEXT
    events = bench.wake(bench.last(ToolPostponed).until_ms - START_MS)
    assert types(events) == ["ToolQueued", "ToolRequested"]


@pytest.mark.requirement("TOOL-15", "TOOL-14")
def test_a_delayed_write_takes_its_rate_when_it_leaves() -> None:
    remit = Remit(approvals={send_mail: 0}, rates={send_mail: "1/hour"}, delays={send_mail: "5m"})
    bench = begun(MAIL, agent=make_agent(send_mail, remit=remit), refused=None)
    full = "rate:send_mail,ann|hour:1970-01-01T00|calls"
    bench.world = replace(bench.world, refused={full: 0})
    events = bench.wake(5 * MINUTE)
    assert types(events)[:3] == ["ToolQueued", "ClockResumed", "ToolFailed"]
    bench = begun(MAIL, agent=make_agent(send_mail, remit=remit), refused=None)
    assert bench.wake(5 * MINUTE)[-1].type == "ToolRequested"


# ---------------------------------------------------------------- declaring


@pytest.mark.requirement("TOOL-15")
def test_a_tool_declares_its_rates() -> None:
    assert read_feed.spec.rates == (Rate(rate="2/minute"),)

    @tool(rate=("2/second", Rate(rate="30/minute", per=("tool",))))
    def read_more(path: str) -> str:
        """Read more."""
        return path

    assert [each.rate for each in read_more.spec.rates] == ["2/second", "30/minute"]


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        ("often", "tool 'read_more': rate: .*is not a rate such as"),
        (Rate(rate="1/day", per=("tenant",)), "is that of this tool: leave 'tool' in per"),
        (Rate(rate="1/day", tool="x"), "and name no other"),
    ],
)
def test_a_rate_that_cannot_work_is_refused(rate: str | Rate, message: str) -> None:
    with pytest.raises(SpecError, match=message):

        @tool(rate=rate)
        def read_more(path: str) -> str:
            """Read more."""
            return path


@pytest.mark.requirement("TOOL-15")
def test_a_remit_declares_rates_by_tool_or_glob() -> None:
    rates = {look_up: "5/hour", "send_*": (Rate(rate="1/day", when="refuse"), "1/second")}
    found = Remit(rates=rates).all_rates()  # type: ignore[arg-type]  # the keys are of two kinds
    assert [(each.tool, each.rate, each.when) for each in found] == [
        ("look_up", "5/hour", "wait"),
        ("send_*", "1/day", "refuse"),
        ("send_*", "1/second", "wait"),
    ]
    with pytest.raises(SpecError, match=r"rates\['look_up'\] is wrong: .*is not a rate"):
        make_agent(look_up, remit=Remit(rates={look_up: "5/year"}))
