"""Whatever order payment events arrive in, they come to the same plan."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError
from remit.journal.events import (
    BudgetSet,
    Event,
    PaymentIgnored,
    PaymentReceived,
    PlanAssigned,
    PlanLowered,
    PlanRaised,
)
from remit.policy.entitlement import (
    changes,
    entitled,
    on_assignment,
    on_payment,
    standing_of,
)
from remit.policy.plan import Plan, Plans
from remit.values.clean import Clean
from remit.values.payment import Meaning

PLANS = Plans(
    plans=tuple(Plan(name=name, prices=(f"price_{name}",)) for name in ("free", "pro", "team")),
    default="free",
)
DAY_MS = 86_400_000
NOW = 100 * DAY_MS


def fact(
    meaning: Meaning, at_ms: int = NOW, *, event: str = "", subscription: str = "sub_1", **more: str
) -> PaymentReceived:
    grace = at_ms + 3 * DAY_MS if meaning == "failed" or more.get("status") == "past_due" else 0
    plain = PaymentReceived(
        provider="stripe",
        event=event or f"{meaning}-{at_ms}-{subscription}-{more}",
        kind="k",
        created_ms=at_ms,
        meaning=meaning,
        subscription=subscription,
        customer="cus_1",
        grace_until_ms=grace,
    )
    return plain.model_copy(update=more)


def active(plan: str = "pro", at_ms: int = NOW - 9, **more: str) -> PaymentReceived:
    return fact("subscribed", at_ms, status="active", plan=plan, **more)


def told(*facts: PaymentReceived, now_ms: int = NOW) -> list[Event]:
    """The book after these facts, each with what followed of it."""
    book: list[Event] = []
    for each in facts:
        book += on_payment(standing_of(book), each, PLANS, now_ms)
    return book


def plan_after(*facts: Event, now_ms: int = NOW) -> str:
    return entitled(standing_of(facts), PLANS, now_ms).plan


@pytest.mark.requirement("BIL-3")
def test_a_subscription_raises_the_plan_once() -> None:
    book = told(active(), active())
    assert [event.type for event in book] == ["PaymentReceived", "PlanRaised"]
    raised = book[1]
    assert isinstance(raised, PlanRaised)
    assert (raised.plan, raised.previous, raised.reason) == ("pro", "free", "paid")
    assert raised.event == active().event


@pytest.mark.requirement("BIL-3")
@pytest.mark.parametrize(
    ("after", "plan", "reason"),
    [
        (active("free", NOW), "free", "downgraded"),
        (fact("subscribed", status="canceled"), "free", "cancelled"),
        (fact("subscribed", status="unpaid"), "free", "payment-failed"),
        (fact("subscribed", status="paused"), "free", "cancelled"),
        (fact("refunded"), "free", "refunded"),
        (fact("disputed"), "free", "disputed"),
        (fact("refunded", subscription="", payment="pi_9"), "free", "refunded"),
        (fact("disputed", subscription="", charge="ch_9", customer=""), "free", "disputed"),
    ],
    ids=range(8),
)
def test_what_lowers_a_plan(after: PaymentReceived, plan: str, reason: str) -> None:
    lowered = told(active(), after)[-1]
    assert isinstance(lowered, PlanLowered)
    assert (lowered.plan, lowered.previous, lowered.reason) == (plan, "pro", reason)


@pytest.mark.parametrize(
    "after",
    [
        fact("partly_refunded"),
        fact("noted"),
        fact("dispute_won"),
        fact("refunded", subscription="", payment="pi_9", customer="cus_other"),
        fact("subscribed", status="incomplete", at_ms=NOW - 99),
        fact("subscribed", status="trialing", plan="pro"),
        fact("subscribed", status="active"),
        fact("paid", subscription="", payment=""),
    ],
    ids=range(8),
)
def test_what_leaves_a_plan(after: PaymentReceived) -> None:
    assert told(active(), after)[-1] == after


@pytest.mark.requirement("BIL-3")
def test_a_failed_payment_keeps_the_plan_for_its_grace() -> None:
    failed, late = fact("failed"), fact("subscribed", status="past_due", plan="pro")
    for facts in ((active(), failed), (active(), late), (active(), late, failed)):
        book = told(*facts)
        assert not any(isinstance(event, PlanLowered) for event in book)
        now = entitled(standing_of(book), PLANS, NOW)
        assert (now.plan, now.until_ms) == ("pro", NOW + 3 * DAY_MS)
        (lowered,) = changes(standing_of(book), PLANS, NOW + 3 * DAY_MS)
        assert isinstance(lowered, PlanLowered)
        assert (lowered.plan, lowered.reason) == ("free", "payment-failed")
    paid = fact("paid", NOW + 5, plan="pro")
    assert plan_after(active(), late, failed, paid, now_ms=NOW + 9 * DAY_MS) == "pro"


def test_a_new_bill_paid_after_a_refund_gives_the_plan_back() -> None:
    facts = (active(), fact("refunded", NOW, subscription="", payment="pi_9"))
    assert plan_after(*facts) == "free"
    assert plan_after(*facts, active("pro", NOW + 1)) == "free"  # no money came
    assert plan_after(*facts, fact("paid", NOW + 1)) == "pro"


def test_what_was_bought_once_stays_until_its_money_goes_back() -> None:
    bought = fact("bought", subscription="", payment="pi_1", plan="team")
    assert plan_after(bought, now_ms=NOW * 50) == "team"
    back = fact("refunded", NOW + 1, subscription="", payment="pi_1")
    assert plan_after(bought, back) == "free"
    assert plan_after(back, bought) == "free"
    # It is not one of the subscription of the same customer.
    assert plan_after(active(), bought, back) == "pro"
    failed = fact("failed", subscription="", payment="pi_1")
    assert plan_after(failed) == "free"


def test_a_cancelled_subscription_never_comes_back() -> None:
    gone = fact("subscribed", NOW - 99, status="canceled")
    assert plan_after(gone, active("pro", NOW)) == "free"
    assert plan_after(gone, active("pro", NOW), fact("paid", NOW + 1)) == "free"


def test_the_highest_plan_counts_and_the_longest_grace() -> None:
    other = active("team", subscription="sub_2")
    assert plan_after(active(), other) == "team"
    assert plan_after(other, active()) == "team"
    failed = fact("failed")
    second = fact("failed", NOW + DAY_MS, subscription="sub_2")
    both = [active(), failed, active(subscription="sub_2"), second]
    assert entitled(standing_of(both), PLANS, NOW).until_ms == NOW + 4 * DAY_MS
    assert entitled(standing_of(both[:3]), PLANS, NOW).until_ms is None


def test_a_bill_says_the_plan_where_the_subscription_has_not_spoken() -> None:
    paid = fact("paid", plan="pro")
    assert plan_after(paid) == "pro"
    assert plan_after(paid, active("team")) == "team"


def test_a_paid_plan_that_is_not_declared_any_more_is_told() -> None:
    now = entitled(standing_of([active("gold")]), PLANS, NOW)
    assert (now.plan, now.undeclared) == ("free", "gold")
    assigned = PlanAssigned(plan="gold", principal="p")
    now = entitled(standing_of([assigned]), PLANS, NOW)
    assert (now.plan, now.undeclared) == ("free", "gold")


@pytest.mark.requirement("BIL-3")
def test_an_operator_gives_a_plan_by_hand_and_takes_it_back() -> None:
    book: list[Event] = []

    def assign(plan: str) -> list[str]:
        given_fact = PlanAssigned(plan=plan, principal="local:op", reason=Clean("kind"))
        events = on_assignment(standing_of(book), given_fact, PLANS, NOW)
        book.extend(events)
        return [f"{event.type}:{getattr(event, 'reason', '')}" for event in events]

    assert assign("team") == ["PlanAssigned:kind", "PlanRaised:set"]
    assert told(active())
    assert plan_after(*book, active()) == "team"
    assert assign("team") == ["PlanAssigned:kind"]
    assert assign("") == ["PlanAssigned:kind", "PlanLowered:set"]
    with pytest.raises(ConfigError, match="no plan 'gold'"):
        assign("gold")


def test_other_facts_of_a_book_are_passed_over() -> None:
    ignored = PaymentIgnored(provider="stripe", event="e", kind="k", reason=Clean("why"))
    limit = BudgetSet(account="user:ann|day|nano", limit=1, principal="p")
    standing = standing_of([limit, ignored, active()])
    assert standing.ignored == {"e|why"}
    assert entitled(standing, PLANS, NOW).plan == "pro"


def test_why_a_plan_is_lowered_where_nothing_was_ever_paid_for_it() -> None:
    raised = PlanRaised(plan="pro", previous="free", reason="paid")
    (lowered,) = changes(standing_of([raised, active("free")]), PLANS, NOW)
    assert isinstance(lowered, PlanLowered)
    assert lowered.reason == "downgraded"
    (lowered,) = changes(standing_of([raised, active("pro"), active("team")]), PLANS, NOW)
    assert isinstance(lowered, PlanRaised)
    team = raised.model_copy(update={"plan": "team"})
    running: list[Event] = [team, active("pro"), active("team", NOW - 99)]
    (lowered,) = changes(standing_of(running), PLANS, NOW)
    assert isinstance(lowered, PlanLowered)
    assert lowered.reason == "downgraded"


FACTS = st.builds(
    fact,
    st.sampled_from(
        ["subscribed", "paid", "bought", "failed", "refunded", "disputed", "dispute_won", "noted"]
    ),
    st.integers(NOW - 5, NOW),
    subscription=st.sampled_from(["", "sub_1", "sub_2"]),
    payment=st.sampled_from(["", "pi_1", "pi_2"]),
    customer=st.sampled_from(["", "cus_1", "cus_2"]),
    plan=st.sampled_from(["", "pro", "team"]),
    status=st.sampled_from(["active", "past_due", "canceled", "incomplete", "trialing"]),
)


@pytest.mark.requirement("BIL-3")
@given(facts=st.lists(FACTS, max_size=8), data=st.data())
def test_any_order_and_any_repetition_comes_to_the_same_plan(
    facts: Sequence[PaymentReceived], data: st.DataObject
) -> None:
    other = data.draw(st.permutations([*facts, *facts]))
    for now_ms in (NOW, NOW + 30 * DAY_MS):
        assert plan_after(*facts, now_ms=now_ms) == plan_after(*other, now_ms=now_ms)
        assert plan_after(*told(*facts)) == plan_after(*told(*other))
    book = told(*other)
    received = [event.event for event in book if isinstance(event, PaymentReceived)]
    assert len(received) == len(set(received))
