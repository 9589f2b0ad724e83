"""The built server answers: health, readiness, headers, unknown paths, foreign hosts."""

from pathlib import Path

import pytest

from remit.errors import SpecError
from remit.server.build import build
from remit.server.settings import ServerSettings
from remit.server.table import ROUTES
from tests.server.stage import journal, served, shop_app


@pytest.mark.requirement("PROV-7")
async def test_health_and_readiness(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        client = found.client()
        assert (await client.get("/healthz")).json == {"ok": True}
        told = await client.get("/readyz")
        assert (told.status, told.json) == (200, {"ok": True, "draining": False, "checks": []})
        mine = await (await found.browser()).get("/readyz")
        assert isinstance(mine.json, dict)
        assert {"journal"} <= {each["name"] for each in mine.json["checks"]}
        found.server.state.draining.set()
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/healthz")).status == 200


async def test_every_answer_is_safe_to_show(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        client = found.client()
        css = found.server.state.statics.url("console.css")
        for path in ("/healthz", "/login", "/nowhere", "/api/v1/me", css):
            headers = (await client.get(path)).headers
            scripts = "script-src 'nonce-" if path == "/login" else "script-src 'none'"
            assert scripts in headers["content-security-policy"], path
            assert "unsafe" not in headers["content-security-policy"], path
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["referrer-policy"] == "no-referrer", path
            kept = "immutable" in headers.get("cache-control", "")
            assert kept == (path == css), path


async def test_unknown_paths_and_methods_are_problems(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        client = found.client()
        told = await client.get("/api/v1/nothing")
        assert told.status == 404
        assert told.headers["content-type"] == "application/problem+json"
        told = await client.ask("DELETE", "/healthz")
        assert (told.status, told.headers["allow"]) == (405, "GET")
        page = await client.get("/nothing", accept="text/html")
        assert page.status == 404
        assert page.headers["content-type"].startswith("text/html")


async def test_another_host_is_not_served(tmp_path: Path) -> None:
    settings = ServerSettings(hosts=("127.0.0.1",))
    async with served(shop_app(journal(tmp_path)), settings) as found:
        client = found.client()
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/healthz", host="evil.example")).status == 400


async def test_it_opens_an_app_that_is_not_open(tmp_path: Path) -> None:
    app = shop_app(journal(tmp_path))
    server = build(app)
    async with server.router.lifespan_context(server):
        assert (await app.ready()).ok
    async with app, server.router.lifespan_context(server):
        assert (await app.ready()).ok


def test_a_table_with_a_twin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="twice"):
        build(shop_app(journal(tmp_path)), routes=(*ROUTES, ROUTES[0]))
