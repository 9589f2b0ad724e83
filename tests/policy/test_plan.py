"""Plans are declared whole, and say what they include, limit, cost and lead up to."""

import pytest
from pydantic import ValidationError

from remit.errors import ConfigError
from remit.journal.events import AccountLimit
from remit.policy.allowance import Budget, Spender
from remit.policy.plan import Plan, Plans, holder_name, offer, terms_of

DAY = Budget(of="user", window="day", cost_usd="0.50")
FREE = Plan(name="free", limits=(DAY,), models=("x:small*",), tools=("find_*",))
PRO = Plan(
    name="pro",
    limits=(Budget(of="user", window="day", cost_usd="5.00"),),
    models=("x:*",),
    agents=("clerk",),
    checkout_url="https://pay.example/pro",
    prices=("price_pro", "prod_pro"),
)
TEAM = Plan(name="team", checkout_url="https://pay.example/team", prices=("price_team",))
PLANS = Plans(plans=(FREE, PRO, TEAM), default="free")
ANN = Spender(tenant="acme", user="ann", session="s1", agent="clerk", run=".")


@pytest.mark.requirement("BIL-3")
def test_a_plan_includes_what_a_pattern_of_it_fits() -> None:
    assert FREE.covers("model", "x:small-1")
    assert not FREE.covers("model", "x:large")
    assert FREE.covers("agent", "anything")
    assert not FREE.covers("tool", "delete")
    assert not Plan(name="none", tools=()).covers("tool", "a")


def test_the_terms_of_a_run_name_its_accounts_and_the_plan() -> None:
    terms = terms_of(FREE, ANN, 3)
    assert (terms.name, terms.number, terms.tools) == ("free", 3, ("find_*",))
    assert terms.accounts == (
        AccountLimit(account="user:ann|day|nano", limit=500_000_000, plan="free"),
    )


def test_plans_are_found_ranked_and_bought() -> None:
    assert PLANS.get("pro") is PRO
    assert PLANS.find("gold") is None
    with pytest.raises(ConfigError, match="no plan 'gold'; declared are free, pro, team"):
        PLANS.get("gold")
    assert [PLANS.rank(name) for name in ("free", "pro", "team", "gold")] == [0, 1, 2, -1]
    assert PLANS.sold_as(["x", "prod_pro"]) == "pro"
    assert PLANS.sold_as(["price_team", "price_pro"]) == "team"
    assert PLANS.sold_as([]) == ""
    assert PLANS.grace_ms == 3 * 86_400_000


def test_a_holder_is_each_user_or_each_tenant() -> None:
    assert holder_name(PLANS, "acme", "ann") == "user:ann"
    plans = PLANS.model_copy(update={"holder": "tenant"})
    assert holder_name(plans, "acme", "ann") == "tenant:acme"


@pytest.mark.requirement("BIL-3")
def test_the_offer_is_the_lowest_plan_that_would_have_done() -> None:
    account = "user:ann|day|nano"
    assert offer(PLANS, "free", account_name=account) is PRO
    assert offer(PLANS, "pro", account_name=account) is TEAM  # it limits nothing
    assert offer(PLANS, "team", account_name=account) is None
    assert offer(PLANS, "free", model="x:large") is PRO
    assert offer(PLANS, "free", agent="baker") is TEAM
    assert offer(PLANS, "free", account_name="user:ann|day|tokens") is PRO  # limits it neither
    assert offer(PLANS, "gone", account_name=account) is PRO
    same = PRO.model_copy(update={"limits": (DAY,)})
    plans = PLANS.model_copy(update={"plans": (FREE, same)})
    assert offer(plans, "free", account_name=account) is None
    assert offer(plans, "free", account_name="session:s1|total|nano") is same  # limits it neither


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a b"}, "plan 'a b'"),
        ({"checkout_url": "https://pay.example/x"}, "checkout_url without prices"),
        ({"checkout_url": "http://pay.example/x", "prices": ("p",)}, "whole payment link"),
        ({"checkout_url": "https:///x", "prices": ("p",)}, "whole payment link"),
        ({"checkout_url": "https://a.example/#x", "prices": ("p",)}, "whole payment link"),
        ({"checkout_url": "https://a/" + "x" * 3000, "prices": ("p",)}, "whole payment link"),
        ({"limits": (Budget(of="user", name="ann", calls=1),)}, "neither name"),
        ({"limits": (Budget(of="user", tenant="t", calls=1),)}, "neither name"),
        ({"limits": (Budget(of="session", alert_usd="1"),)}, "nor alert_usd"),
        ({"limit": ()}, "Extra inputs"),
    ],
    ids=range(10),
)
def test_a_plan_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Plan.model_validate({"name": "x", **changes})


def test_durations_are_read() -> None:
    plans = Plans(plans=(FREE,), default="free", grace="12h")
    assert (plans.grace_ms, plans.tolerance_s) == (43_200_000, 300)


def test_one_variable_or_several_hold_the_secrets() -> None:
    listed = Plans.model_validate(
        {"plans": (FREE,), "default": "free", "stripe_secret_env": "A", "webhook_secret_env": ["B"]}
    )
    assert (listed.stripe_secret_env, listed.webhook_secret_env) == (("A",), ("B",))


def test_a_payment_page_on_this_machine_needs_no_tls() -> None:
    assert Plan(name="x", checkout_url="http://localhost:8080/pay", prices=("p",)).checkout_url


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plans": ()}, "at least 1 item"),
        ({"plans": (FREE, FREE)}, "two plans are named free"),
        ({"default": "gold"}, "default plan 'gold' is none of free"),
        ({"plans": (FREE, PRO, Plan(name="p2", prices=("price_pro",)))}, "price_pro buys two"),
        ({"plans": (Plan(name="free", limits=(Budget(of="tenant", calls=1),)),)}, "of='tenant'"),
        ({"grace": "soon"}, "not a duration"),
        ({"tolerance": "5"}, "not a duration"),
        ({"reference_days": 0}, "greater than or equal to 1"),
        ({"stripe_secret_env": "wh" + "sec_abc"}, "name the variable that holds the secret"),
        ({"webhook_secret_env": ["A B"]}, "name the variable that holds the secret"),
        ({"webhook_secret_env": 7}, "valid tuple"),
    ],
    ids=range(11),
)
def test_a_price_list_that_makes_no_sense_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Plans.model_validate({"plans": (FREE,), "default": "free", **changes})


def test_a_tenants_plan_may_limit_what_the_tenant_shares() -> None:
    limits = tuple(Budget(of=of, calls=1) for of in ("run", "session", "user", "agent", "tenant"))
    Plans(plans=(Plan(name="a", limits=limits),), default="a", holder="tenant")
