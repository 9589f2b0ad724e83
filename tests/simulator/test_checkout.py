"""The simulated checkout takes no money, sends Stripe's signed webhook, and serves this machine."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
import stripe
from aiohttp import web

from remit.errors import ConfigError
from remit.simulator import checkout as module
from remit.simulator.checkout import Checkout, Product, selling

pytestmark = pytest.mark.requirement("BIL-3")
SECRET = "whsec_" + "s" * 32
PRO = Product(plan="pro", link="plink_pro", cents=905)


@dataclass
class Till:
    """What receives the webhooks, and checks them with Stripe's own package."""

    status: int = 200
    said: str = '{"result": "applied"}'
    events: list[dict[str, object]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        mark = request.headers["Stripe-Signature"]
        stripe.Webhook.construct_event(body, mark, SECRET)
        self.events.append(json.loads(body))
        return web.Response(text=self.said, status=self.status)


@asynccontextmanager
async def shop(till: Till | None = None) -> AsyncIterator[tuple[Checkout, aiohttp.ClientSession]]:
    """A checkout whose webhooks go to the till."""
    app = web.Application()
    app.router.add_post("/payments", (till or Till()).take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with selling([PRO], secret=SECRET) as checkout, aiohttp.ClientSession() as http:
            checkout.target = f"http://127.0.0.1:{runner.addresses[0][1]}/payments"
            checkout.home = "http://127.0.0.1:1/runs"
            yield checkout, http
    finally:
        await runner.cleanup()


async def pay(
    http: aiohttp.ClientSession, url: str, reference: str = "ref-1", **headers: str
) -> tuple[int, str]:
    form = {"client_reference_id": reference}
    async with http.post(url, data=form, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_stripes_own_package_accepts_what_is_sent() -> None:
    till = Till()
    async with shop(till) as (checkout, http):
        async with http.get(checkout.link("pro"), params={"client_reference_id": "r"}) as page:
            assert page.status == 200
            assert "9.05 USD" in await page.text()
            assert "script-src" not in page.headers["content-security-policy"]
            assert page.headers["content-security-policy"].startswith("default-src 'none'")
        status, text = await pay(http, checkout.link("pro"))
        assert status == 200
        assert "<strong>200 applied</strong>" in text
        assert 'href="http://127.0.0.1:1/runs"' in text
    (event,) = till.events
    thing = event["data"]
    assert isinstance(thing, Mapping)
    assert thing["object"]["client_reference_id"] == "ref-1"
    assert thing["object"]["payment_link"] == "plink_pro"
    assert event["livemode"] is False


async def test_paying_twice_sends_one_event_twice() -> None:
    till = Till()
    async with shop(till) as (checkout, http):
        for reference in ("a", "a", "b"):
            await pay(http, checkout.link("pro"), reference)
        names = [each.event for each in checkout.deliveries]
    assert names == [each["id"] for each in till.events]
    assert names[0] == names[1] != names[2]


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SOLD", 1)
    async with shop() as (checkout, http):
        for reference in ("a", "b", "a"):
            await pay(http, checkout.link("pro"), reference)
        assert len({each.event for each in checkout.deliveries}) == 3


@pytest.mark.parametrize(
    ("till", "says"),
    [
        (Till(status=503, said='{"error": "send it again"}'), "503 send it again"),
        (Till(status=400, said="not JSON"), "<strong>400</strong>"),
        (Till(status=400, said="[]"), "<strong>400</strong>"),
        (Till(status=400, said='{"error": 5}'), "<strong>400</strong>"),
    ],
)
async def test_what_the_receiver_refuses_is_told(till: Till, says: str) -> None:
    async with shop(till) as (checkout, http):
        status, text = await pay(http, checkout.link("pro"))
        assert status == 200
        assert says in text
        assert "did not take" in text
        assert not checkout.deliveries[0].taken


async def test_a_receiver_that_is_not_there() -> None:
    async with shop() as (checkout, http):
        checkout.target = "http://127.0.0.1:1/payments"
        status, text = await pay(http, checkout.link("pro"), accept="application/json")
        assert status == 200
        assert json.loads(text)["status"] == 0
        assert "nobody took it" in json.loads(text)["result"]


async def test_what_is_not_sold_or_not_for_anybody() -> None:
    async with shop() as (checkout, http):
        for url, reference, expected in (
            (checkout.link("gold"), "r", 404),
            (checkout.link("pro"), "", 400),
            (checkout.link("pro"), "r" * 201, 400),
        ):
            assert (await pay(http, url, reference))[0] == expected
            async with http.get(url, params={"client_reference_id": reference}) as page:
                assert page.status == expected
        checkout.target = ""
        assert (await pay(http, checkout.link("pro")))[0] == 503
        assert not checkout.deliveries


async def test_it_is_for_this_machine_and_its_own_form_alone() -> None:
    async with shop() as (checkout, http):
        url = checkout.link("pro")
        assert url.startswith("http://127.0.0.1:")
        assert (await pay(http, url, host="shop.example"))[0] == 403
        assert (await pay(http, url, origin="https://shop.example"))[0] == 403
        assert (await pay(http, url, origin="null"))[0] == 403
        assert not checkout.deliveries
        assert (await pay(http, url, origin=checkout.url))[0] == 200
        local = checkout.url.replace("127.0.0.1", "localhost")
        assert (await pay(http, url, host=local.removeprefix("http://"), origin=local))[0] == 200


async def test_a_port_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOST", "198.51.100.1")
    with pytest.raises(ConfigError, match=r"cannot listen on 198\.51\.100\.1"):
        async with selling([PRO], secret=SECRET):
            pass
