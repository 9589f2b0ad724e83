"""Each settled call is one entry of two lines; corrections are entries of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.journal.events import (
    AssumptionCorrected,
    InputRequested,
    ModelFailed,
    ProbeCompleted,
    RunStarted,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.journal.fact import Hold, Post
from remit.journal.transfers import PostLine
from remit.projections.ledger import (
    Charge,
    Drawn,
    Line,
    RunCharges,
    Who,
    charges,
    corrected_runs,
    drawn_on,
    posted,
    sums,
    trial_balance,
)
from remit.projections.spend import entries, total
from remit.values.ledger import Amounts, LedgerKey
from remit.values.price import ModelPrice
from remit.values.usage import Usage
from tests.projections.facts import RUN, START_MS, answered, asked, clean, judged, records, started

ANN = Who(user="ann", agent="clerk", session="s1")
PRICE = ModelPrice(model="sim:m", input=1, output=1, cache_read=1, cache_write=1, version="table-7")
LOST = ModelFailed(
    call="c2",
    kind="in_doubt",
    cost=100,
    posts=(Post(account="run:.|total|nano", amount=100),),
    assumed=True,
)
CORRECTED = AssumptionCorrected(
    provider="sim",
    day="1970-01-01",
    run=RUN,
    call="c2",
    model="m",
    assumed=100,
    billed=30,
    usage=Usage(input=3, output=1),
    posts=(Post(account=f"run:{RUN}|total|nano", amount=-70),),
)


def begun() -> RunStarted:
    return started().model_copy(update={"prices": (PRICE,)})


@pytest.mark.requirement("BIL-1")
def test_an_entry_tells_who_what_and_at_which_prices() -> None:
    (entry,) = charges(records(begun(), asked(), answered("a", cost=30, over_hold=True)))
    assert entry == Charge(
        kind="model",
        time_ms=START_MS + 2000,
        tenant="acme",
        who=ANN,
        run=RUN,
        call="c1",
        attempt=1,
        provider="sim",
        model="sim:m",
        price_version="table-7",
        amounts=Amounts(calls=1, input=20, output=10, cost=30, over_hold=1),
        posts=(PostLine("", f"run:{RUN}|total|nano", 30),),
    )
    assert entry.key == LedgerKey(
        tenant="acme", day="1970-01-01", user="ann", agent="clerk", model="sim:m"
    )
    assert entry.lines == (
        Line("spent:acme/ann/clerk", 30, 0),
        Line("owed:sim", 0, 30),
    )


@pytest.mark.requirement("BIL-1")
def test_what_was_assumed_is_marked_and_what_was_refused_is_no_entry() -> None:
    refused = ModelFailed(call="c1", kind="rate_limited")
    cut = ModelFailed(call="c3", kind="connection", usage=Usage(input=5), cost=5)
    found = charges(records(started(), asked(), refused, asked("c2"), LOST, asked("c3"), cut))
    assert [(each.call, each.amounts) for each in found] == [
        ("c2", Amounts(calls=1, cost=100, assumed=100)),
        ("c3", Amounts(calls=1, input=5, cost=5)),
    ]


@pytest.mark.requirement("BIL-1")
def test_a_call_that_cost_nothing_is_one_all_the_same() -> None:
    (entry,) = charges(records(started(), asked(), answered("a", cost=0)))
    assert (entry.amounts.calls, entry.amounts.tokens, entry.amounts.cost) == (1, 30, 0)


@pytest.mark.requirement("BIL-1")
def test_a_correction_is_an_entry_of_its_own_that_gives_back() -> None:
    book = records(CORRECTED, run="book_bills-sim", start_ms=START_MS + 86_400_000)
    assert corrected_runs(book) == {RUN}
    (entry,) = charges(book, {RUN: ANN})
    assert (entry.kind, entry.run, entry.who, entry.model) == ("correction", RUN, ANN, "sim:m")
    assert entry.amounts == Amounts(input=3, output=1, cost=-70, assumed=-100)
    assert entry.lines == (Line("owed:sim", 70, 0), Line("spent:acme/ann/clerk", 0, 70))
    assert entry.key.day == "1970-01-02", "the day that is closed stays as it was"
    whole = [*charges(records(started(), asked("c2"), LOST)), entry]
    assert sum((each.amounts.cost for each in whole), 0) == 30
    assert sum((each.amounts.assumed for each in whole), 0) == 0
    assert posted(whole) == {f"run:{RUN}|total|nano": 30}
    assert trial_balance(whole).accounts == {"spent:acme/ann/clerk": 30, "owed:sim": -30}
    (unknown,) = charges(book)
    assert unknown.who == Who()
    named = CORRECTED.model_copy(update={"model": "other:m"})
    assert charges(records(named))[0].model == "other:m"


@pytest.mark.requirement("BIL-1")
def test_tools_that_cost_are_entries_beside_models() -> None:
    post = (Post(account="user:ann|total|nano", amount=7),)
    done = ToolCompleted(call="c1-1", text=clean("x"), cost=7, posts=post, over_hold=True)
    free = ToolCompleted(call="c1-2", text=clean("x"))
    failed = ToolFailed(call="c1-3", kind="timeout", text=clean(""), cost=7, assumed=True)
    lost = ToolUnknown(call="c1-4", reason=clean(""), cost=7, posts=post, assumed=True)
    back = ProbeCompleted(
        call="c1-4",
        verdict="absent",
        cost=-7,
        posts=(Post(account="user:ann|total|nano", amount=-7),),
    )
    question = InputRequested(
        question="q", call="c1-5", key="k", text=clean("?"), answer_schema="{}", cost=2
    )
    found = charges(
        records(
            started(),
            *(judged(f"c1-{n}", tool=f"tool{n}") for n in range(1, 6)),
            ToolRequested(call="c1-1", until_ms=0),
            *(done, free, failed, lost, back, question),
        )
    )
    assert [(each.kind, each.model, each.attempt, each.amounts) for each in found] == [
        ("tool", "tool:tool1", 1, Amounts(calls=1, cost=7, over_hold=1)),
        ("tool", "tool:tool3", 1, Amounts(calls=1, cost=7, assumed=7)),
        ("tool", "tool:tool4", 1, Amounts(calls=1, cost=7, assumed=7)),
        ("tool", "tool:tool4", 0, Amounts(cost=-7, assumed=-7)),
        ("tool", "tool:tool5", 1, Amounts(calls=1, cost=2)),
    ]
    assert {each.provider for each in found} == {"tool"}
    assert posted(found) == {"user:ann|total|nano": 7}


def test_where_the_request_was_erased_the_model_is_unknown() -> None:
    pairs = records(started(), asked(), answered("a"), asked("c2"), LOST)
    found = charges([pairs[0], pairs[2], pairs[4]])
    assert [each.model for each in found] == ["unknown:m", "unknown:"]


@pytest.mark.requirement("BIL-1")
def test_a_run_can_be_read_on_from_where_it_was() -> None:
    pairs = records(begun(), asked(), answered("a"), asked("c2"), LOST)
    run = RunCharges("acme", RUN)
    found = [charge for pair in pairs for charge in run.add(pair)]
    assert found == charges(pairs)
    assert run.version == len(pairs)


@pytest.mark.requirement("OBS-3")
def test_sums_agree_with_what_turns_runs_and_sessions_spent() -> None:
    pairs = [
        *records(started(), asked(), answered("a", cost=30), asked("c2"), LOST),
        *records(started("boss"), asked(), answered("b", cost=4), run="run_2", tenant="globex"),
        *records(started(), asked(), answered("c", cost=5), run="run_3"),
    ]
    rows = sums(charges(pairs))
    assert {(key.tenant, key.agent): each.cost for key, each in rows.items()} == {
        ("acme", "clerk"): 135,
        ("globex", "boss"): 4,
    }
    spent = total(entries(pairs))
    assert sum(each.cost for each in rows.values()) == spent.cost
    assert sum(each.assumed for each in rows.values()) == spent.assumed
    assert sum(each.tokens for each in rows.values()) == spent.usage.total


COSTS = st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(-(10**12), 10**12)))


@pytest.mark.requirement("BIL-1")
@given(COSTS)
def test_any_ledger_balances(costs: list[tuple[str, int]]) -> None:
    found = [
        Charge(
            kind="model",
            time_ms=0,
            tenant="acme",
            who=Who(user=user),
            run=RUN,
            call="c1",
            attempt=1,
            provider="sim",
            model="sim:m",
            amounts=Amounts(cost=cost),
        )
        for user, cost in costs
    ]
    balance = trial_balance(found)
    assert balance.balanced
    assert balance.debit == balance.credit == sum(abs(cost) for _, cost in costs)
    assert -balance.accounts.get("owed:sim", 0) == sum(cost for _, cost in costs)


@pytest.mark.requirement("OBS-3", "BUD-1")
def test_what_a_run_used_of_its_accounts_is_told_with_their_limits() -> None:
    own, shared = "run:.|total|nano", "user:ann|day:1970-01-01|nano"
    holds = (Hold(account=own, amount=90, limit=500), Hold(account=shared, amount=90, limit=100))
    rate = Hold(account="rate:x,ann|minute:1970-01-01T00:00|calls", amount=1, limit=2)
    raised = (Hold(account=shared, amount=90, limit=900), rate)
    pairs = records(
        started(),
        asked().model_copy(update={"holds": holds}),
        answered("a", cost=30),
        ToolRequested(call="c1-1", until_ms=0, holds=raised),
    )
    assert drawn_on(pairs) == [Drawn(f"run:{RUN}|total|nano", 30, 500), Drawn(shared, 0, 900)]
    assert drawn_on(records(started())) == []


@pytest.mark.requirement("BUD-3")
def test_a_call_that_cost_nothing_may_still_have_used_up_a_limit() -> None:
    calls = "user:ann|total|calls"
    held = asked().model_copy(update={"holds": (Hold(account=calls, amount=1, limit=5),)})
    lost = ModelFailed(
        call=held.call, kind="in_doubt", assumed=True, posts=(Post(account=calls, amount=1),)
    )
    assert drawn_on(records(started(), held, lost)) == [Drawn(calls, 1, 5)]
