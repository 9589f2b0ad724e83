"""Refunds: booked once per call, within what was paid, found again, cancelled."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from helpdesk.refunds import Refunds
from helpdesk.shop import Shop
from rehearsal.world import World
from remit import HookedCall, ToolError
from remit.values.clean import Clean
from remit.values.preview_lines import drawn
from tests.examples.helpdesk.desk import calling

PAID = Decimal("49.90")


@pytest.fixture
def refunds(place: World) -> Refunds:
    return Refunds(Shop(str(place.shop)))


def test_one_call_is_one_refund_however_often_it_is_tried(refunds: Refunds) -> None:
    call = calling("aurora", "A-001", approved_by=("fiona",))
    assert refunds.find(call) is None
    first = refunds.book(call, "A10001", PAID, "damaged")
    assert refunds.book(call, "A10001", PAID, "damaged") == first
    assert refunds.find(call) == first
    assert (first.order, first.amount, first.state) == ("A10001", "49.90", "booked")


def test_no_more_is_refunded_than_was_paid(refunds: Refunds, place: World) -> None:
    with pytest.raises(ToolError, match=r"50\.00 is more than the 49\.90"):
        refunds.book(calling("aurora", "A-001"), "A10001", Decimal("50.00"), "damaged")
    refunds.book(calling("aurora", "A-001", call="c1-1"), "A10001", Decimal("40.00"), "damaged")
    with pytest.raises(ToolError, match=r"more than the 9\.90"):
        refunds.book(calling("aurora", "A-001", call="c1-2"), "A10001", Decimal("9.91"), "damaged")
    order = Shop(str(place.shop)).order(calling("aurora", "A-001"), "A10001")
    assert (order.refunded, order.refundable) == ("40.00", "9.90")


@pytest.mark.requirement("APR-2")
def test_people_see_the_order_before_and_after_the_refund(refunds: Refunds) -> None:
    refunds.book(calling("aurora", "A-001"), "A10001", Decimal("10.00"), "damaged")
    found = refunds.preview(looking("aurora", "A-001"), "A10001", Decimal("20.00"))
    lines = drawn(found, Clean.vouch).lines
    assert lines[:2] == [" books a refund of 20.00 euros, by the way it was paid", "@ order A10001"]
    assert " paid: 49.90" in lines
    assert lines[-4:] == [
        "-refunded: 10.00",
        "-refundable: 39.90",
        "+refunded: 30.00",
        "+refundable: 19.90",
    ]


@pytest.mark.requirement("TEN-1")
def test_nobody_is_asked_about_what_would_be_refused(refunds: Refunds) -> None:
    with pytest.raises(ToolError, match=r"50\.00 is more than the 49\.90"):
        refunds.preview(looking("aurora", "A-001"), "A10001", Decimal("50.00"))
    with pytest.raises(ToolError, match="has no order"):
        refunds.preview(looking("bergtal", "B-001"), "A10001", Decimal("1.00"))


def looking(tenant: str, ticket: str) -> HookedCall:
    return HookedCall(
        tool="refund",
        server="",
        access="write",
        risk="high",
        arguments={},
        agent="support",
        tenant=tenant,
        user="mia",
        roles=(),
        session=ticket,
        run="r1",
        call="c1-1",
        labels=(),
        environment="dev",
    )


def test_many_at_once_never_refund_more_than_was_paid(refunds: Refunds) -> None:
    def book(number: int) -> bool:
        call = calling("aurora", "A-001", call=f"c{number}-1")
        try:
            refunds.book(call, "A10001", Decimal("20.00"), "damaged")
        except ToolError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(book, range(16))) == 2


@pytest.mark.requirement("TEN-1")
def test_only_orders_of_the_sender_are_refunded(refunds: Refunds) -> None:
    for tenant, ticket, order in (
        ("aurora", "A-010", "A10002"),
        ("bergtal", "B-015", "B20002"),
        ("bergtal", "B-001", "A10001"),
    ):
        with pytest.raises(ToolError, match="has no order"):
            refunds.book(calling(tenant, ticket), order, Decimal(1), "damaged")


def test_a_cancelled_refund_can_be_given_again_and_stays_cancelled(refunds: Refunds) -> None:
    made = refunds.book(calling("aurora", "A-001"), "A10001", PAID, "damaged")
    call = calling("aurora", "A-001", run="undo")
    assert refunds.cancel(call, made.refund).state == "cancelled"
    assert refunds.cancel(call, made.refund).state == "cancelled"
    again = calling("aurora", "A-001", call="c2-1")
    assert refunds.book(again, "A10001", PAID, "damaged").refund != made.refund


@pytest.mark.requirement("TEN-1")
def test_no_tenant_cancels_for_another(refunds: Refunds) -> None:
    made = refunds.book(calling("aurora", "A-001"), "A10001", PAID, "damaged")
    with pytest.raises(ToolError, match="there is no refund"):
        refunds.cancel(calling("bergtal", "B-001"), made.refund)
    assert refunds.find(calling("aurora", "A-001")) == made


def test_what_an_approval_depends_on_changes_with_every_refund(refunds: Refunds) -> None:
    before = refunds.state("A10001", PAID)
    assert refunds.state("A10001", PAID) == before
    refunds.book(calling("aurora", "A-001"), "A10001", Decimal(1), "damaged")
    assert refunds.state("A10001", PAID) != before
