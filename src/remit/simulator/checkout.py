"""The simulator's checkout: a local page that takes no money and sends Stripe's webhook for it."""

import json
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from remit.errors import ConfigError
from remit.simulator.checkout_page import CSP, paid_page, pay_page, refusal_page
from remit.wire.webhook import stripe_signature
from remit.wire.webhook.reference import MAX_CHARS

HOST = "127.0.0.1"
"""Never another one: whoever reaches the page can "pay"."""

_SOLD = 1_000  # checkouts remembered, so that paying twice sends one event twice
_KEPT = 1_000  # deliveries kept for whoever looks at them
_DELIVER_S = 15.0  # Stripe waits about as long
_MAX_ANSWER = 64 * 1024  # bytes read of what the receiver answers
_MAX_FORM = 16 * 1024  # a reference has 200 characters
_SHUTDOWN_S = 0.1
_ID_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the page sells: `plan` is its name, `link` the id of the payment link."""

    plan: str
    link: str
    cents: int
    currency: str = "usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook that was sent. status: what was answered; 0 where nobody did."""

    event: str
    status: int
    result: str

    @property
    def taken(self) -> bool:
        """The receiver has it, now or from before."""
        return self.status == web.HTTPOk.status_code


class Checkout:
    """A running checkout. `deliveries` tells what was sent; it is bounded."""

    def __init__(self, products: Iterable[Product], secret: str) -> None:
        self.url = ""
        self.target = ""
        """Where webhooks go; nothing can be paid before it is known."""
        self.home = ""
        """Where the page leads back to."""
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self._products = {each.plan: each for each in products}
        self._secret = secret
        self._sold: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def link(self, plan: str) -> str:
        """The payment link of a plan."""
        return f"{self.url}/checkout/{plan}"

    def product(self, plan: str) -> Product | None:
        """What the page of a plan sells."""
        return self._products.get(plan)

    async def pay(self, product: Product, reference: str) -> Delivery:
        """Send the event of a checkout; the same one where it was paid before."""
        key = (product.plan, reference)
        body = self._sold.get(key)
        if body is None:
            body = self._sold[key] = _event(product, reference)
            if len(self._sold) > _SOLD:
                self._sold.popitem(last=False)
        made = await self._deliver(body)
        self.deliveries.append(made)
        return made

    async def _deliver(self, body: bytes) -> Delivery:
        event = str(json.loads(body)["id"])
        mark = stripe_signature.sign(body, [self._secret], int(time.time()))
        headers = {"content-type": "application/json", "Stripe-Signature": mark}
        timeout = aiohttp.ClientTimeout(total=_DELIVER_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.post(self.target, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                said = await answer.content.read(_MAX_ANSWER)
                return Delivery(event=event, status=answer.status, result=_result(said))
        except (aiohttp.ClientError, TimeoutError) as exc:
            return Delivery(event=event, status=0, result=f"nobody took it ({type(exc).__name__})")


def _event(product: Product, reference: str) -> bytes:
    """What Stripe sends once a checkout of a subscription was paid."""
    mark = secrets.token_hex(_ID_BYTES)
    session = {
        "id": f"cs_test_{mark}",
        "object": "checkout.session",
        "client_reference_id": reference,
        "mode": "subscription",
        "payment_status": "paid",
        "payment_link": product.link,
        "customer": f"cus_{mark}",
        "subscription": f"sub_{mark}",
        "amount_total": product.cents,
        "currency": product.currency,
    }
    event = {
        "id": f"evt_{mark}",
        "object": "event",
        "type": "checkout.session.completed",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": session},
    }
    return json.dumps(event).encode()


def _result(said: bytes) -> str:
    """What the receiver says it came to, in one of its own words."""
    try:
        tree = json.loads(said)
    except ValueError:
        return ""
    found = tree.get("result") or tree.get("error") if isinstance(tree, dict) else ""
    return found if isinstance(found, str) else ""


# ---------------------------------------------------------------- serving

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def selling(products: Iterable[Product], *, secret: str) -> AsyncIterator[Checkout]:
    """A checkout on a free port of this machine, for as long as the context lasts.

    `secret` signs its webhooks. Say where they go, `target`, before anybody pays. Raises
    `ConfigError` where no port can be had.
    """
    checkout = Checkout(products, secret)
    runner = web.AppRunner(_application(checkout), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, 0).start()
        except OSError as exc:
            raise ConfigError(f"the checkout cannot listen on {HOST}: {exc.strerror}") from exc
        checkout.url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield checkout
    finally:
        await runner.cleanup()


def _application(checkout: Checkout) -> web.Application:
    @web.middleware
    async def guard(request: web.Request, handler: Serve) -> web.StreamResponse:
        # A name of somebody else's that leads here, or a form on their page, is not let in.
        own = (checkout.url, checkout.url.replace(HOST, "localhost"))
        if f"http://{request.host}" not in own or request.headers.get("origin", own[0]) not in own:
            return _page(refusal_page("This page is for this machine alone."), status=403)
        return await handler(request)

    async def show(request: web.Request) -> web.StreamResponse:
        product = checkout.product(request.match_info["plan"])
        reference = _reference(request.query)
        if product is None or not reference:
            return _lost(product)
        return _page(pay_page(product.plan, _price(product), reference))

    async def pay(request: web.Request) -> web.StreamResponse:
        product = checkout.product(request.match_info["plan"])
        form = await request.post()
        reference = _reference({k: v for k, v in form.items() if isinstance(v, str)})
        if product is None or not reference:
            return _lost(product)
        if not checkout.target:
            return _page(refusal_page("The shop is not open yet; try again."), status=503)
        made = await checkout.pay(product, reference)
        if "application/json" in request.headers.get("accept", ""):
            told = {"event": made.event, "status": made.status, "result": made.result}
            return web.json_response(told)
        said = f"{made.status or ''} {made.result}".strip()
        return _page(
            paid_page(product.plan, reference, made.event, said, checkout.home, taken=made.taken)
        )

    app = web.Application(client_max_size=_MAX_FORM, middlewares=[guard])
    app.router.add_get("/checkout/{plan}", show)
    app.router.add_post("/checkout/{plan}", pay)
    return app


def _reference(fields: Mapping[str, str]) -> str:
    """The reference, or nothing where it cannot be one."""
    found = fields.get("client_reference_id", "")
    return found if len(found) <= MAX_CHARS else ""


def _lost(product: Product | None) -> web.Response:
    if product is None:
        return _page(refusal_page("Nothing is sold here under this name."), status=404)
    return _page(refusal_page("For whom? Follow the link of an upgrade notice."), status=400)


def _price(product: Product) -> str:
    return f"{product.cents // 100}.{product.cents % 100:02} {product.currency.upper()}"


def _page(text: str, *, status: int = 200) -> web.Response:
    headers = {
        "content-security-policy": CSP,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        # The link holds the reference; the form's own origin must still be told to this page.
        "referrer-policy": "same-origin",
    }
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)
