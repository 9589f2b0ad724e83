"""Signing in by the one-time link, signing out, and where that leads."""

from pathlib import Path

import pytest

from remit.server.pages.login import safe_path
from tests.server.stage import journal, served, shop_app


async def test_the_link_signs_in_once(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        token = found.server.state.link.make()
        browser, other = found.client(), found.client()
        assert (await browser.ask("HEAD", f"/login?token={token}")).status == 403
        told = await browser.get(f"/login?token={token}&next=/readyz")
        assert (told.status, told.headers["location"]) == (303, "/readyz")
        assert "HttpOnly" in told.headers["set-cookie"]
        assert "SameSite=lax" in told.headers["set-cookie"]
        assert (await browser.get("/api/v1/me")).status == 200
        assert (await other.get(f"/login?token={token}")).status == 403
        assert (await other.get("/api/v1/me")).status == 401


async def test_signing_out_needs_the_token_and_ends_every_copy(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        browser = await found.browser()
        cookies = "; ".join(f"{each.key}={each.value}" for each in browser.http.cookie_jar)
        copy = found.client(cookie=cookies)
        assert (await copy.get("/api/v1/me")).status == 200
        assert (await browser.ask("POST", "/logout", headers={"x-csrf-token": "no"})).status == 403
        told = await browser.ask("POST", "/logout")
        assert (told.status, told.headers["location"]) == (303, "/login")
        assert (await copy.get("/api/v1/me")).status == 401


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("/runs?tenant=acme", "/runs?tenant=acme"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("runs", "/"),
        ("/a\nb", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ],
)
def test_a_sign_in_leads_to_pages_of_this_server(target: str, leads: str) -> None:
    assert safe_path(target) == leads
