"""Puts answers on the wire, whole or streamed, and breaks those in one piece."""

import asyncio

from aiohttp import web

from remit.simulator import faults
from remit.simulator.scenario import Fault


async def whole(
    request: web.Request, headers: dict[str, str], chunks: list[bytes], pace_ms: int
) -> web.StreamResponse:
    """An answer in one piece, or a stream with `pace_ms` between its events."""
    if len(chunks) == 1:
        return web.Response(headers=headers, body=chunks[0])
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if pace_ms:
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(pace_ms / 1000)
    else:
        await response.write(b"".join(chunks))
    return response


async def broken_body(
    request: web.Request, headers: dict[str, str], body: bytes, fault: Fault
) -> web.StreamResponse:
    """A body in one piece that breaks: the length promises all of it."""
    # `after_events` counts events, of which a body in one piece has none: half of it goes out.
    sent = body[: len(body) // 2]
    if fault.kind == "malformed":
        return web.Response(headers=headers, body=sent)
    response = web.StreamResponse(headers=headers | {"content-length": str(len(body))})
    await response.prepare(request)
    await response.write(sent)
    if fault.kind == "hang_midstream":
        await faults.hang()
    faults.reset(request)
    return response
