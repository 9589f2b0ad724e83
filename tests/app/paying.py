"""Shared by tests of plans: price lists, apps on a simulated provider, signed webhooks."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from remit import Agent, App, ScriptedModel, declare
from remit.adapters.models.anthropic import AnthropicModel
from remit.app.till import PaymentOutcome
from remit.journal.events import Event
from remit.machine.tools import AnyTool
from remit.policy.allowance import Budget
from remit.policy.plan import Plan, Plans
from remit.simulator.server import Simulator, running
from remit.values.account import OPERATOR
from tests.runtime.stage import Script

MODEL = "anthropic:claude-haiku-4-5-20251001"
PRICES = {MODEL: declare(MODEL, input_usd="1", output_usd="5")}
SECRET = "whsec_" + "s" * 32
SECRET_ENV = "SHOP_STRIPE_SECRET"
FREE_CALLS = 1

FREE = Plan(name="free", limits=(Budget(of="user", window="day", calls=FREE_CALLS),))
PRO = Plan(
    name="pro",
    limits=(Budget(of="user", window="day", calls=50),),
    checkout_url="https://pay.example/pro?prefilled=1",
    prices=("price_pro", "plink_pro"),
)
TEAM = Plan(name="team", checkout_url="https://pay.example/team", prices=("price_team",))
PLANS = Plans(plans=(FREE, PRO, TEAM), default="free", stripe_secret_env=(SECRET_ENV,))


@pytest.fixture
def stripe_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The webhook secret where the settings say it is."""
    monkeypatch.setenv(SECRET_ENV, SECRET)


def clerk(*tools: AnyTool, name: str = "clerk") -> Agent[str]:
    """An agent of a model that the simulator serves."""
    return Agent(name, model=MODEL, instructions="Answer.", tools=tools, max_output_tokens=300)


@asynccontextmanager
async def shop(
    url: str, *agents: Agent[object], plans: Plans = PLANS
) -> AsyncIterator[tuple[App, Simulator]]:
    """An app with plans, and the provider that it asks."""
    async with running() as provider:
        model = AnthropicModel("test-key", base_url=provider.url)
        app = App(url, agents=agents, models={"anthropic": model}, prices=PRICES, plans=plans)
        async with app:
            yield app, provider


@asynccontextmanager
async def scripted(
    url: str, agent: Agent[object], *script: Script, plans: Plans = PLANS
) -> AsyncIterator[App]:
    """An app with plans whose model says what the script says."""
    models = {"scripted": ScriptedModel(*script)}
    prices = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
    async with App(url, agents=[agent], models=models, prices=prices, plans=plans) as app:
        yield app


def signed(body: bytes, *, secret: str = SECRET, at_s: int | None = None) -> dict[str, str]:
    """The headers of a webhook, signed by Stripe's own package."""
    moment = int(time.time()) if at_s is None else at_s
    sign = stripe.WebhookSignature.generate_signature_header
    return {"Stripe-Signature": str(sign(body.decode(), secret, moment))}


async def send(app: App, body: bytes) -> PaymentOutcome:
    """Deliver a webhook."""
    return await app.payment_event(signed(body), body)


def reference_of(url: str | None) -> str:
    """The client reference in a checkout link."""
    assert url is not None
    (reference,) = parse_qs(urlsplit(url).query)["client_reference_id"]
    return reference


async def book(app: App, holder: str = "user:ann", tenant: str = "acme") -> list[Event]:
    """The facts in a holder's book."""
    return [page.event for page in await app.books.read(tenant, holder)]


async def payer(app: App, ref: str) -> list[Event]:
    """The facts in the book of one of Stripe's ids."""
    return await book(app, f"payer:stripe-{ref}", OPERATOR)
