"""Declared budgets become the accounts a run draws on, the narrower before the wider."""

import pytest
from pydantic import ValidationError

from remit.policy.allowance import Budget, Spender, accounts_for, strictest

ANN = Spender(
    tenant="acme", user="ann", session="s1", agent="clerk", run=".", labels=("red", "blue")
)


def found(*budgets: Budget, spender: Spender = ANN, plan: str = "") -> dict[str, int]:
    return {each.account: each.limit for each in accounts_for(spender, budgets, plan)}


@pytest.mark.requirement("BUD-3", "TEN-2")
def test_every_scope_has_its_account() -> None:
    scopes = ("run", "session", "user", "agent", "tenant", "global")
    budgets = [Budget(of=scope, window="day", calls=7) for scope in scopes]  # type: ignore[arg-type] # each is one
    assert found(*budgets, Budget(of="label", name="red", tokens=9)) == {
        "run:.|day|calls": 7,
        "session:s1|day|calls": 7,
        "user:ann|day|calls": 7,
        "agent:clerk|day|calls": 7,
        "tenant:acme|day|calls": 7,
        "global:all|day|calls": 7,
        "label:red|total|tokens": 9,
    }


@pytest.mark.requirement("BUD-3", "BUD-8")
def test_one_budget_may_limit_several_units_and_alert() -> None:
    budget = Budget(of="session", cost_usd="1.50", tokens=10, calls=2, alert_usd="0.75")
    assert found(budget) == {
        "session:s1|total|nano": 1_500_000_000,
        "session:s1|total|tokens": 10,
        "session:s1|total|calls": 2,
        "session:s1|alert|nano": 750_000_000,
    }


@pytest.mark.requirement("BUD-3", "TEN-1")
def test_a_budget_is_for_whom_it_names() -> None:
    each = Budget(of="user", window="day", cost_usd="1")
    own = Budget(of="user", name="ann", window="day", cost_usd="2")
    other = Budget(of="user", name="bob", window="day", cost_usd="9")
    elsewhere = Budget(of="user", tenant="globex", window="day", cost_usd="8")
    here = Budget(of="user", tenant="acme", window="day", cost_usd="3")
    here_own = Budget(of="user", name="ann", tenant="acme", window="day", cost_usd="4")
    account = "user:ann|day|nano"
    for order in (1, -1):
        assert found(*(each, own, other, elsewhere)[::order]) == {account: 2_000_000_000}
        assert found(*(each, here)[::order]) == {account: 3_000_000_000}
        assert found(*(own, here, here_own)[::order]) == {account: 4_000_000_000}
    assert found(other, elsewhere, Budget(of="label", name="green", calls=1)) == {}


def test_a_plan_is_noted_on_its_limits() -> None:
    (limit,) = accounts_for(ANN, [Budget(of="user", calls=5)], "free")
    assert (limit.plan, limit.limit) == ("free", 5)


@pytest.mark.requirement("BUD-3")
def test_of_several_sources_the_strictest_counts() -> None:
    mild = accounts_for(ANN, [Budget(of="user", calls=5), Budget(of="tenant", calls=9)])
    strict = accounts_for(ANN, [Budget(of="user", calls=3)], "free")
    for sources in ((mild, strict), (strict, mild)):
        limits = {each.account: (each.limit, each.plan) for each in strictest(*sources)}
        assert limits == {"user:ann|total|calls": (3, "free"), "tenant:acme|total|calls": (9, "")}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"of": "user"}, "at least one of cost_usd, tokens, calls and alert_usd"),
        ({"of": "planet", "calls": 1}, "Input should be 'run', 'session'"),
        ({"of": "user", "window": "year", "calls": 1}, "Input should be 'total', 'hour'"),
        ({"of": "user", "calls": -1}, "greater than or equal to 0"),
        ({"of": "user", "cost_usd": "-1"}, "is not negative"),
        ({"of": "user", "alert_usd": "much"}, "not an amount in USD"),
        ({"of": "user", "alert_usd": "1", "window": "day"}, "an alert counts all"),
        ({"of": "user", "calls": 1, "window": "alert"}, "an alert counts all"),
        ({"of": "user", "name": "a|b", "calls": 1}, "user 'a|b': use 1 to 128"),
        ({"of": "user", "tenant": "a b", "calls": 1}, "tenant 'a b': use 1 to 128"),
        ({"of": "global", "name": "x", "calls": 1}, "takes no name"),
        ({"of": "run", "name": "x", "calls": 1}, "takes no name"),
        ({"of": "label", "calls": 1}, "needs the name of the label"),
        ({"of": "user", "cals": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_budget_is_refused_in_words(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Budget.model_validate(fields)
    assert text in str(caught.value)


def test_an_amount_may_be_said_to_be_none() -> None:
    assert found(Budget(of="user", cost_usd=None, calls=1)) == {"user:ann|total|calls": 1}


def test_a_limit_that_no_store_can_count_is_refused() -> None:
    assert Budget(of="user", tokens=2**63 - 1).tokens == 2**63 - 1
    for limit in ({"tokens": 2**63}, {"calls": 2**63}, {"cost_usd": "1e10"}):
        with pytest.raises(ValidationError, match=r"less than or equal|at most 1,000,000,000"):
            Budget.model_validate({"of": "user", **limit})
