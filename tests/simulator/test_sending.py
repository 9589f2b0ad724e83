"""Answers go out whole or in pieces, and what breaks has promised more than it holds."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from remit.simulator.scenario import Fault, FaultKind
from remit.simulator.sending import broken_body, whole

HEADERS = {"content-type": "application/json"}


async def got(url: URL) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.content_type == "application/json"
        return await response.read()


def serving(chunks: list[bytes], pace_ms: int = 0, fault: FaultKind | None = None) -> TestServer:
    async def answer(request: web.Request) -> web.StreamResponse:
        if fault is not None:
            return await broken_body(request, HEADERS, chunks[0], Fault(kind=fault))
        return await whole(request, HEADERS, chunks, pace_ms)

    app = web.Application()
    app.router.add_get("/", answer)
    return TestServer(app)


@pytest.mark.parametrize("chunks", [[b"one"], [b"one", b"two", b"three"]])
@pytest.mark.parametrize("pace_ms", [0, 1])
async def test_everything_arrives(chunks: list[bytes], pace_ms: int) -> None:
    async with serving(chunks, pace_ms) as server:
        assert await got(server.make_url("/")) == b"".join(chunks)


async def test_a_malformed_body_is_whole_to_http() -> None:
    async with serving([b"12345678"], fault="malformed") as server:
        assert await got(server.make_url("/")) == b"1234"


async def test_a_body_that_breaks_off() -> None:
    async with serving([b"12345678"], fault="cut") as server:
        with pytest.raises(aiohttp.ClientError):
            await got(server.make_url("/"))
