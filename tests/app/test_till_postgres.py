"""Apps that share a PostgreSQL journal enter a payment once."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from remit.adapters.keys import new_keys
from tests.app.paying import book, clerk, payer, reference_of, send, shop, stripe_secret
from tests.support.postgres import PostgresServer
from tests.wire.webhook.stripe_events import event, session

__all__ = ["stripe_secret"]
pytestmark = [pytest.mark.requirement("BIL-3"), pytest.mark.usefixtures("stripe_secret")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with PostgresServer() as server:
        yield server.database()


async def test_one_event_at_two_apps_counts_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    agent = clerk()
    async with shop(url, agent) as (one, _), shop(url, agent) as (two, provider):
        await one.run(agent, "first", tenant="acme", user="ann")
        refused = await two.run(agent, "second", tenant="acme", user="ann")
        assert refused.upgrade is not None
        assert not provider.served
        thing = session(client_reference_id=reference_of(refused.upgrade.checkout_url))
        body = event("checkout.session.completed", thing, at_s=int(time.time()))
        outcomes = await asyncio.gather(*(send(app, body) for app in (one, two) * 4))
        assert sorted(each.result for each in outcomes) == ["applied"] + ["repeated"] * 7
        assert [each.type for each in await book(one)] == ["PaymentReceived", "PlanRaised"]
        for ref in ("sub_1", "cus_1"):
            assert [each.type for each in await payer(two, ref)] == ["PayerLinked"]
        after = await two.run(agent, "third", tenant="acme", user="ann")
        assert after.status == "completed"
