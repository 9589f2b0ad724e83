"""Puts answers on the wire, whole or streamed, and breaks those in one piece."""

import asyncio
from collections.abc import Iterable, Iterator

from aiohttp import web

from remit.simulator import faults
from remit.simulator.endpoint import Endpoint
from remit.simulator.scenario import Fault, Play
from remit.values.model import ModelAnswer, ModelRequest
from remit.wire import sse
from remit.wire.jsontext import Json, parse, write

# The members in which the protocols tell what is to be paid.
_USAGE = frozenset({"usage", "usageMetadata"})
_BATCH_BYTES = 64 * 1024  # of a long stream: one write of the system's usual buffer


async def send(
    endpoint: Endpoint,
    request: web.Request,
    read: ModelRequest,
    headers: dict[str, str],
    plan: Play,
    answer: ModelAnswer,
) -> web.StreamResponse:
    """The answer to a request as its protocol says it, broken where the plan has a fault."""
    try:
        return await _sent(endpoint, request, read, headers, plan, answer)
    except ConnectionResetError:  # the client went away, as clients do at their deadline
        return web.Response()


async def _sent(
    endpoint: Endpoint,
    request: web.Request,
    read: ModelRequest,
    headers: dict[str, str],
    plan: Play,
    answer: ModelAnswer,
) -> web.StreamResponse:
    fault = plan.fault
    if fault is not None and fault.kind == "wrong_type":
        return faults.page(fault)
    chunks: Iterator[bytes]
    if read.stream:
        headers["content-type"] = f"{sse.CONTENT_TYPE}; charset=utf-8"
        chunks = endpoint.events(answer, read)
    else:
        headers["content-type"] = "application/json"
        chunks = iter([endpoint.codec.encode_answer(answer)])
    if fault is not None and fault.kind == "no_usage":
        chunks = (without_usage(chunk) for chunk in chunks)
    if fault is None or fault.kind not in faults.MIDSTREAM:
        return await whole(request, headers, chunks, plan.pace_ms)
    if not read.stream:
        return await broken_body(request, headers, next(chunks), fault)
    return await _broken_stream(endpoint, request, headers, list(chunks), plan, fault)


async def whole(
    request: web.Request, headers: dict[str, str], chunks: Iterable[bytes], pace_ms: int
) -> web.StreamResponse:
    """An answer in one piece, or a stream with `pace_ms` between its events."""
    if headers["content-type"] == "application/json":
        return web.Response(headers=headers, body=b"".join(chunks))
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    batch = bytearray()
    for chunk in chunks:
        batch += chunk
        if pace_ms or len(batch) >= _BATCH_BYTES:
            await response.write(bytes(batch))
            batch.clear()
            await asyncio.sleep(pace_ms / 1000)
    if batch:
        await response.write(bytes(batch))
    return response


async def _broken_stream(
    endpoint: Endpoint,
    request: web.Request,
    headers: dict[str, str],
    chunks: list[bytes],
    plan: Play,
    fault: Fault,
) -> web.StreamResponse:
    """A stream that ends in its middle, in one way or the other."""
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    place = faults.pieces_before(fault, len(chunks))
    for chunk in chunks[:place]:
        await response.write(chunk)
        await asyncio.sleep(plan.pace_ms / 1000)
    following = chunks[min(place, len(chunks) - 1)]
    await faults.break_stream(
        fault, request, response, endpoint.stream_error("Overloaded"), following
    )
    return response


async def broken_body(
    request: web.Request, headers: dict[str, str], body: bytes, fault: Fault
) -> web.StreamResponse:
    """A body in one piece that breaks: the length promises all of it."""
    # `after_events` counts events, of which a body in one piece has none: half of it goes out.
    sent = body[: len(body) // 2]
    if fault.kind == "malformed":
        return web.Response(headers=headers, body=sent)
    if fault.kind == "invalid_sse":  # a stream that nobody asked for, and that is none
        return web.Response(
            headers=headers | {"content-type": sse.CONTENT_TYPE}, body=faults.run_together(sent)
        )
    response = web.StreamResponse(headers=headers | {"content-length": str(len(body))})
    await response.prepare(request)
    await response.write(sent)
    if fault.kind == "hang_midstream":
        await faults.hang()
    faults.reset(request)
    return response


def without_usage(chunk: bytes) -> bytes:
    """A body, or an event of a stream, that does not say what it costs."""
    head, data, rest = chunk.rpartition(b"data: ")
    if not rest.startswith(b"{"):
        return chunk
    end = b"\n\n" if data else b""
    return head + data + write(_bare(parse(rest.strip()))).encode() + end


def _bare(value: Json) -> Json:
    match value:
        case dict():
            return {key: _bare(item) for key, item in value.items() if key not in _USAGE}
        case list():
            return [_bare(item) for item in value]
        case _:
            return value
