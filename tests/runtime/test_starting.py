"""Starting: what cannot work is said before anything is spent."""

from dataclasses import replace
from typing import NoReturn

import pytest
from typing_extensions import override

from remit import Remit, tool
from remit.errors import ConfigError, SpecError, UnpricedModel
from remit.journal.events import AccountLimit
from remit.journal.rows import LimitLine
from remit.policy.allowance import Budget, Spender
from remit.runtime.starting import (
    accounts_of,
    brief_of,
    check_compatible,
    check_startable,
    environment_of,
    limit_prefixes,
    prices_of,
    spender_of,
)
from remit.values.price import ModelPrice
from tests.runtime.kit import FlatPrices, services_on, spec_of, state_of
from tests.runtime.stage import an_agent


class NoPrices(FlatPrices):
    """Knows the price of one model."""

    @override
    def price(self, model: str) -> ModelPrice:
        if model != "scripted:x":
            raise UnpricedModel(model)
        return super().price(model)


@tool
def find_order(order: int) -> str:
    """Find."""
    return str(order)


@tool(name="find_order", access="read")
def find_order_by_name(name: str) -> str:
    """Find by name."""
    return name


def test_the_environment_is_one_of_three() -> None:
    assert environment_of(services_on()) == "dev"
    with pytest.raises(ConfigError, match="dev, ci and production"):
        environment_of(replace(services_on(), environment="test"))


def test_a_sub_agent_without_a_price_is_refused_before_the_start() -> None:
    services = replace(services_on(), prices=NoPrices())
    dear = an_agent("dear")
    dear.model = "scripted:dear"
    boss = an_agent("boss", agents=[an_agent("middle", agents=[dear])])
    assert prices_of(services, spec_of(boss))
    with pytest.raises(UnpricedModel):
        check_startable(services, spec_of(boss))
    check_startable(services_on(), spec_of(boss))


def test_a_provider_without_a_key_is_refused_before_the_start() -> None:
    def no_key(_provider: str) -> NoReturn:
        raise ConfigError("no key for anthropic")

    with pytest.raises(ConfigError, match="no key"):
        check_startable(replace(services_on(), model=no_key), spec_of())


def paying(**changes: object) -> Spender:
    """Who pays in these tests."""
    who = Spender(
        tenant="acme", user="ann", session="s1", agent="worker", run=".", labels=("beta",)
    )
    return replace(who, **changes)  # type: ignore[arg-type]  # by name


def amounts(found: tuple[AccountLimit, ...]) -> dict[str, int]:
    return {each.account: each.limit for each in found}


@pytest.mark.requirement("BUD-1")
def test_a_run_draws_on_its_own_accounts_and_its_sessions() -> None:
    remit = Remit(
        cost_usd="1",
        tokens=5,
        session_cost_usd="2",
        session_tokens=7,
        session_alert_usd="0.5",
    )
    assert amounts(accounts_of(spec_of(an_agent(remit=remit)), paying())) == {
        "run:.|total|nano": 1_000_000_000,
        "run:.|total|tokens": 5,
        "session:s1|total|nano": 2_000_000_000,
        "session:s1|total|tokens": 7,
        "session:s1|alert|nano": 500_000_000,
    }


@pytest.mark.requirement("BUD-3")
def test_a_run_draws_on_the_accounts_of_everybody_who_pays_for_it() -> None:
    declared = (
        Budget(of="user", window="day", cost_usd="3"),
        Budget(of="label", name="beta", window="hour", calls=4),
        Budget(of="label", name="other", window="hour", calls=1),
        Budget(of="global", window="month", tokens=9),
    )
    agent = an_agent(remit=Remit(cost_usd="1", budgets=declared[:1]))
    assert amounts(accounts_of(spec_of(agent), paying(), budgets=declared[1:])) == {
        "run:.|total|nano": 1_000_000_000,
        "user:ann|day|nano": 3_000_000_000,
        "label:beta|hour|calls": 4,
        "global:all|month|tokens": 9,
    }


@pytest.mark.requirement("BUD-3")
def test_of_two_limits_of_one_account_the_lower_holds_whoever_declared_it() -> None:
    agent = an_agent(remit=Remit(cost_usd="1", budgets=(Budget(of="run", cost_usd="0.4"),)))
    for settings, limit in (("0.3", 300_000_000), ("0.9", 400_000_000)):
        found = accounts_of(
            spec_of(agent), paying(), budgets=(Budget(of="run", cost_usd=settings),)
        )
        assert amounts(found) == {"run:.|total|nano": limit}


@pytest.mark.requirement("BUD-3")
def test_an_account_that_only_an_operator_limited_is_drawn_on_too() -> None:
    agent = spec_of(an_agent(remit=Remit(cost_usd="1")))
    lines = [
        LimitLine("user:ann|day|nano", 5),
        LimitLine("user:*|day|nano", 6),
        LimitLine("user:*|month|nano", 7),
        LimitLine("user:bob|day|nano", 8),
        LimitLine("tenant:acme|day|tokens", None),
    ]
    assert amounts(accounts_of(agent, paying(), set_limits=lines)) == {
        "run:.|total|nano": 1_000_000_000,
        "user:ann|day|nano": 5,
        "user:ann|month|nano": 7,
    }
    assert amounts(accounts_of(agent, paying(user="eve"), set_limits=lines)) == {
        "run:.|total|nano": 1_000_000_000,
        "user:eve|day|nano": 6,
        "user:eve|month|nano": 7,
    }


@pytest.mark.requirement("BUD-3")
def test_what_an_operator_set_does_not_stand_beside_what_is_declared() -> None:
    """The store knows the limit in force; the account is drawn on once."""
    spec = spec_of(an_agent(remit=Remit(cost_usd="1")))
    declared = (Budget(of="user", window="day", cost_usd="3"),)
    lines = [LimitLine("user:ann|day|nano", 5)]
    found = accounts_of(spec, paying(), budgets=declared, set_limits=lines)
    assert [each.account for each in found] == ["run:.|total|nano", "user:ann|day|nano"]


@pytest.mark.requirement("BUD-3")
def test_limits_are_looked_up_for_everybody_who_pays_and_for_each_of_a_scope() -> None:
    prefixes = limit_prefixes(paying())
    for own, each in (("user:ann|", "user:*|"), ("label:beta|", "label:*|")):
        assert own in prefixes
        assert each in prefixes
    assert "global:all|" in prefixes
    assert len(prefixes) == 14  # seven holders, each by name and in general


@pytest.mark.requirement("BUD-1")
def test_a_sub_run_draws_on_its_parents_accounts_too() -> None:
    parent = state_of(an_agent("boss"))
    child = spec_of(an_agent("helper", remit=Remit(cost_usd="1")))
    assert accounts_of(child, spender_of(parent, "helper"), parent=parent) == (
        AccountLimit(account="run:.|total|nano", limit=1_000_000_000),
        AccountLimit(account=f"run:{parent.run}|total|nano", limit=10**10),
    )


@pytest.mark.requirement("BUD-3")
def test_a_sub_run_is_paid_by_whoever_pays_for_its_parent() -> None:
    parent = replace(state_of(an_agent("boss")), labels=("beta",))
    who = spender_of(parent, "helper")
    assert (who.tenant, who.user, who.session) == (parent.tenant, parent.user, parent.session)
    assert (who.agent, who.labels, who.run) == ("helper", ("beta",), ".")


def test_the_brief_of_a_call() -> None:
    assert brief_of('{"brief": "dig"}') == "dig"


@pytest.mark.requirement("OPS-2")
def test_code_that_no_longer_fits_is_refused_with_the_choice() -> None:
    agent = an_agent(tools=[find_order])
    stored = spec_of(agent)
    check_compatible(stored, agent)
    with pytest.raises(SpecError, match="'find_order' is gone since the run started"):
        check_compatible(stored, an_agent())
    changed = an_agent(tools=[find_order_by_name])
    with pytest.raises(SpecError, match=r"another contract.*deploy the old version.*or cancel"):
        check_compatible(stored, changed)


def test_other_words_and_limits_fit() -> None:
    agent = an_agent(tools=[find_order])
    changed = an_agent(tools=[find_order], remit=Remit(turns=3))
    check_compatible(spec_of(agent), changed)
