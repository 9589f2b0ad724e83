"""The notice at the gate holds facts and a link, and no word of a model."""

import pytest

from remit.app.lazy import WallClock
from remit.app.upgrade import Gate, UpgradeRequired
from remit.errors import ConfigError
from remit.journal.events import BudgetRefused, PlanRefused
from remit.machine.agent import Agent
from remit.machine.changing import replace
from remit.machine.state import State, begin
from remit.wire.webhook.reference import read_reference, reference_key
from tests.app.paying import PLANS, clerk, reference_of

pytestmark = pytest.mark.requirement("BIL-3")
KEY = b"k" * 32
GATE = Gate(plans=PLANS, clock=WallClock(), secret=KEY)
TODAY = "user:ann|day:2026-11-21|calls"
REFUSED = BudgetRefused(
    call="c1", account=TODAY, needed=1, available=0, limit=1, plan="free", resets_ms=0
)


def ended(agent: Agent[str], refused: BudgetRefused | PlanRefused) -> State:
    state = begin("acme", "run_1", agent.spec(lambda path: path))
    return replace(state, user="ann", reason="upgrade-required", refused=refused)


def test_a_limit_says_what_is_used_and_when_it_begins_anew() -> None:
    notice = GATE.upgrade_of(ended(clerk(), REFUSED))
    assert notice is not None
    assert (notice.used, notice.limit, notice.needed, notice.account) == (1, 1, 1, TODAY)
    assert str(notice.resets_at) == "1970-01-01 00:00:00+00:00"
    reference = read_reference([reference_key(KEY)], reference_of(notice.checkout_url), 0)
    assert (reference.tenant, reference.holder, reference.plan) == ("acme", "user:ann", "pro")
    assert notice.text == (
        "The plan free allows 1 calls today; 1 calls is used or reserved. It begins anew at "
        f"1970-01-01T00:00+00:00. More with the plan pro: {notice.checkout_url}"
    )


def test_what_the_link_says_already_is_kept() -> None:
    url = GATE.checkout_url("acme", "user:ann", "pro")
    assert url is not None
    assert url.startswith("https://pay.example/pro?prefilled=1&client_reference_id=")
    assert GATE.checkout_url("acme", "user:ann", "free") is None
    with pytest.raises(ConfigError, match="no plan 'gold'"):
        GATE.checkout_url("acme", "user:ann", "gold")


def test_money_is_told_in_dollars_and_the_highest_plan_has_no_offer() -> None:
    cost = REFUSED.model_copy(
        update={
            "account": "user:ann|total|nano",
            "limit": 2 * 10**9,
            "available": 5 * 10**8,
            "resets_ms": None,
            "plan": "team",
        }
    )
    notice = GATE.upgrade_of(ended(clerk(), cost))
    assert notice is not None
    assert (notice.offer, notice.checkout_url, notice.resets_at) == ("", None, None)
    assert notice.text == "The plan team allows $2.00 in all; $1.50 is used or reserved."


@pytest.mark.parametrize("what", ["model", "agent"])
def test_what_is_outside_the_plan_is_named(what: str) -> None:
    refused = PlanRefused.model_validate({"plan": "free", "what": what, "name": "dear:x"})
    notice = GATE.upgrade_of(ended(clerk(), refused))
    assert notice is not None
    assert (notice.what, notice.name, notice.offer) == (what, "dear:x", "pro")
    assert notice.text.startswith(f"The plan free does not include the {what} dear:x. More with")


def test_other_endings_have_no_notice() -> None:
    state = ended(clerk(), REFUSED)
    assert GATE.upgrade_of(replace(state, reason="budget")) is None
    assert GATE.upgrade_of(replace(state, refused=None)) is None
    bare = Gate(plans=None, clock=WallClock(), secret=KEY)
    assert bare.upgrade_of(state) is None
    assert bare.checkout_url("acme", "user:ann", "pro") is None
    stopping = replace(state, reason="", stopping="upgrade-required")
    assert isinstance(GATE.upgrade_of(stopping), UpgradeRequired)
