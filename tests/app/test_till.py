"""Payments unlock, and take away, exactly once, whoever hears of them, in whatever order."""

import time
from dataclasses import replace

import pytest

from remit.app.till import PaymentOutcome
from remit.errors import ConfigError, WebhookRefused
from remit.journal.events import (
    PayerLinked,
    PaymentIgnored,
    PaymentReceived,
    PlanLowered,
    PlanRaised,
)
from remit.policy.plan import Plans
from remit.wire.webhook import standard
from remit.wire.webhook.reference import Reference, reference_key, sign_reference
from tests.app.paying import (
    FREE,
    PLANS,
    PRO,
    SECRET,
    SECRET_ENV,
    TEAM,
    book,
    clerk,
    payer,
    reference_of,
    send,
    shop,
    signed,
    stripe_secret,
)
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
CLERK = clerk()


def checkout(reference: str, **changes: object) -> bytes:
    return event(
        "checkout.session.completed", session(client_reference_id=reference, **changes), at_s=NOW_S
    )


async def test_at_the_cap_no_prompt_reaches_the_provider_until_the_payment_unlocks() -> None:
    async with shop("memory:", CLERK) as (app, provider):
        first = await app.run(CLERK, "first", tenant="acme", user="ann", session="s1")
        assert (first.status, first.upgrade) == ("completed", None)
        asked = len(provider.served)
        refused = await app.run(
            CLERK, "the refused prompt", tenant="acme", user="ann", session="s1"
        )
        assert len(provider.served) == asked
        assert (refused.status, refused.reason, refused.turns) == ("stopped", "upgrade-required", 0)
        notice = refused.upgrade
        assert notice is not None
        assert (notice.plan, notice.what, notice.used, notice.limit) == ("free", "limit", 1, 1)
        assert (notice.unit, notice.offer) == ("calls", "pro")
        assert notice.resets_at is not None
        assert "refused prompt" not in notice.text
        other = await app.run(CLERK, "hello", tenant="acme", user="bob")
        assert other.status == "completed"  # it is ann's cap

        outcome = await send(app, checkout(reference_of(notice.checkout_url)))
        assert (outcome.result, outcome.tenant, outcome.holder) == ("applied", "acme", "user:ann")
        assert outcome.plan == "pro"
        after = await app.run(CLERK, "and now", tenant="acme", user="ann", session="s1")
        assert after.status == "completed"
        last = provider.served[-1].request
        assert last is not None
        assert "the refused prompt" not in str(last.messages)
        assert "first" in str(last.messages)


async def test_a_replayed_a_forged_and_a_stale_event_change_nothing() -> None:
    async with shop("memory:", CLERK) as (app, _):
        body = checkout(reference_of(await app.checkout_url("pro", tenant="acme", user="ann")))
        for headers, reason in (
            (signed(body, secret="whsec_" + "x" * 32), "signature"),
            (signed(body + b" "), "signature"),
            (signed(body, at_s=NOW_S - 3600), "stale"),
            (signed(body, at_s=NOW_S + 3600), "stale"),
            ({}, "signature"),
            ({"webhook-signature": "v1,AAAA"}, "signature"),
        ):
            with pytest.raises(WebhookRefused) as caught:
                await app.payment_event(headers, body)
            assert caught.value.reason == reason
        assert await book(app) == []
        assert (await send(app, body)).result == "applied"
        kept = await book(app)
        for _ in range(3):
            assert (await send(app, body)).result == "repeated"
        assert await book(app) == kept
        assert [each.type for each in kept] == ["PaymentReceived", "PlanRaised"]


async def test_nobody_buys_with_a_reference_that_was_not_signed_here() -> None:
    async with shop("memory:", CLERK) as (app, _):
        forged = sign_reference(
            reference_key(b"x" * 32),
            Reference(plan="pro", until_ms=NOW_S * 2000, tenant="acme", holder="user:ann"),
        )
        outcome = await send(app, checkout(forged))
        assert (outcome.result, outcome.holder) == ("kept", "")
        assert outcome.reason == "the client reference was not signed here"
        assert await book(app) == []
        assert (await app.plans.show("acme", "user:ann")).plan == "free"


async def test_the_plan_is_what_was_paid_for_not_what_the_link_was_made_for() -> None:
    async with shop("memory:", CLERK) as (app, _):
        team = reference_of(await app.checkout_url("team", tenant="acme", user="ann"))
        assert (await send(app, checkout(team))).plan == "pro"
        unsold = checkout(team, payment_link="plink_other", subscription="sub_2")
        outcome = await send(app, unsold)
        assert outcome.reason == "no plan lists plink_other"
        assert outcome.plan == "pro"


@pytest.mark.parametrize(
    ("kind", "thing", "reason"),
    [
        ("customer.subscription.updated", subscription(price="price_none"), None),
        ("customer.subscription.deleted", subscription("canceled"), "cancelled"),
        ("customer.subscription.updated", subscription("unpaid"), "payment-failed"),
        ("charge.refunded", charge(refunded=True, amount_refunded=2000), "refunded"),
        ("charge.refunded", charge(amount_refunded=5), None),
        ("charge.dispute.created", dispute(), "disputed"),
        ("charge.dispute.created", dispute("warning_needs_response"), None),
    ],
    ids=range(7),
)
async def test_later_events_are_attributed_by_the_payer(
    kind: str, thing: dict[str, object], reason: str | None
) -> None:
    async with shop("memory:", CLERK) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        await send(app, checkout(reference))
        await send(app, event("charge.succeeded", charge(), at_s=NOW_S))
        outcome = await send(app, event(kind, thing, at_s=NOW_S + 1))
        assert (outcome.result, outcome.holder) == ("applied", "user:ann")
        lowered = [each for each in await book(app) if isinstance(each, PlanLowered)]
        assert [each.reason for each in lowered] == ([] if reason is None else [reason])
        assert outcome.plan == ("pro" if reason is None else "free")


async def test_a_downgrade_and_a_failed_payment_with_its_grace() -> None:
    plans = PLANS.model_copy(update={"grace": "1h"})
    async with shop("memory:", CLERK, plans=plans) as (app, _):
        reference = reference_of(await app.checkout_url("team", tenant="acme", user="ann"))
        await send(app, checkout(reference, payment_link=None))
        team = subscription(price="price_team")
        raised = await send(app, event("customer.subscription.created", team, at_s=NOW_S - 9000))
        assert raised.plan == "team"
        down = await send(
            app, event("customer.subscription.updated", subscription(), at_s=NOW_S - 8000)
        )
        assert down.plan == "pro"
        failed = invoice(amount_paid=0)
        late = event("invoice.payment_failed", failed, at_s=NOW_S + 60)
        assert (await send(app, late)).plan == "pro"
        shown = await app.plans.show("acme", "user:ann")
        assert shown.until_ms == (NOW_S + 60 + 3600) * 1000
        assert [each.type for each in await book(app)].count("PlanLowered") == 1


async def test_a_grace_that_is_over_is_journalled_when_a_run_starts() -> None:
    async with shop("memory:", CLERK) as (app, provider):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        await send(app, checkout(reference))
        long_ago = event("invoice.payment_failed", invoice(), at_s=NOW_S + 1 - 4 * 86_400)
        paid_before = event("checkout.session.completed", session(), at_s=NOW_S)
        assert paid_before != long_ago
        await send(app, long_ago)  # older than the payment: nothing
        assert (await app.plans.show("acme", "user:ann")).plan == "pro"
        later = event("invoice.payment_failed", invoice(), at_s=NOW_S + 5)
        await send(app, later)
        app.plans.clock.now_ms = lambda: (NOW_S + 6 + 3 * 86_400) * 1000  # type: ignore[method-assign]  # days go by
        await app.run(CLERK, "one", tenant="acme", user="ann")
        lowered = [each for each in await book(app) if isinstance(each, PlanLowered)]
        assert [each.reason for each in lowered] == ["payment-failed"]
        refused = await app.run(CLERK, "two", tenant="acme", user="ann")
        assert refused.reason == "upgrade-required"
        assert len(provider.served) == 1


async def test_events_that_come_before_the_checkout_wait_for_it() -> None:
    """Stripe promises no order, and the checkout often comes last."""
    async with shop("memory:", CLERK) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        early = [
            event("customer.subscription.created", subscription(price="price_team"), at_s=NOW_S),
            event("charge.succeeded", charge(), at_s=NOW_S),
            event("invoice.paid", invoice("price_team"), at_s=NOW_S),
        ]
        for body in early:
            assert (await send(app, body)).result == "kept"
        assert (await send(app, early[0])).result == "repeated"
        assert len(await payer(app, "sub_1")) == 2
        outcome = await send(app, checkout(reference, payment_link=None))
        assert (outcome.result, outcome.plan) == ("applied", "team")
        received = [each for each in await book(app) if isinstance(each, PaymentReceived)]
        assert len(received) == 4
        # The charge came with the customer, so its dispute is ann's too.
        disputed = await send(app, event("charge.dispute.created", dispute(), at_s=NOW_S + 1))
        assert (disputed.holder, disputed.plan) == ("user:ann", "free")
        assert (await send(app, early[0])).result == "repeated"


async def test_a_payer_who_buys_for_another_is_followed_from_then_on() -> None:
    async with shop("memory:", CLERK) as (app, _):
        await send(app, event("invoice.paid", invoice(), at_s=NOW_S))
        for user, subscribed in (("ann", "sub_1"), ("bob", "sub_2")):
            reference = reference_of(await app.checkout_url("pro", tenant="acme", user=user))
            await send(app, checkout(reference, subscription=subscribed))
        links = [each for each in await payer(app, "cus_1") if isinstance(each, PayerLinked)]
        assert [each.holder for each in links] == ["user:ann", "user:bob"]
        # Each subscription stays whose it was; what waited was the first one's.
        deleted = event("customer.subscription.deleted", subscription(), at_s=NOW_S + 1)
        assert (await send(app, deleted)).holder == "user:ann"
        assert (await app.plans.show("acme", "user:bob")).plan == "pro"
        kinds = [each.kind for each in await book(app, "user:bob") if hasattr(each, "kind")]
        assert kinds == ["checkout.session.completed"]


async def test_unknown_types_and_events_without_a_payer_are_journalled_as_ignored() -> None:
    async with shop("memory:", CLERK) as (app, _):
        things: dict[str, dict[str, object]] = {
            "radar.early_fraud_warning.created": {"id": "issfr_1"},
            "invoice.paid": {"id": "in_1", "lines": {"data": []}},
        }
        for kind, thing in things.items():
            body = event(kind, thing, at_s=NOW_S)
            outcome = await send(app, body)
            assert outcome.result == "ignored"
            assert (await send(app, body)).result == "repeated"
            (fact,) = await book(app, f"payment:stripe-{outcome.event}", "*")
            assert isinstance(fact, PaymentIgnored)
            assert (fact.kind, fact.event) == (kind, outcome.event)


async def test_a_holder_of_another_kind_is_said_before_anything_is_entered() -> None:
    async with shop("memory:", CLERK) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        other = PLANS.model_copy(update={"holder": "tenant", "plans": (TEAM,), "default": "team"})
        desk = replace(app.plans, plans=other)
        till = replace(app._open.till, desk=desk)
        body = checkout(reference)
        with pytest.raises(ConfigError, match="held by each tenant; say tenant:NAME"):
            await till.receive(signed(body), body)
        assert await app.store.runs(None, books=True) == []
        assert (await send(app, body)).result == "applied"


async def test_secrets_are_exchanged_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = PLANS.model_copy(update={"stripe_secret_env": ("NEW_SECRET", SECRET_ENV)})
    monkeypatch.setenv("NEW_SECRET", "whsec_" + "n" * 32)
    async with shop("memory:", CLERK, plans=plans) as (app, _):
        for number, secret in enumerate((SECRET, "whsec_" + "n" * 32)):
            body = event("charge.succeeded", charge(id=f"ch_{number}"), at_s=NOW_S)
            outcome = await app.payment_event(signed(body, secret=secret), body)
            assert outcome.result == "kept"


async def test_what_is_missing_in_the_settings_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    body = checkout("x")
    monkeypatch.delenv(SECRET_ENV)
    async with shop("memory:", CLERK) as (app, _):
        with pytest.raises(ConfigError, match=f"no secret {SECRET_ENV}"):
            await send(app, body)
    bare = PLANS.model_copy(update={"stripe_secret_env": ()})
    async with shop("memory:", CLERK, plans=bare) as (app, _):
        with pytest.raises(WebhookRefused, match=r"billing\.stripe_secret_env names no secret"):
            await send(app, body)


async def test_other_billers_sign_as_standard_webhooks_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "whsec_" + "QUJD" * 10
    monkeypatch.setenv("BILLER_SECRET", text)
    plans = Plans(plans=(FREE, PRO), default="free", webhook_secret_env=("BILLER_SECRET",))
    async with shop("memory:", CLERK, plans=plans) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        body = (
            '{"type":"plan.paid","timestamp":"2026-11-21T14:00:00Z","data":{"reference":"'
            f'{reference}","subscription":"s-1","sold":["price_pro"]}}}}'
        ).encode()
        key = standard.signing_key(text, "here")
        headers = standard.sign(body, [key], message_id="msg_1", at_s=int(time.time()))
        results: list[PaymentOutcome] = [await app.payment_event(headers, body) for _ in "ab"]
        assert [each.result for each in results] == ["applied", "repeated"]
        assert results[0].plan == "pro"
        (raised,) = [each for each in await book(app) if isinstance(each, PlanRaised)]
        assert raised.event == "msg_1"


async def test_names_that_fit_no_reference_are_looked_up() -> None:
    tenant, user = "t" * 120, "u" * 120
    async with shop("memory:", CLERK) as (app, _):
        await app.run(CLERK, "one", tenant=tenant, user=user)
        refused = await app.run(CLERK, "two", tenant=tenant, user=user)
        assert refused.upgrade is not None
        reference = reference_of(refused.upgrade.checkout_url)
        assert len(reference) <= 200
        outcome = await send(app, checkout(reference))
        assert (outcome.tenant, outcome.holder, outcome.plan) == (tenant, f"user:{user}", "pro")
