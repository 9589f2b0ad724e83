"""What the ASGI applications of Remit share: bodies within bounds, headers by name, an answer."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence

from remit.errors import WebhookRefused
from remit.wire.webhook.bounds import MAX_BODY_BYTES

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def body_of(receive: Receive) -> bytes | None:
    """The whole body, None where the sender hung up. Raises `WebhookRefused` beyond the bound."""
    found = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        if isinstance(piece, bytes):
            found += piece
        if len(found) > MAX_BODY_BYTES:
            raise WebhookRefused(
                f"the body is larger than {MAX_BODY_BYTES} bytes", reason="too-large"
            )
        if not message.get("more_body", False):
            return bytes(found)


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name; one that came twice reads as RFC 9110 joins it."""
    found: dict[str, str] = {}
    pairs = scope["headers"]
    for name, value in pairs if isinstance(pairs, list | tuple) else ():
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


async def respond(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> None:
    """One whole answer."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
