"""In whatever order a provider sends the events of one story, it ends with the same plan."""

import time
from itertools import permutations

import pytest

from remit.app.till import PaymentOutcome
from remit.journal.events import PaymentReceived
from tests.app.paying import book, reference_of, send, shop, stripe_secret
from tests.wire.webhook.stripe_events import (
    charge,
    dispute,
    event,
    invoice,
    session,
    subscription,
)

__all__ = ["stripe_secret"]
pytestmark = [pytest.mark.requirement("BIL-3"), pytest.mark.usefixtures("stripe_secret")]
NOW_S = int(time.time())


def bodies(reference: str, number: int, *, disputed: bool) -> list[bytes]:
    """A team plan is bought; the ids are those of story `number`."""
    who = {"customer": f"cus_{number}"}
    sub, pi, ch = f"sub_{number}", f"pi_{number}", f"ch_{number}"
    parent = {"subscription_details": {"subscription": sub}}
    paid = charge(id=ch, payment_intent=pi, **who)
    found = [
        event(
            "checkout.session.completed",
            session(client_reference_id=reference, subscription=sub, payment_link=None, **who),
            at_s=NOW_S,
        ),
        event(
            "customer.subscription.created",
            subscription("incomplete", "price_pro", id=sub, **who),
            at_s=NOW_S - 2,
        ),
        event(
            "customer.subscription.updated",
            subscription("active", "price_team", id=sub, **who),
            at_s=NOW_S - 1,
        ),
        event("invoice.paid", invoice("price_pro", parent=parent, **who), at_s=NOW_S - 1),
    ]
    if disputed:
        found[1] = event("charge.succeeded", paid, at_s=NOW_S - 1)
        found.append(
            event(
                "charge.dispute.created",
                {**dispute(), "charge": ch, "payment_intent": pi},
                at_s=NOW_S + 1,
            )
        )
    return found


@pytest.mark.parametrize("disputed", [False, True])
async def test_every_order_ends_with_the_same_plan(*, disputed: bool) -> None:
    async with shop("memory:") as (app, _):
        count = 5 if disputed else 4
        for number, order in enumerate(permutations(range(count))):
            user = f"u{number}"
            reference = reference_of(await app.checkout_url("team", tenant="acme", user=user))
            story = bodies(reference, number, disputed=disputed)
            outcomes: list[PaymentOutcome] = [await send(app, story[index]) for index in order]
            assert {each.result for each in outcomes} <= {"applied", "kept"}
            now = await app.plans.show("acme", f"user:{user}")
            assert now.plan == ("free" if disputed else "team"), order
            again = [await send(app, body) for body in story]
            assert {each.result for each in again} == {"repeated"}
            assert {each.holder for each in again} == {f"user:{user}"}
            received = [
                each.event
                for each in await book(app, f"user:{user}")
                if isinstance(each, PaymentReceived)
            ]
            assert len(received) == len(set(received)) == count, order
