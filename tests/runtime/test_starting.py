"""Starting: what cannot work is said before anything is spent."""

from dataclasses import replace
from typing import NoReturn

import pytest
from typing_extensions import override

from remit import Remit, tool
from remit.errors import ConfigError, SpecError, UnpricedModel
from remit.journal.events import AccountLimit
from remit.runtime.starting import (
    accounts_of,
    brief_of,
    check_compatible,
    check_startable,
    environment_of,
    prices_of,
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


@pytest.mark.requirement("BUD-1")
def test_a_run_draws_on_its_own_accounts_and_its_sessions() -> None:
    remit = Remit(cost_usd="1", tokens=5, session_cost_usd="2", session_tokens=7)
    found = accounts_of(spec_of(an_agent(remit=remit)), "s1")
    assert {each.account: each.limit for each in found} == {
        "run:.|total|nano": 1_000_000_000,
        "run:.|total|tokens": 5,
        "session:s1|total|nano": 2_000_000_000,
        "session:s1|total|tokens": 7,
    }


@pytest.mark.requirement("BUD-1")
def test_a_sub_run_draws_on_its_parents_accounts_too() -> None:
    parent = state_of(an_agent("boss"))
    found = accounts_of(spec_of(an_agent("helper", remit=Remit(cost_usd="1"))), "s1", parent)
    assert found == (
        AccountLimit(account="run:.|total|nano", limit=1_000_000_000),
        AccountLimit(account=f"run:{parent.run}|total|nano", limit=10**10),
    )


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
