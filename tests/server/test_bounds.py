"""Bodies, headers, requests at once and times have bounds, and what goes beyond is told so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from remit.errors import IntegrityError, StoreGone
from remit.server import bounded
from remit.server.bounded import MAX_HEADER_BYTES, MAX_HEADERS
from remit.server.route import Ask, Nothing, Route, api
from remit.server.settings import ServerSettings
from remit.server.table import ROUTES
from tests.runtime.stage import secret
from tests.server.acting import program, tree
from tests.server.stage import Served, journal, served, shop_app


async def linger(ask: Ask[Nothing, Nothing]) -> BaseModel:
    """Take as long as the test wants."""
    await ask.request.app.state.gate.wait()
    return Nothing()


async def fail(ask: Ask[Nothing, Nothing]) -> BaseModel:
    """Break in a way that nobody foresaw."""
    raise {"bug": ZeroDivisionError, "store": StoreGone, "chain": IntegrityError}[ask.path["how"]](
        f"postgresql://user:word@host is gone, and {secret()} with it"
    )


MORE: tuple[Route, ...] = (
    *ROUTES,
    api("GET", "/test/linger", linger, needs="viewer", tenant="one"),
    api("GET", "/test/fail/{how}", fail, needs="viewer", tenant="one"),
)
SMALL = ServerSettings(timeout_s=2, max_body_bytes=2048, requests=2)


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(shop_app(journal(tmp_path)), SMALL, routes=MORE) as server:
        server.server.state.gate = asyncio.Event()
        yield server


async def test_a_body_beyond_its_bound_is_refused(found: Served) -> None:
    bot = await program(found, "acme", "admin")
    told = await bot.ask("POST", "/api/v1/keys", data=b"{" + b" " * 4096)
    assert (told.status, tree(told)["title"]) == (413, "The request is too large")


async def send(found: Served, request: bytes) -> bytes:
    """Bytes on a connection of their own, and what comes back."""
    host, _, port = found.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz?" + b"x" * (MAX_HEADER_BYTES + 1) + b" HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nx: " + b"x" * (MAX_HEADER_BYTES + 1) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"x: y\r\n" * (MAX_HEADERS + 1),
        b"GET /healthz HTTP/1.1\r\nx: " + b"x" * 1_000_000,  # and never an end
    ],
    ids=["address", "header", "number", "endless"],
)
async def test_headers_beyond_their_bound_are_refused(found: Served, head: bytes) -> None:
    answer = await send(found, head + b"host: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ") or not answer


async def connected(found: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which one request was answered."""
    url = urlsplit(found.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(b"HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    return reader, writer


@pytest.mark.parametrize("head", [b"\r\n", b"GET /healthz HTTP/1.1\r\nhost: local"])
async def test_who_does_not_say_what_they_want_is_let_go(
    found: Served, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    reader, writer = await connected(found)
    monkeypatch.setattr(bounded, "HEAD_S", 0.01)
    assert await send(found, b"") == b"", "nor is a connection on which nothing comes"
    writer.write(head)
    assert (b" 408 " in await reader.read()) == (b"GET" in head)
    writer.close()


async def test_an_answer_that_takes_longer_is_waited_for(
    found: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await program(found, "acme", "viewer")).headers["authorization"]
    reader, writer = await connected(found)
    monkeypatch.setattr(bounded, "HEAD_S", 0.01)
    ask = f"HEAD /test/linger HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\n\r\n"
    writer.write(ask.encode() + b"GET /healthz")
    while not sum(found.server.state.doors.busy.values()):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    found.server.state.gate.set()
    assert b" 408 " not in await reader.readuntil(b"\r\n\r\n")
    assert b" 408 " in await reader.read()
    writer.close()


async def test_a_request_that_names_two_hosts_is_refused(found: Served) -> None:
    head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    assert (await send(found, head + b"\r\n")).startswith(b"HTTP/1.1 200 ")
    for line in (b"host: localhost\r\n", b"HOST: elsewhere\r\n"):
        assert (await send(found, head + line + b"\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_what_is_no_http_is_refused_as_before(found: Served) -> None:
    assert (await send(found, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    body = b'{"reason": "' + b"x" * 1000 + b'"}'
    request = b"POST /api/v1/runs/r/cancel HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    request += b"content-length: %d\r\n\r\n" % len(body)
    assert (await send(found, request + body)).startswith(b"HTTP/1.1 401 ")


async def test_one_principal_has_so_many_requests_under_way(found: Served) -> None:
    bot, other = await program(found, "acme", "viewer"), await program(found, "acme", "viewer")
    under_way = [asyncio.create_task(bot.get("/test/linger")) for _ in range(2)]
    while sum(found.server.state.doors.busy.values()) < 2:
        await asyncio.sleep(0.01)
    third = await bot.get("/api/v1/me")
    assert (third.status, third.headers["retry-after"]) == (429, "1")
    assert (await other.get("/api/v1/me")).status == 200
    found.server.state.gate.set()
    assert [each.status for each in await asyncio.gather(*under_way)] == [200, 200]
    assert (await bot.get("/api/v1/me")).status == 200
    assert not found.server.state.doors.busy


async def test_a_request_that_takes_too_long_is_told_so(found: Served) -> None:
    bot = await program(found, "acme", "viewer")
    told = await bot.get("/test/linger")
    assert (told.status, tree(told)["type"]) == (504, "urn:remit:problem:timeout")


@pytest.mark.requirement("SEC-3")
@pytest.mark.parametrize(("how", "status"), [("bug", 500), ("store", 503), ("chain", 500)])
async def test_a_fault_of_ours_tells_nothing_of_the_inside(
    found: Served, how: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await program(found, "acme", "viewer")
    told = await bot.get(f"/test/fail/{how}")
    assert told.status == status
    assert how == "chain" or "postgresql" not in told.text
    # A bug is logged with its place and its text, the others by their names; no secret is.
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert secret() not in logged
    assert ("in fail" in logged, "is gone, and [secret:" in logged) == (how == "bug", how == "bug")


@pytest.mark.requirement("OPS-5")
async def test_a_wait_ends_before_the_request_does(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    body = {"agent": "clerk", "input": "refund it", "user": "u", "wait_s": 3600}
    run = tree(await bot.ask("POST", "/api/v1/runs", json=body))
    assert run["status"] in ("running", "waiting")
    told = await bot.get(f"/api/v1/runs/{run['run']}/wait?timeout_s=3600")
    assert told.status == 200


async def test_strangers_hold_up_no_probe(found: Served) -> None:
    doors = found.server.state.doors
    here = "127.0.0.1 at /login"
    with doors.slot(here, stream=False), doors.slot(here, stream=False):
        client = found.client()
        assert (await client.get("/login")).status == 429
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 200
