"""What may have happened is never repeated silently: it is asked for, or a human decides."""

from dataclasses import replace

import pytest

from remit.journal.events import (
    ModelFailed,
    ProbeRequested,
    RunEnded,
    RunRecovered,
    SubrunRequested,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.agent import Agent, Remit
from remit.machine.doubt import MAX_ATTEMPTS
from remit.machine.ending import STOP_GRACE_MS
from tests.machine.bench import Bench, make_agent, one, types
from tests.machine.people import clean
from tests.machine.toolbox import look_up, pay_bill, send_mail, set_flag, write_doc, writer

MAIL = ("send_mail", '{"to":"x"}')
FLAG = ("set_flag", '{"name":"x"}')
LOOK = ("look_up", '{"path":"a"}')
WRITE = ("write_doc", '{"path":"a"}')
PAY = ("pay_bill", '{"amount":"1"}')
BRIEF = ("ask_writer", '{"brief":"x"}')


def worker() -> Agent[object]:
    remit = Remit(approvals={write_doc: 0, send_mail: 0, set_flag: 0, pay_bill: 1})
    return make_agent(
        look_up, write_doc, send_mail, set_flag, pay_bill, agents=(writer,), remit=remit
    )


def begun(*calls: tuple[str, str]) -> Bench:
    bench = Bench(worker())
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def paying() -> Bench:
    bench = begun(PAY)
    bench.approve()
    return bench


def test_what_was_out_is_named_when_another_driver_takes_over() -> None:
    bench = begun(LOOK, MAIL, BRIEF)
    assert one(bench.recover(7), RunRecovered) == RunRecovered(epoch=7, in_doubt=("c1-1",))
    assert one(begun().recover(), RunRecovered).in_doubt == ("c1",)


@pytest.mark.requirement("DUR-6")
def test_a_read_is_made_again() -> None:
    bench = begun(LOOK)
    events = bench.recover()
    assert types(events) == ["RunRecovered", "ToolUnknown", "ToolQueued", "ToolRequested"]
    assert not bench.call().unsure
    assert one(events, ToolRequested).attempt == 2


@pytest.mark.requirement("DUR-6")
def test_a_write_without_a_policy_is_left_to_a_human() -> None:
    bench = begun(MAIL)
    events = bench.recover()
    assert types(events) == ["RunRecovered", "ToolUnknown", "ClockPaused"]
    assert bench.state.waits_for_others
    assert bench.wakes_in_ms is None


@pytest.mark.requirement("DUR-6")
def test_a_human_says_that_it_happened() -> None:
    bench = begun(MAIL)
    bench.recover()
    events = bench.resolved(happened=True)
    assert types(events) == ["ToolResolved", "ToolCompleted", "ClockResumed", "ModelRequested"]
    assert one(events, ToolCompleted).text == "it happened: boss says so"


@pytest.mark.requirement("DUR-6")
def test_a_human_says_that_it_did_not_happen_so_it_goes_again() -> None:
    bench = begun(MAIL)
    bench.recover()
    events = bench.resolved(happened=False)
    assert types(events) == ["ToolResolved", "ToolQueued", "ClockResumed", "ToolRequested"]
    assert not bench.call().unsure


def test_a_call_that_is_not_in_doubt_cannot_be_resolved() -> None:
    bench = begun(MAIL)
    assert types(bench.resolved(happened=False)) == ["InboxIgnored"]
    bench.recover()
    bench.resolved(happened=False)
    assert types(bench.resolved(happened=False)) == ["InboxIgnored"]
    assert len(bench.all_of(ToolRequested)) == 2


@pytest.mark.requirement("DUR-6")
def test_an_idempotent_write_is_repeated_and_that_is_said() -> None:
    bench = begun(FLAG)
    events = bench.recover()
    assert types(events) == ["RunRecovered", "ToolUnknown", "ToolQueued", "ToolRequested"]
    assert bench.call().unsure


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize(
    ("verdict", "follows"),
    [
        ("happened", ["ProbeCompleted", "ToolCompleted", "ModelRequested"]),
        ("absent", ["ProbeCompleted", "ToolQueued", "ToolRequested"]),
        ("unknown", ["ProbeCompleted", "ClockPaused"]),
    ],
)
def test_a_probe_asks_the_system(verdict: str, follows: list[str]) -> None:
    bench = paying()
    assert types(bench.recover()) == ["RunRecovered", "ToolUnknown", "ProbeRequested"]
    assert types(bench.probed(verdict)) == follows


def test_a_probe_whose_driver_is_lost_is_made_again() -> None:
    bench = paying()
    bench.recover()
    assert types(bench.recover()) == ["RunRecovered", "ToolUnknown", "ProbeRequested"]
    assert one(bench.bodies[-1].events, ProbeRequested).attempt == 3


def test_an_answer_of_a_probe_that_nobody_waits_for_is_dropped() -> None:
    bench = paying()
    assert bench.probed("happened") == []
    assert bench.cut() != []
    bench.probed("unknown")
    assert bench.probed("happened") == []


@pytest.mark.parametrize("call", [LOOK, FLAG], ids=["read", "repeat"])
def test_a_call_that_takes_its_driver_down_is_not_tried_for_ever(call: tuple[str, str]) -> None:
    bench = begun(call)
    for _ in range(MAX_ATTEMPTS + 1):
        bench.recover()
    assert len(bench.all_of(ToolRequested)) == MAX_ATTEMPTS
    if call is LOOK:
        assert bench.last(ToolFailed).kind == "error"
        assert bench.state.phase == "thinking"
    else:
        assert bench.call().status == "doubt"


def test_a_probe_is_not_made_for_ever() -> None:
    bench = paying()
    for _ in range(MAX_ATTEMPTS + 1):
        bench.recover()
    assert bench.call().status == "doubt"
    assert bench.call().attempt == MAX_ATTEMPTS


def test_questions_are_no_failed_attempts() -> None:
    bench = begun(LOOK)
    for _ in range(MAX_ATTEMPTS):
        bench.asks()
        bench.says("1")
    assert "ToolRequested" in types(bench.recover())


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize(
    ("call", "follows"),
    [
        (MAIL, ["ToolUnknown", "ClockPaused"]),
        (FLAG, ["ToolUnknown", "ToolQueued", "ToolRequested"]),
        (LOOK, ["ToolUnknown", "ToolQueued", "ToolRequested"]),
    ],
    ids=["ask", "repeat", "read"],
)
def test_a_call_cut_at_its_timeout_is_treated_like_a_lost_one(
    call: tuple[str, str], follows: list[str]
) -> None:
    assert types(begun(call).cut()) == follows


def test_a_write_cut_at_its_timeout_is_asked_for() -> None:
    assert types(paying().cut()) == ["ToolUnknown", "ProbeRequested"]


def test_an_outcome_of_an_earlier_attempt_is_dropped() -> None:
    bench = begun(FLAG)
    stale = ToolUnknown(call="c1-1", attempt=1, reason=clean("it was cut"))
    bench.recover()
    assert bench.give(stale) == []
    assert bench.give(stale.model_copy(update={"call": "c9-9"})) == []
    assert bench.call().status == "released"


def test_a_model_call_in_doubt_is_posted_in_full_and_made_again() -> None:
    bench = begun()
    events = bench.recover()
    assert types(events) == ["RunRecovered", "ModelFailed", "RetryPlanned", "ModelRequested"]
    failed = one(events, ModelFailed)
    assert failed.assumed
    assert [post.amount for post in failed.posts] == [hold.amount for hold in bench.request.holds]
    assert bench.request.attempt == 2


def test_a_model_call_that_waits_for_its_retry_is_not_in_doubt() -> None:
    bench = begun()
    bench.model_fails("rate_limited", retry_after_ms=5_000)
    assert types(bench.recover()) == ["RunRecovered"]
    assert bench.state.phase == "thinking"


def test_a_model_call_that_is_lost_again_and_again_ends_the_run() -> None:
    bench = begun()
    for _ in range(bench.spec.limits.model_attempts):
        bench.recover()
    assert one(bench.log, RunEnded).reason == "provider.in_doubt"


def test_a_sub_run_goes_on_by_itself() -> None:
    bench = begun(BRIEF)
    assert types(bench.recover()) == ["RunRecovered"]
    assert len(bench.all_of(SubrunRequested)) == 1
    assert bench.call().status == "released"


@pytest.mark.parametrize("why", ["cancelled", "deadline", "switched-off"])
@pytest.mark.parametrize("call", [LOOK, FLAG, MAIL, PAY], ids=lambda call: call[0])
def test_a_run_that_must_stop_releases_nothing_after_a_crash(
    call: tuple[str, str], why: str
) -> None:
    bench = begun(call)
    if call is PAY:
        bench.approve()
    before = len(bench.all_of(ToolRequested))
    if why == "cancelled":
        bench.cancel()
    elif why == "deadline":
        bench.pass_ms(bench.spec.limits.timeout_ms)
    else:
        bench.off("agent:worker")
    bench.recover()
    assert len(bench.all_of(ToolRequested)) == before
    assert not bench.all_of(ProbeRequested)
    ended = one(bench.log, RunEnded)
    assert ended.reason == why
    assert ("in doubt" in ended.detail) is (call is not LOOK)


def test_an_idempotent_write_that_may_have_happened_is_not_called_refused() -> None:
    bench = begun(FLAG)
    bench.off("tool:set_flag")
    assert types(bench.cut()) == ["ToolUnknown", "ToolQueued", "ToolUnknown", "ClockPaused"]
    assert bench.call().status == "doubt"
    assert bench.last(ToolUnknown).reason.endswith("the tool is switched off now")


def test_a_write_that_a_probe_did_not_find_may_be_refused_like_any_other() -> None:
    bench = paying()
    bench.cut()
    bench.off("tool:pay_bill")
    events = bench.probed("absent")
    assert types(events)[:3] == ["ProbeCompleted", "ToolQueued", "ToolFailed"]
    assert one(events, ToolFailed).rule == "switch.tool:pay_bill"


def test_a_write_that_waits_for_its_repetition_is_still_in_doubt() -> None:
    bench = begun(FLAG)
    bench.world = replace(bench.world, stale_switches=True)
    assert types(bench.cut()) == ["ToolUnknown", "ToolQueued"]
    bench.cancel()
    assert one(bench.log, RunEnded).detail == "by ann; in doubt: set_flag"


@pytest.mark.parametrize("certain", ["probe", "human"])
def test_what_certainly_did_not_happen_is_not_in_doubt_when_the_run_stops(certain: str) -> None:
    bench = paying() if certain == "probe" else begun(LOOK, WRITE)
    if certain == "probe":
        bench.cut()
        bench.cancel()
        events = bench.probed("absent")
    else:
        bench.cut(2)
        bench.cancel()
        events = bench.resolved(happened=False, number=2)
        bench.wake(STOP_GRACE_MS)
    assert one(events, ToolFailed).kind == "cancelled"
    assert "in doubt" not in one(bench.log, RunEnded).detail
