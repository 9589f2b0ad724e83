"""What a model call cost is entered once; what may have been billed is entered in full."""

from typing import get_args

import pytest

from remit.errors import UnpricedModel
from remit.journal.events import (
    AccountLimit,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RetryPlanned,
    RunEnded,
    RunStarted,
)
from remit.journal.fact import Post
from remit.machine.agent import Remit
from remit.values.model import TRANSIENT, FailureKind
from remit.values.usage import Usage
from tests.machine.bench import MONEY, Bench, make_agent, one, types
from tests.machine.people import clean

UNBILLED = {
    "rate_limited",
    "overloaded",
    "server",
    "connection",
    "auth",
    "bad_request",
    "not_found",
    "too_large",
    "billing",
}
KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


def begun(remit: Remit | None = None) -> Bench:
    bench = Bench(make_agent(remit=remit))
    bench.start()
    return bench


@pytest.mark.requirement("BUD-1")
def test_an_answer_is_settled_by_its_real_usage() -> None:
    bench = begun()
    bench.answer("Done.", usage=Usage(input=100, output=10))
    done = bench.last(ModelCompleted)
    assert (done.cost, done.over_hold) == (120, False)
    assert [(post.account, post.amount) for post in done.posts] == [(MONEY, 120)]
    ended = one(bench.log, RunEnded)
    assert (ended.cost, ended.usage.total) == (120, 110)


def test_an_answer_that_cost_more_than_was_held_says_so() -> None:
    bench = begun()
    bench.answer("Done.", usage=Usage(input=10**6, output=10))
    done = bench.last(ModelCompleted)
    assert done.over_hold
    assert done.posts[0].amount == done.cost == 10**6 + 20


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_free_only_if_it_cannot_have_been_billed(kind: FailureKind) -> None:
    bench = begun()
    hold = bench.request.holds[0].amount
    failed = one(bench.model_fails(kind), ModelFailed)
    paid = kind not in UNBILLED
    assert failed.assumed is paid
    assert failed.posts[0].amount == failed.cost == (hold if paid else 0)


def test_a_failure_whose_usage_is_known_is_settled_by_it() -> None:
    bench = begun()
    failed = one(bench.model_fails("stream_broken", usage=Usage(input=50, output=5)), ModelFailed)
    assert (failed.cost, failed.assumed, failed.posts[0].amount) == (60, False, 60)
    assert bench.state.usage.total == 55


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("kind", KINDS)
def test_only_what_may_pass_is_tried_again(kind: FailureKind) -> None:
    bench = begun()
    events = bench.model_fails(kind)
    if kind in TRANSIENT:
        assert types(events) == ["ModelFailed", "RetryPlanned"]
    else:
        assert types(events) == ["ModelFailed", "RunStopping", "RunEnded"]
        assert (bench.state.reason, bench.state.detail) == (f"provider.{kind}", kind)


@pytest.mark.requirement("PROV-2")
def test_it_is_tried_as_often_as_allowed_and_no_more() -> None:
    bench = begun(Remit(model_attempts=3))
    for _ in range(3):
        bench.model_fails("overloaded")
        bench.wake(60_000)
    assert len(bench.all_of(ModelRequested)) == 3
    assert bench.state.reason == "provider.overloaded"


def test_an_answer_makes_room_for_new_failures() -> None:
    bench = begun(Remit(model_attempts=2))
    for _ in range(3):
        bench.model_fails("overloaded")
        bench.wake(60_000)
        bench.answer("", ("unheard_of", "{}"))
    assert bench.state.phase == "thinking"


def test_a_wait_that_is_longer_than_the_run_is_not_begun() -> None:
    bench = begun()
    bench.model_fails("rate_limited", retry_after_ms=600_000)
    assert bench.state.reason == "provider.rate_limited"


@pytest.mark.requirement("STOP-1")
def test_a_failure_at_the_deadline_is_called_by_the_deadline() -> None:
    bench = begun()
    bench.pass_ms(600_000)
    bench.model_fails("timeout")
    assert bench.state.reason == "deadline"


def test_each_try_has_a_hold_of_its_own() -> None:
    bench = begun()
    bench.model_fails("timeout")
    planned = bench.last(RetryPlanned)
    bench.wake(60_000)
    assert (planned.call, planned.attempt) == (bench.request.call, bench.request.attempt)
    assert bench.request.holds
    bench.answer("Done.")
    hold = bench.request.holds[0].amount
    assert bench.state.cost == hold + bench.last(ModelCompleted).cost


def test_an_outcome_of_another_attempt_or_call_is_dropped() -> None:
    bench = begun()
    model = bench.state.model
    assert model is not None
    late = ModelFailed(call="c9", kind="timeout", detail=clean(""))
    assert bench.give(late) == []
    bench.model_fails("timeout")
    first = ModelFailed(call=model.call, attempt=1, kind="timeout", detail=clean(""))
    assert bench.give(first) == []
    bench.wake(60_000)
    assert bench.give(first) == []
    stale = ModelCompleted(call="c1", parts=(), stop="end", usage=Usage(), model="x")
    assert bench.give(stale) == []


@pytest.mark.requirement("BUD-1")
def test_a_model_without_a_price_is_refused() -> None:
    bench = begun()
    started = one(bench.log, RunStarted).model_copy(update={"prices": ()})
    bench.state = bench.first
    with pytest.raises(UnpricedModel, match="scripted:x"):
        bench.give(started, "start")


@pytest.mark.requirement("BUD-1")
def test_a_call_that_was_released_and_not_sent_is_no_call() -> None:
    calls = "tenant:acme|total|calls"
    bench = Bench(make_agent(), accounts=(AccountLimit(account=calls, limit=1),))
    bench.start()
    (failed,) = [
        each
        for each in bench.model_fails("cancelled", usage=Usage())
        if isinstance(each, ModelFailed)
    ]
    assert failed.posts == (Post(account=calls, amount=0),)
    assert not failed.assumed
