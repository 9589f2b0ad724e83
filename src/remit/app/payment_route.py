"""An ASGI application that takes webhooks of payment providers; any server can mount it."""

import json
from collections.abc import Mapping
from typing import Protocol

from remit.app.asgi import Receive, Scope, Send, body_of, headers_of, respond
from remit.app.till import PaymentOutcome
from remit.errors import RemitError, WebhookRefused

_STATUS = {"signature": 400, "stale": 400, "malformed": 400, "too-large": 413}


class Payable(Protocol):
    """What takes payment events: an open `App`."""

    async def payment_event(self, headers: Mapping[str, str], body: bytes) -> PaymentOutcome:
        """Verify an event and carry it out, once."""
        ...


class PaymentRoute:
    """`PaymentRoute(app)` answers POSTs: 200 when it is done, 400 for a bad signature, else 5xx.

    With 5xx the provider sends the event again, so nothing is lost while the journal cannot be
    written. ASGI 3 (asgi.readthedocs.io); it knows no framework and ignores the path.
    """

    def __init__(self, app: Payable) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other protocols than HTTP are not spoken here."""
        if scope["type"] != "http":
            raise WebhookRefused(
                f"payment events come over HTTP, not {scope['type']}", reason="malformed"
            )
        if scope["method"] != "POST":
            await _answer(send, 405, {"error": "payment events are POSTed"}, allow=True)
            return
        try:
            body = await body_of(receive)
        except WebhookRefused as exc:
            await _answer(send, _STATUS[exc.reason], {"error": str(exc)})
            return
        if body is None:
            return  # the sender is gone, and will send it again
        status, told = await self._take(headers_of(scope), body)
        await _answer(send, status, told)

    async def _take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        try:
            outcome = await self._app.payment_event(headers, body)
        except WebhookRefused as exc:
            return _STATUS[exc.reason], {"error": str(exc)}
        except RemitError as exc:
            # Settings and store are none of the sender's business; it is to try again.
            return 503, {"error": f"not taken ({type(exc).__name__}); send it again"}
        return 200, {"event": outcome.event, "result": outcome.result}


async def _answer(send: Send, status: int, told: dict[str, str], *, allow: bool = False) -> None:
    headers = [(b"content-type", b"application/json")]
    if allow:
        headers.append((b"allow", b"POST"))
    await respond(send, status, json.dumps(told).encode(), headers)
