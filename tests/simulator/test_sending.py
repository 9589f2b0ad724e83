"""Answers go out whole or in pieces, and what breaks has promised more than it holds."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from remit.errors import ProviderError
from remit.simulator.compose import compose
from remit.simulator.endpoint import Endpoint
from remit.simulator.protocols import ENDPOINTS
from remit.simulator.scenario import Fault, FaultKind
from remit.simulator.sending import broken_body, whole, without_usage
from remit.values.model import RawText
from tests.simulator.conversations import asked, user

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


STREAM = {"content-type": "text/event-stream"}


async def test_a_stream_arrives_in_batches() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await whole(request, dict(STREAM), [b"x" * 40_000] * 5, 0)

    app = web.Application()
    app.router.add_get("/", answer)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        assert len(await response.read()) == 200_000


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.codec.provider)
def test_no_protocol_tells_usage_where_it_is_left_out(endpoint: Endpoint) -> None:
    request = asked(user("a longer text, so that there are some pieces"))
    answer = endpoint.dress(compose(request, RawText("one two three " * 9)), request)
    for chunk in (endpoint.codec.encode_answer(answer), *endpoint.events(answer, request)):
        bare = without_usage(chunk)
        assert b"usage" not in bare
        assert bare == chunk or b"usage" in chunk, "nothing else is changed"
        assert bare.endswith(b"\n\n") == chunk.endswith(b"\n\n")
    with pytest.raises(ProviderError) as caught:
        endpoint.codec.decode_answer(without_usage(endpoint.codec.encode_answer(answer)))
    assert caught.value.kind == "malformed", "what cannot be paid is no answer"


def test_what_holds_no_json_is_left_as_it_is() -> None:
    assert without_usage(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"
