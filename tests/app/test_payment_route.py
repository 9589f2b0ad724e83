"""The ASGI route: bounded, 400 for what is forged, 200 once done, 5xx so that it is sent again."""

import json
import time
from collections.abc import Mapping

import pytest

from remit.app.asgi import Message, Scope
from remit.app.payment_route import PaymentRoute
from remit.app.till import PaymentOutcome
from remit.errors import StoreGone, WebhookRefused
from remit.wire.webhook.bounds import MAX_BODY_BYTES
from tests.app.paying import (
    book,
    clerk,
    reference_of,
    shop,
    signed,
    stripe_secret,
)
from tests.wire.webhook.stripe_events import event, session

__all__ = ["stripe_secret"]
pytestmark = [pytest.mark.requirement("BIL-3"), pytest.mark.usefixtures("stripe_secret")]
BODY = b'{"a":1}'


async def ask(
    route: PaymentRoute, *pieces: bytes | None, method: str = "POST", **headers: str
) -> tuple[int, dict[str, str], dict[bytes, bytes]]:
    """Status, JSON and headers of an answer; 0 where there was none."""
    scope: Scope = {
        "type": "http",
        "method": method,
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }
    waiting: list[Message] = [
        {"type": "http.disconnect"}
        if piece is None
        else {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await route(scope, receive, send)
    if not sent:
        return 0, {}, {}
    status, raw, body = sent[0]["status"], sent[0]["headers"], sent[1]["body"]
    assert isinstance(status, int)
    assert isinstance(raw, list)
    assert isinstance(body, bytes)
    return status, json.loads(body), dict(raw)


class Answers:
    """An app that answers as it is told."""

    def __init__(self, answer: Exception | None = None) -> None:
        self.answer = answer
        self.got: list[tuple[Mapping[str, str], bytes]] = []

    async def payment_event(self, headers: Mapping[str, str], body: bytes) -> PaymentOutcome:
        self.got.append((headers, body))
        if self.answer is not None:
            raise self.answer
        return PaymentOutcome(event="evt_1", kind="k", result="applied")


async def test_a_payment_is_taken_once_over_asgi() -> None:
    agent = clerk()
    async with shop("memory:", agent) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        thing = session(client_reference_id=reference)
        body = event("checkout.session.completed", thing, at_s=int(time.time()))
        mark = signed(body)["Stripe-Signature"]
        route = PaymentRoute(app)
        half = len(body) // 2
        first = await ask(route, body[:half], body[half:], stripe_signature=mark)
        assert first[:2] == (200, {"event": json.loads(body)["id"], "result": "applied"})
        assert first[2][b"content-type"] == b"application/json"
        assert (await ask(route, body, stripe_signature=mark))[1]["result"] == "repeated"
        status, told, _ = await ask(route, body + b" ", stripe_signature=mark)
        assert (status, "no signature" in told["error"]) == (400, True)
        assert (await ask(route, body))[0] == 400
        assert len(await book(app)) == 2


async def test_headers_arrive_by_lower_case_name_and_twice_is_no_choice() -> None:
    app = Answers()
    scope_headers = {"Stripe_Signature": "a", "stripe_signature": "b", "X_Other": "c"}
    await ask(PaymentRoute(app), BODY, **scope_headers)
    assert app.got == [({"stripe-signature": "a,b", "x-other": "c"}, BODY)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WebhookRefused("forged", reason="signature"), 400),
        (WebhookRefused("old", reason="stale"), 400),
        (WebhookRefused("odd", reason="malformed"), 400),
        (WebhookRefused("big", reason="too-large"), 413),
        (StoreGone("the database at db.internal vanished"), 503),
    ],
)
async def test_the_status_says_whether_it_is_worth_sending_again(
    error: Exception, status: int
) -> None:
    found, told, _ = await ask(PaymentRoute(Answers(error)), BODY)
    assert found == status
    assert "db.internal" not in told["error"]


async def test_a_fault_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        await ask(PaymentRoute(Answers(ZeroDivisionError())), BODY)


async def test_a_body_is_read_up_to_its_bound_only() -> None:
    app = Answers()
    piece = b"x" * MAX_BODY_BYTES
    assert (await ask(PaymentRoute(app), piece))[0] == 200
    assert (await ask(PaymentRoute(app), piece, b"x", b"never asked for"))[0] == 413
    assert len(app.got) == 1


async def test_a_sender_that_hangs_up_is_not_answered() -> None:
    app = Answers()
    assert (await ask(PaymentRoute(app), BODY, None))[0] == 0
    assert app.got == []


async def test_only_posts_over_http_are_taken() -> None:
    app = Answers()
    status, _, headers = await ask(PaymentRoute(app), method="GET")
    assert (status, headers[b"allow"]) == (405, b"POST")
    with pytest.raises(WebhookRefused, match="not websocket"):
        await PaymentRoute(app)({"type": "websocket"}, None, None)  # type: ignore[arg-type]  # never used
