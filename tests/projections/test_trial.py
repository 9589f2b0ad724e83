"""A cost that does not follow from usage and price is found, whoever sealed it."""

import pytest

from remit.journal.events import (
    Event,
    Hold,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RunStarted,
    ToolCompleted,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
)
from remit.journal.fact import Post
from remit.projections.trial import faults
from remit.values.price import ModelPrice, ServiceRate
from remit.values.usage import Usage
from tests.projections.facts import answered, asked, clean, judged, records, started

# A thousand and two thousand nano-dollars a token.
PRICE = ModelPrice(
    model="sim:m", input=10**9, output=2 * 10**9, cache_read=10**8, cache_write=10**9
)
NANO, TOKENS, CALLS = "run:.|total|nano", "user:ann|day:1970-01-01|tokens", "tenant:a|total|calls"
HOLDS = (
    Hold(account=NANO, amount=10**6, limit=10**9),
    Hold(account=TOKENS, amount=200, limit=10**9),
    Hold(account=CALLS, amount=1, limit=10),
)
COST = 40_000  # of 20 tokens in and 10 out


def posts(nano: int = COST, tokens: int = 30, calls: int = 1) -> tuple[Post, ...]:
    return (
        Post(account=NANO, amount=nano),
        Post(account=TOKENS, amount=tokens),
        Post(account=CALLS, amount=calls),
    )


def begun() -> RunStarted:
    return started().model_copy(update={"prices": (PRICE,)})


def held() -> ModelRequested:
    return asked().model_copy(update={"holds": HOLDS})


def done(**changes: object) -> ModelCompleted:
    fields: dict[str, object] = {"cost": COST, "posts": posts(), **changes}
    return answered("a").model_copy(update=fields)


def lost(**changes: object) -> ModelFailed:
    return ModelFailed(call="c1", kind="in_doubt").model_copy(update=changes)


def found(*events: Event) -> list[str]:
    return [what for _, what in faults(records(*events))]


@pytest.mark.requirement("BIL-1")
@pytest.mark.parametrize(
    "outcome",
    [
        done(),
        lost(assumed=True, cost=77, posts=posts(10**6, 200, 1)),
        lost(usage=Usage(input=20, output=10), cost=COST, posts=posts()),
        lost(posts=posts(0, 0, 0)),
        lost(kind="cancelled", usage=Usage(), posts=posts(0, 0, 0)),
        lost(kind="cancelled", usage=Usage(), posts=posts(0, 0, 1)),
        done(
            usage=Usage(input=20, output=2000),
            cost=4_020_000,
            posts=posts(4_020_000, 2020),
            over_hold=True,
        ),
    ],
)
def test_what_follows_from_usage_and_price_is_sound(outcome: Event) -> None:
    assert found(begun(), held(), outcome) == []


@pytest.mark.requirement("BIL-1")
@pytest.mark.parametrize(
    ("outcome", "what"),
    [
        (done(cost=COST - 1), "its usage costs 40000 nano-dollars, the record says 39999"),
        (done(posts=posts(nano=1)), f"comes to 40000 nano on {NANO}, it posted 1"),
        (done(posts=posts(tokens=29)), f"comes to 30 tokens on {TOKENS}, it posted 29"),
        (done(posts=posts(calls=0)), f"comes to 1 calls on {CALLS}, it posted 0"),
        (done(posts=posts()[:2]), "it posted on other accounts than it had reserved on"),
        (done(posts=(*posts(), posts()[0])), "it posted on other accounts"),
        (done(over_hold=True), "above its hold: False, the record says True"),
        (lost(assumed=True, cost=77, posts=posts()), "posted another amount than its hold"),
        (lost(posts=posts(0, 0, 1)), "it cost 0 nano-dollars without usage and was not assumed"),
        (lost(cost=5, posts=posts(0, 0, 0)), "it cost 5 nano-dollars without usage"),
        (done(usage=Usage(), cost=0, posts=posts(0, 0, 0)), f"comes to 1 calls on {CALLS}"),
    ],
)
def test_any_other_amount_is_found(outcome: Event, what: str) -> None:
    (fault,) = faults(records(begun(), held(), outcome))
    assert fault[0] == 3
    assert fault[1].startswith("call c1, attempt 1: ")
    assert what in fault[1]


@pytest.mark.requirement("BIL-1")
def test_a_model_without_a_price_and_a_call_that_nobody_asked_for_are_found() -> None:
    (fault,) = found(started(), held(), done())
    assert fault == "call c1, attempt 1: its model has no price in this run"
    twice = found(begun(), held(), done(), done())
    assert twice == ["call c1, attempt 1: it was settled but never asked for"]


@pytest.mark.requirement("BIL-1")
def test_a_call_that_was_served_in_another_way_costs_so() -> None:
    half = PRICE.model_copy(update={"services": (ServiceRate(service="batch", percent=50),)})
    begin = started().model_copy(update={"prices": (half,)})
    outcome = done(service_tier="batch", cost=COST // 2, posts=posts(COST // 2))
    assert found(begin, held(), outcome) == []
    fault, _ = found(begin, held(), done(service_tier="batch"))
    assert "its usage costs 20000 nano-dollars, the record says 40000" in fault


@pytest.mark.requirement("BIL-1")
def test_a_tool_posts_what_it_cost_where_it_had_reserved() -> None:
    asked_tool = ToolRequested(call="c1-1", until_ms=0, holds=HOLDS[:1])
    tool = ToolCompleted(
        call="c1-1", text=clean("x"), cost=7, posts=(Post(account=NANO, amount=7),)
    )
    assert found(begun(), judged(), asked_tool, tool) == []
    other = tool.model_copy(update={"cost": 8})
    (fault,) = found(begun(), asked_tool, other)
    assert fault == "call c1-1: it cost 8 nano-dollars and posted another amount"
    (fault,) = found(begun(), tool)
    assert fault == "call c1-1: it posted on other accounts than it had reserved on"
    assert found(begun(), ToolCompleted(call="c1-1", text=clean("x"))) == []


RATE = "rate:send_mail,ann|minute:2026-11-21T14:05|calls"
PLACE = Hold(account=RATE, amount=1, limit=2)


@pytest.mark.requirement("BIL-1", "TOOL-15")
def test_a_call_counts_once_on_a_rate_beside_what_it_costs() -> None:
    asked_tool = ToolRequested(call="c1-1", until_ms=0, holds=(*HOLDS[:1], PLACE))

    def outcome(count: int) -> ToolCompleted:
        posts = (Post(account=NANO, amount=7), Post(account=RATE, amount=count))
        return ToolCompleted(call="c1-1", text=clean("x"), cost=7, posts=posts)

    assert found(begun(), asked_tool, outcome(1)) == []
    assert found(begun(), asked_tool, outcome(0)) == []
    (fault,) = found(begun(), asked_tool, outcome(2))
    assert fault == "call c1-1: it counts more than once on a rate"


@pytest.mark.requirement("BIL-1", "TOOL-15")
def test_a_waiting_call_gives_back_what_it_had_booked() -> None:
    waits = ToolPostponed(call="c1-1", until_ms=9, account=RATE, holds=(PLACE,))
    back = ToolQueued(call="c1-1", posts=(Post(account=RATE, amount=0),))
    assert found(begun(), waits, back, ToolQueued(call="c1-1")) == []
    what = "call c1-1: it gave back other places than it had booked"
    assert found(begun(), waits, ToolQueued(call="c1-1")) == [what]
    assert found(begun(), back) == [what]
    kept = ToolQueued(call="c1-1", posts=(Post(account=RATE, amount=1),))
    assert found(begun(), waits, kept) == [what]
