"""The HTTP client where no provider behaves: addresses, TLS, redirects, bodies without an end."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from remit.adapters.models import http
from remit.adapters.models.http import HttpModel, check_base_url
from remit.errors import ConfigError, ProviderError
from remit.values.model import ModelAnswer, RawText
from remit.values.usage import Usage
from remit.wire.anthropic.codec import ANTHROPIC
from tests.adapters.models.certificates import self_signed
from tests.adapters.models.conversations import ignore, request

KEY = "a-key-that-is-long-enough-to-be-scrubbed"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
GOOD = ModelAnswer(parts=(RawText("hi"),), stop="end", usage=Usage(input=1, output=1), model="m")


@asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def failure(url: str, *, stream: bool = True, deadline_s: float = 10) -> ProviderError:
    client = HttpModel(ANTHROPIC, KEY, base_url=url)
    try:
        with pytest.raises(ProviderError) as caught:
            await client.answer(request(stream=stream), deadline_s=deadline_s, emit=ignore)
    finally:
        await client.close()
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return caught.value


async def failure_of(answer: Answer, *, stream: bool = True) -> ProviderError:
    async with serving(answer) as url:
        return await failure(url, stream=stream)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "base", "local"),
    [
        ("https://api.example.com", "https://api.example.com", False),
        (" https://api.example.com/ ", "https://api.example.com", False),
        ("https://api.example.com/v1/", "https://api.example.com", False),
        ("https://example.com:8443/proxy/v1", "https://example.com:8443/proxy", False),
        ("http://localhost:8000", "http://localhost:8000", True),
        ("http://[::1]:8000", "http://[::1]:8000", True),
    ],
)
def test_an_address_is_brought_into_one_form(url: str, base: str, *, local: bool) -> None:
    assert check_base_url(url) == (base, local)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("api.example.com", "begins with https://"),
        ("ftp://example.com", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://example.com:99999", "Port out of range"),
        ("https://[::1", "Invalid IPv6"),
        (f"https://{'a' * 64}.example.com", "too long"),
        ("https://ann:hunter2@example.com", "no user, password"),
        ("https://example.com?x=1", "no user, password"),
        ("http://10.0.0.1:8000", "plain http would send the key in clear"),
        ("http://example.com", "plain http would send the key in clear"),
    ],
)
def test_an_address_a_key_must_not_go_to_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        check_base_url(url)
    assert "hunter2" not in str(caught.value)


def test_plain_http_may_be_permitted() -> None:
    assert check_base_url("http://vllm:8000", plain_http=True) == ("http://vllm:8000", False)


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(ConfigError, match="set ANTHROPIC_API_KEY"):
        HttpModel(ANTHROPIC, "")


# ---------------------------------------------------------------- connections


async def test_nobody_listens() -> None:
    error = await failure("http://127.0.0.1:9")
    assert error.kind == "connection"
    assert "cannot connect" in str(error)
    assert "http://127.0.0.1:9" in str(error)


async def test_no_such_host() -> None:
    error = await failure("https://no-such-host.invalid")
    assert error.kind == "connection"
    assert "no such host" in str(error)


async def test_a_certificate_nobody_knows(tmp_path: Path) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    async with serving(answer, self_signed(tmp_path)) as url:
        error = await failure(url)
    assert error.kind == "auth"
    assert "TLS failed" in str(error)
    assert "certificate" in str(error)


async def test_a_server_that_speaks_no_http() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        error = await failure(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert error.kind == "malformed"
    assert "does not speak HTTP" in str(error)


async def test_a_server_that_hangs_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        error = await failure(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert error.kind == "stream_broken"


async def test_a_handshake_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECT_S", 0.1)
    held: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(f"https://127.0.0.1:{port}")
        for writer in held:
            writer.close()
    assert error.kind == "connection"
    assert "no connection within 0.1 s" in str(error)


async def test_silence_in_a_stream_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SILENCE_S", 0.1)

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        await asyncio.Event().wait()
        return response

    error = await failure_of(stall)
    assert error.kind == "timeout"
    assert "sent nothing for 0.1 s" in str(error)


# ---------------------------------------------------------------- answers that are none


@pytest.mark.requirement("SEC-1")
@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://evil.example.com/v1/messages", "evil.example.com"),
        ("http://ann:hunter2@evil.example.com:81/", "evil.example.com"),
        ("https://[::1", "another place"),
        ("/elsewhere", "another place"),
    ],
)
async def test_a_redirect_is_not_followed(location: str, told: str) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": location})

    error = await failure_of(redirect)
    assert (error.kind, error.status) == ("not_found", 307)
    assert f"redirects to {told}: set the base URL" in str(error)
    assert "hunter2" not in str(error)


async def test_a_web_page_is_no_answer() -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=f"<html>Welcome {KEY}</html>", content_type="text/html")

    error = await failure_of(page)
    assert error.kind == "malformed"
    assert "is the base URL right? <html>Welcome [api key]</html>" in str(error)


@pytest.mark.requirement("SEC-3")
async def test_a_key_that_comes_back_is_scrubbed_everywhere() -> None:
    async def parrot(request: web.Request) -> web.Response:
        key = request.headers["x-api-key"]
        body = f'{{"error":{{"type":"x","message":"bad key {key}, {key[:20]}…"}}}}'
        return web.Response(status=400, text=body, headers={"request-id": f"req-{key}"})

    error = await failure_of(parrot)
    assert error.kind == "bad_request"
    assert KEY[:12] not in str(error)
    assert KEY not in error.request_id
    assert "bad key [api key]" in str(error)


async def test_a_stream_may_be_answered_in_one_piece() -> None:
    async def whole(_request: web.Request) -> web.Response:
        return web.Response(body=ANTHROPIC.encode_answer(GOOD), content_type="application/json")

    async with serving(whole) as url:
        client = HttpModel(ANTHROPIC, KEY, base_url=url)
        answer = await client.answer(request(), deadline_s=10, emit=ignore)
        await client.close()
    assert answer.parts == GOOD.parts


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_answer_without_an_end_is_cut(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 100_000)

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": kind})
        await response.prepare(request)
        while True:
            await response.write(b"data: \n" * 1000)

    error = await failure_of(flood)
    assert error.kind == "malformed"
    assert "more than 100000 bytes" in str(error)


async def test_an_error_without_an_end_is_cut() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        while True:
            await response.write(b"sorry " * 1000)

    error = await failure_of(flood)
    assert error.kind == "server"
    assert len(str(error)) < 500


async def test_a_stream_left_open_after_its_end_is_closed() -> None:
    async def linger(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in ANTHROPIC.encode_stream(GOOD):
            await response.write(event)
        await asyncio.Event().wait()
        return response

    async with serving(linger) as url:
        client = HttpModel(ANTHROPIC, KEY, base_url=url)
        answer = await client.answer(request(), deadline_s=10, emit=ignore)
        assert answer.parts == GOOD.parts
        assert client._session is not None
        assert client._session.connector is not None
        assert not client._session.connector._conns
        await client.close()


async def test_a_deadline_that_has_passed_asks_nobody() -> None:
    error = await failure("http://127.0.0.1:9", deadline_s=-1)
    assert error.kind == "timeout"


async def test_what_cannot_be_sent_is_not_sent() -> None:
    client = HttpModel(ANTHROPIC, KEY, base_url="http://127.0.0.1:9")
    with pytest.raises(ProviderError, match="nothing to send") as caught:
        await client.answer(request(" "), deadline_s=10, emit=ignore)
    assert caught.value.kind == "bad_request"
    await client.close()


def test_a_client_belongs_to_one_loop_at_a_time() -> None:
    client = HttpModel(ANTHROPIC, KEY, base_url="http://127.0.0.1:9")

    async def ask() -> str:
        with pytest.raises((ProviderError, ConfigError)) as caught:
            await client.answer(request(), deadline_s=10, emit=ignore)
        return str(caught.value)

    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    assert "cannot connect" in first.run_until_complete(ask())
    assert "used in two event loops" in second.run_until_complete(ask())
    first.run_until_complete(client.close())
    first.close()
    # A loop that is gone is no obstacle: `asyncio.run` makes a new one each time.
    assert "cannot connect" in second.run_until_complete(ask())
    second.run_until_complete(client.close())
    second.close()


# ---------------------------------------------------------------- counting


async def counted(answer: Answer, *, deadline_s: float = 10) -> int:
    async with serving(answer) as url:
        client = HttpModel(ANTHROPIC, KEY, base_url=url)
        try:
            return await client.count(request(), deadline_s=deadline_s)
        finally:
            await client.close()


async def test_a_count_is_asked_where_the_provider_counts() -> None:
    asked: list[str] = []

    async def answer(found: web.Request) -> web.Response:
        asked.append(found.path)
        return web.json_response({"input_tokens": 12})

    assert await counted(answer) == 12
    assert asked == ["/v1/messages/count_tokens"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>", "malformed"),
        (200, "{}", "malformed"),
        (429, "slow down", "rate_limited"),
        (302, "elsewhere", "not_found"),
    ],
)
async def test_a_count_that_fails(status: int, body: str, kind: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    with pytest.raises(ProviderError) as caught:
        await counted(answer)
    assert caught.value.kind == kind
    assert caught.value.__context__ is None


async def test_a_count_has_a_deadline() -> None:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    with pytest.raises(ProviderError, match=r"no complete answer within 0\.05 s") as caught:
        await counted(answer, deadline_s=0.05)
    assert caught.value.kind == "timeout"


async def test_a_provider_that_counts_nothing() -> None:
    client = HttpModel(replace(ANTHROPIC, counting=None), KEY)
    with pytest.raises(ProviderError, match="anthropic has no place that counts tokens"):
        await client.count(request())


async def test_a_long_request_arrives_whole() -> None:
    """With images a request has megabytes; it is written in pieces, and its length is known."""
    arrived: list[tuple[int | None, bytes]] = []

    async def answer(asked: web.Request) -> web.StreamResponse:
        body = b"".join([chunk async for chunk in asked.content.iter_any()])
        arrived.append((asked.content_length, body))
        return web.Response(body=ANTHROPIC.encode_answer(GOOD), content_type="application/json")

    told = replace(request(stream=False), system="word " * 600_000)
    async with serving(answer) as url:
        client = HttpModel(ANTHROPIC, KEY, base_url=url)
        assert (await client.answer(told, deadline_s=30, emit=ignore)).parts == GOOD.parts
        await client.close()
    body = ANTHROPIC.encode_request(told)
    assert arrived == [(len(body), body)]
