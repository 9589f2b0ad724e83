"""Holds and posts are read out of events in order, under names that every replay gives again."""

import pytest

from remit.journal.events import (
    AssumptionCorrected,
    Hold,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    Post,
    ProbeCompleted,
    ToolCompleted,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.transfers import (
    HoldLine,
    PostLine,
    booking_id,
    correction_id,
    hold_id,
    transfers,
)
from remit.values.clean import Clean
from remit.values.usage import Usage

OWN = "run:.|total|nano"
SHARED = "session:s1|total|nano"


def requested(call: str, attempt: int = 1) -> ModelRequested:
    return ModelRequested(
        call=call,
        attempt=attempt,
        model="m",
        messages=1,
        digest="d",
        max_output_tokens=1,
        input_bound=1,
        holds=(
            Hold(account=OWN, amount=10, limit=100),
            Hold(account=SHARED, amount=10, limit=50),
        ),
    )


@pytest.mark.requirement("BUD-1")
def test_transfers_in_order_on_full_names() -> None:
    events = (
        ToolQueued(call="c9"),
        requested("c1"),
        ModelFailed(call="c1", kind="timeout", posts=(Post(account=OWN, amount=0),)),
        requested("c1", 2),
        ModelCompleted(
            call="c1",
            attempt=2,
            parts=(),
            stop="end",
            usage=Usage(),
            model="m",
            posts=(Post(account=OWN, amount=7), Post(account=SHARED, amount=7)),
        ),
    )
    holds, posts = transfers("run_1", events)
    own = "run:run_1|total|nano"
    assert holds == [
        HoldLine("run_1:c1:1", own, 10, 100),
        HoldLine("run_1:c1:1", SHARED, 10, 50),
        HoldLine("run_1:c1:2", own, 10, 100),
        HoldLine("run_1:c1:2", SHARED, 10, 50),
    ]
    assert posts == [
        PostLine("run_1:c1:1", own, 0),
        PostLine("run_1:c1:2", own, 7),
        PostLine("run_1:c1:2", SHARED, 7),
    ]
    assert transfers("run_1", ()) == ([], [])


@pytest.mark.requirement("BUD-1")
def test_priced_tools_hold_and_post_beside_the_models() -> None:
    hold = Hold(account=OWN, amount=5, limit=100)
    lost = (Post(account=OWN, amount=5),)
    events = (
        ToolRequested(call="c1-1", until_ms=9, holds=(hold,)),
        ToolRequested(call="c1-2", until_ms=9),
        ToolUnknown(call="c1-1", reason=Clean("cut"), cost=5, posts=lost, assumed=True),
        ProbeCompleted(call="c1-1", verdict="unknown"),
        ToolResolved(
            call="c1-1",
            happened=False,
            principal="boss",
            cost=-5,
            posts=(Post(account=OWN, amount=-5),),
        ),
        ToolRequested(call="c1-1", attempt=2, until_ms=9, holds=(hold,)),
        ToolCompleted(call="c1-1", attempt=2, text=Clean("ok"), cost=5, posts=lost),
    )
    own = "run:run_1|total|nano"
    holds, posts = transfers("run_1", events)
    assert holds == [HoldLine(f"run_1:c1-1:{n}", own, 5, 100) for n in (1, 2)]
    assert posts == [
        PostLine("run_1:c1-1:1", own, 5),
        PostLine(correction_id("run_1", "c1-1"), own, -5),
        PostLine("run_1:c1-1:2", own, 5),
    ]


@pytest.mark.requirement("TOOL-15")
def test_what_a_waiting_call_books_it_gives_back_when_it_may_go() -> None:
    rate = "rate:send_mail,ann|minute:2026-11-21T14:05|calls"
    place = Hold(account=rate, amount=1, limit=2)
    events = (
        ToolPostponed(call="c1-1", until_ms=9, account=rate, holds=(place,)),
        ToolQueued(call="c1-1", posts=(Post(account=rate, amount=0),)),
        ToolQueued(call="c1-2"),
    )
    holds, posts = transfers("run_1", events)
    assert booking_id("run_1", "c1-1") == "run_1:c1-1:booked"
    assert holds == [HoldLine("run_1:c1-1:booked", rate, 1, 2)]
    assert posts == [PostLine("run_1:c1-1:booked", rate, 0)]


def test_a_hold_is_named_by_run_call_and_attempt() -> None:
    assert hold_id("run_1.c2", "c3", 4) == "run_1.c2:c3:4"


@pytest.mark.requirement("BIL-2")
def test_a_correction_only_adds_to_the_accounts_of_the_call() -> None:
    corrected = AssumptionCorrected(
        provider="anthropic",
        day="2026-11-19",
        run="run_1",
        call="c1",
        model="m",
        assumed=10,
        billed=3,
        posts=(Post(account="run:run_1|total|nano", amount=-7),),
    )
    holds, posts = transfers("book_bill-anthropic", (corrected,))
    assert holds == []
    assert posts == [PostLine("run_1:c1:1", "run:run_1|total|nano", -7)]
