"""Holds and posts are read out of events in order, under names that every replay gives again."""

import pytest

from remit.journal.events import (
    AssumptionCorrected,
    Hold,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    Post,
    ToolQueued,
)
from remit.journal.transfers import HoldLine, PostLine, hold_id, transfers
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
