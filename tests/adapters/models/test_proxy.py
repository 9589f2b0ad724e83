"""The way to a provider leads through the proxy of the environment; ~/.netrc is never read."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from remit.adapters.billing.reports import Reports
from remit.adapters.models.http import HttpModel
from remit.adapters.models.key import ApiKey
from remit.adapters.models.proxy import way_to
from remit.errors import ConfigError, ProviderError
from remit.values.statement import day_of
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.codec import Codec
from remit.wire.openai_chat.codec import OPENAI_CHAT
from remit.wire.usage.sources import SOURCES
from tests.adapters.models.conversations import ignore, request
from tests.adapters.models.test_http import KEY, serving

TARGET = "http://provider.example:8080"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES), "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_proxy_the_way_is_straight() -> None:
    assert way_to("https://api.example.com") == {}


@pytest.mark.parametrize(
    ("named", "proxy"),
    [
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("http://ann:pw@10.0.0.1:3128/", "http://ann:pw@10.0.0.1:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("http://[::1]:3128", "http://[::1]:3128"),
    ],
)
def test_a_proxy_is_named_by_the_environment(
    named: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    assert way_to("https://api.example.com/x") == {"proxy": proxy}
    assert way_to("http://api.example.com/x") == {}
    monkeypatch.setenv("NO_PROXY", "other.example,api.example.com")
    assert way_to("https://api.example.com/x") == {}


@pytest.mark.parametrize("named", ["socks5://ann:hunter2@h:1", "http://", "http://ann:hunter2@h:x"])
def test_what_is_no_proxy_is_told_without_its_password(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(ConfigError, match="HTTPS_PROXY names no") as caught:
        HttpModel(ANTHROPIC, KEY)
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's password for whatever host."""
    path = tmp_path / "netrc"
    path.write_text("default login ann password hunter2\n", encoding="utf-8")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


async def through(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """The headers that came to a proxy for a provider elsewhere."""
    seen: list[Mapping[str, str]] = []

    async def answer(asked: web.Request) -> web.Response:
        seen.append({name.lower(): value for name, value in asked.headers.items()})
        return web.Response(status=400, text="no")

    async with serving(answer) as url:
        monkeypatch.setenv("HTTP_PROXY", url.replace("//", "//bob:p%40w@"))
        client = HttpModel(codec, KEY, base_url=TARGET, plain_http=True)
        try:
            with pytest.raises(ProviderError):
                await client.answer(request(), deadline_s=10, emit=ignore)
        finally:
            await client.close()
    return seen


@pytest.mark.usefixtures("netrc")
@pytest.mark.requirement("SEC-1")
@pytest.mark.parametrize(("codec", "shown"), [(ANTHROPIC, None), (OPENAI_CHAT, f"Bearer {KEY}")])
async def test_a_provider_is_shown_no_password_of_netrc(
    codec: Codec, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [headers] = await through(codec, monkeypatch)
    assert headers["host"] == "provider.example:8080"
    assert headers.get("authorization") == shown
    assert headers["proxy-authorization"] == "Basic Ym9iOnBAdw=="


@pytest.mark.requirement("PROV-7")
@pytest.mark.parametrize(
    ("status", "words"), [(407, "its user and password"), (502, "lets this host through")]
)
async def test_a_proxy_that_opens_no_way_sent_nothing_on(
    status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://bob:hunter2@127.0.0.1:{port}")
        client = HttpModel(ANTHROPIC, KEY)
        try:
            with pytest.raises(ProviderError, match=words) as caught:
                await client.answer(request(), deadline_s=10, emit=ignore)
            with pytest.raises(ProviderError, match=words):
                await client.check("claude")
        finally:
            await client.close()
    assert caught.value.kind == "connection"
    assert f"refused with status {status}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.usefixtures("netrc")
@pytest.mark.requirement("SEC-1", "BIL-2")
async def test_reports_are_asked_for_without_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Mapping[str, str]] = []

    async def answer(asked: web.Request) -> web.Response:
        seen.append({name.lower(): value for name, value in asked.headers.items()})
        return web.Response(status=400, text="no")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{runner.addresses[0][1]}")
        key = ApiKey(KEY, variable="KEY")
        billing = Reports(SOURCES["openai"], key, base_url=TARGET, way={**way_to(TARGET)})
        with pytest.raises(ProviderError):
            await billing.statement(day_of(0))
    finally:
        await runner.cleanup()
    [headers] = seen
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["host"] == "provider.example:8080"
