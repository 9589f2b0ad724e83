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
    {"hang_midstream", "reset", "cut", "malformed", "stream_error"}
)

# A broken event: JSON that ends in the middle of a string.
_BROKEN_EVENT = b'event: content_block_delta\ndata: {"type":"content_block_del\n\n'
_LINGER_RESET = struct.pack("ii", 1, 0)


def refusal(fault: Fault) -> ProviderError | None:
    """The error answer a fault stands for, None if it is none."""
    if fault.kind not in _STATUS_FAULTS:
        return None
    kind, text = _STATUS_FAULTS[fault.kind]
    wait = None if fault.retry_after_s is None else round(fault.retry_after_s * 1000)
    return ProviderError(text, kind=kind, status=fault.status, retry_after_ms=wait)


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
    fault: Fault, request: web.Request, response: web.StreamResponse, error_event: bytes
) -> None:
    """What happens at the broken place of a body that has begun."""
    match fault.kind:
        case "hang_midstream":
            await hang()
        case "reset":
            reset(request)
        case "malformed":
            await response.write(_BROKEN_EVENT)
        case "stream_error":
            await response.write(error_event)
        case _:
            pass  # cut: the body ends in good order, too early
