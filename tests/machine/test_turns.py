"""What a model request counts, digests, reserves, and what happens when it cannot be paid."""

from dataclasses import replace

import pytest

from remit.journal.events import AccountLimit, BudgetRefused, Event, ModelRequested
from remit.machine.turns import input_bound
from tests.machine.bench import MONEY, TOKENS, Bench, make_agent, one, types
from tests.machine.toolbox import look_up

LOOK = ("look_up", '{"path":"a"}')
BOTH = (AccountLimit(account=MONEY, limit=7_000), AccountLimit(account=TOKENS, limit=7_000))


def afresh(bench: Bench, refused: dict[str, int], *, last_try: bool = False) -> list[Event]:
    """The start of the run, decided again after the store refused its holds."""
    bench.state = bench.first
    bench.log.clear()
    bench.bodies.clear()
    bench.world = replace(bench.world, refused=refused, last_try=last_try)
    return bench.start()


def test_a_request_counts_and_digests_the_results_it_sends() -> None:
    short, long = Bench(make_agent(look_up)), Bench(make_agent(look_up))
    for bench, text in ((short, "short"), (long, "a much longer result")):
        bench.start()
        bench.answer("", LOOK)
        bench.done(text=text)
        assert bench.request.messages == len(bench.state.messages) == 3
    assert short.request.digest != long.request.digest
    assert short.request.input_bound < long.request.input_bound
    assert long.request.input_bound == input_bound(long.state)


@pytest.mark.requirement("DUR-8")
def test_a_continued_conversation_is_sent_and_counts() -> None:
    earlier = Bench(make_agent())
    earlier.start("My name is Ann.")
    earlier.answer("A long answer. " * 50)
    fresh = Bench(make_agent())
    continued = Bench(make_agent(), history=earlier.state.messages)
    fresh.start()
    continued.start()
    assert continued.state.messages[0].text == "My name is Ann."
    assert continued.request.messages == 3
    assert continued.request.input_bound > fresh.request.input_bound + 700
    assert continued.request.digest != fresh.request.digest


@pytest.mark.requirement("BUD-1", "BUD-2")
def test_every_request_holds_its_worst_case_on_every_account() -> None:
    bench = Bench(make_agent(), accounts=BOTH)
    bench.start()
    bound = bench.request.input_bound
    held = {hold.account: hold.amount for hold in bench.request.holds}
    assert held == {MONEY: bound + 2 * 1000 + 2, TOKENS: bound + 1000}


@pytest.mark.requirement("BUD-1")
def test_after_a_refusal_the_output_is_cut_to_what_is_left() -> None:
    bench = Bench(make_agent())
    bound = one(bench.start(), ModelRequested).input_bound
    request = one(afresh(bench, {MONEY: bound + 2 + 2 * 700}), ModelRequested)
    assert request.max_output_tokens == 700
    assert request.holds[0].amount == bound + 2 + 2 * 700


@pytest.mark.requirement("BUD-1", "BUD-2", "BUD-4")
@pytest.mark.parametrize(("account", "unit"), [(MONEY, "nano-dollars"), (TOKENS, "tokens")])
def test_a_budget_that_affords_no_useful_answer_ends_the_run(account: str, unit: str) -> None:
    bench = Bench(make_agent(), accounts=BOTH)
    events = afresh(bench, {MONEY: 10**9, TOKENS: 10**9, account: 300})
    assert types(events) == ["RunStarted", "BudgetRefused", "RunStopping", "RunEnded"]
    refused = one(events, BudgetRefused)
    assert (refused.account, refused.available, refused.limit) == (account, 300, 7_000)
    assert refused.needed > 300
    assert bench.state.reason == "budget"
    assert f"{refused.needed} {unit} needed, 300 left of 7000" in bench.state.detail


@pytest.mark.parametrize(("room", "follows"), [(200, "ModelRequested"), (199, "BudgetRefused")])
def test_a_small_output_limit_is_not_cut_below_itself(room: int, follows: str) -> None:
    bench = Bench(make_agent(max_output_tokens=100))
    bound = one(bench.start(), ModelRequested).input_bound
    assert types(afresh(bench, {MONEY: bound + 2 + room}))[1] == follows


def test_on_the_last_try_nothing_is_reserved_any_more() -> None:
    events = afresh(Bench(make_agent()), {MONEY: 10**9}, last_try=True)
    assert "BudgetRefused" in types(events)


def test_a_retry_that_no_longer_fits_ends_the_run() -> None:
    bench = Bench(make_agent())
    bench.start()
    bench.model_fails("rate_limited")
    bench.world = replace(bench.world, refused={MONEY: 0})
    bench.wake(60_000)
    assert bench.state.reason == "budget"
