"""Carries out faults on the wire: what a client meets on a bad day."""

import asyncio
import socket
import struct

from aiohttp import web

from remit.errors import ProviderError
from remit.simulator.scenario import Fault, FaultKind
from remit.values.model import FailureKind

_STATUS_FAULTS: dict[FaultKind, tuple[FailureKind, str]] = {
    "rate_limited": (
        "rate_limited",
        "This request would exceed your organization's rate limit. Please try again later.",
    ),
    "overloaded": ("overloaded", "Overloaded"),
    "server_error": ("server", "Internal server error"),
}
MIDSTREAM: frozenset[FaultKind] = frozenset(
    {"hang_midstream", "reset", "cut", "malformed", "invalid_sse", "stream_error"}
)
PAGE = (
    "<!doctype html><html><head><title>Gateway</title></head>"
    "<body><h1>The service is not available</h1></body></html>"
)
"""What stands between a client and a provider says in the place of an answer."""
_DATA = b"data: "
# No field of a stream of events, and no UTF-8.
_GARBAGE = b"\xff\xfe\x00garbage\n"
_LINGER_RESET = struct.pack("ii", 1, 0)


def refusal(fault: Fault) -> ProviderError | None:
    """The error answer a fault stands for, None if it is none."""
    if fault.kind not in _STATUS_FAULTS:
        return None
    kind, text = _STATUS_FAULTS[fault.kind]
    wait = None if fault.retry_after_s is None else round(fault.retry_after_s * 1000)
    return ProviderError(text, kind=kind, status=fault.status, retry_after_ms=wait)


def page(fault: Fault) -> web.Response:
    """A page for people, from a gateway that does not know what it stands before."""
    return web.Response(status=fault.status or 200, text=PAGE, content_type="text/html")


def pieces_before(fault: Fault, count: int) -> int:
    """How many of `count` events or bytes go out before the fault."""
    wanted = count // 2 if fault.after_events is None else fault.after_events
    return min(wanted, count)


async def hang() -> None:
    """Never answer; ends when the client goes away or the server stops."""
    await asyncio.Event().wait()


def reset(request: web.Request) -> None:
    """Break the connection off so that the client's system reports a reset."""
    transport = request.transport
    if transport is None:
        return
    held = transport.get_extra_info("socket")
    if held is not None:
        # Without lingering the kernel sends RST instead of an orderly end.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    transport.abort()


async def break_stream(
    fault: Fault,
    request: web.Request,
    response: web.StreamResponse,
    error_event: bytes,
    following: bytes,
) -> None:
    """What happens at the broken place of a body that has begun; `following` would come next."""
    match fault.kind:
        case "hang_midstream":
            await hang()
        case "reset":
            reset(request)
        case "malformed":
            await response.write(broken_event(following))
        case "invalid_sse":
            await response.write(run_together(following))
        case "stream_error":
            await response.write(error_event)
        case _:
            pass  # cut: the body ends in good order, too early


def broken_event(event: bytes) -> bytes:
    """The event of a stream with JSON that ends in its middle."""
    head, data, rest = event.partition(_DATA)
    body = rest.rstrip(b"\n")
    return head + data + body[: len(body) // 2] + b"\n\n"


def run_together(event: bytes) -> bytes:
    """Two events without the blank line between them, after bytes that are no text."""
    line = event.rstrip(b"\n") + b"\n"
    return _GARBAGE + line + line + b"\n"
