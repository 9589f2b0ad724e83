"""People sign in with passwords, programs with keys; what ends is over in this process at once."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from remit.server.settings import ServerSettings
from tests.server.stage import Client, Served, Told, journal, served, shop_app

GOOD = "correct horse battery"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(shop_app(journal(tmp_path))) as server:
        await server.app.access.grant("zoe", "acme", ["viewer"], principal="root")
        await server.app.access.set_password("zoe", GOOD, principal="root")
        yield server


async def log_in(client: Client, user: str, password: str, **more: str) -> Told:
    form = urlencode({"user": user, "password": password, **more}).encode()
    return await client.ask("POST", "/login", data=form, headers={"content-type": FORM})


async def test_a_password_signs_in_under_a_new_session(found: Served) -> None:
    client = found.client()
    assert 'type="password"' in (await client.get("/login")).text
    first = await log_in(client, "zoe", GOOD, next="/readyz")
    assert (first.status, first.headers["location"]) == (303, "/readyz")
    copy = found.client(cookie=first.headers["set-cookie"].partition(";")[0])
    told = await copy.get("/api/v1/me")
    assert isinstance(told.json, dict)
    assert (told.json["name"], told.json["signed_in_by"]) == ("zoe", "password")
    assert (await log_in(client, "zoe", GOOD)).status == 403  # no page of ours asks
    second = await log_in(client, "zoe", GOOD, csrf=str(told.json["csrf"]))
    assert second.headers["set-cookie"] != first.headers["set-cookie"]
    assert (await copy.get("/api/v1/me")).status == 401  # the session before has ended


async def test_a_wrong_password_and_an_unknown_user_are_told_alike(found: Served) -> None:
    client = found.client()
    wrong, unknown = await log_in(client, "zoe", "wrong"), await log_in(client, "nobody", GOOD)
    assert wrong.status == unknown.status == 403
    texts = [re.sub(r'nonce="[^"]*"', "", each.text) for each in (wrong, unknown)]
    assert texts[0] == texts[1]
    assert GOOD not in unknown.text


@pytest.mark.requirement("SEC-3")
async def test_who_guesses_waits(found: Served) -> None:
    client = found.client()
    found.server.state.throttle.now_ms = lambda: 0  # a slow machine waits by itself
    for _ in range(5):
        assert (await log_in(client, "zoe", "wrong guess")).status == 403
    told = await log_in(client, "zoe", GOOD)
    assert told.status == 429
    assert int(told.headers["retry-after"]) >= 1
    found.server.state.throttle.succeeded(["user:zoe", "address:127.0.0.1"])
    assert (await log_in(client, "zoe", GOOD)).status == 303


async def test_another_site_signs_nobody_in(found: Served) -> None:
    form = urlencode({"user": "zoe", "password": GOOD}).encode()
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        told = await found.client().ask(
            "POST", "/login", data=form, headers={"content-type": FORM, **headers}
        )
        assert told.status == 403
        assert "set-cookie" not in told.headers


async def test_a_forged_cookie_is_none(found: Served) -> None:
    cookie = (await log_in(found.client(), "zoe", GOOD)).headers["set-cookie"].partition(";")[0]
    token, seen, mac = cookie.split(".")
    later = f"{token}.{int(seen) + 9}.{mac}"
    for forged in (later, f"{token}.{seen}.{mac[:-1]}x", token, f"{cookie}.x", "a=b", "remit=.."):
        assert (await found.client(cookie=forged).get("/api/v1/me")).status == 401


@pytest.mark.requirement("OPS-1")
async def test_barring_and_another_password_end_sign_ins(found: Served) -> None:
    client, access = found.client(), found.app.access
    await log_in(client, "zoe", GOOD)
    assert (await client.get("/api/v1/me")).status == 200
    await access.bar("zoe", barred=True, principal="root")
    found.server.state.identity.forget()
    assert (await client.get("/api/v1/me")).status == 401
    await access.bar("zoe", barred=False, principal="root")
    await access.set_password("zoe", GOOD + "!", principal="root")
    found.server.state.identity.forget()
    assert (await client.get("/api/v1/me")).status == 401


async def test_a_key_signs_a_program_in(found: Served) -> None:
    access = found.app.access
    made = await access.issue_key("acme", "ci", roles=["viewer"], principal="root")
    client = found.client(authorization=f"Bearer {made.token}")
    told = await client.get("/api/v1/me")
    assert isinstance(told.json, dict)
    assert told.json["name"] == f"key:ci-{made.state.key[-6:]}"
    assert told.json["csrf"] == ""
    [known] = await access.keys("acme")
    assert known.used_ms is not None
    await access.revoke_key("acme", made.state.key, principal="root")
    found.server.state.identity.forget()
    assert (await client.get("/api/v1/me")).status == 401


async def test_a_wrong_header_is_not_mended_by_a_cookie(found: Served) -> None:
    browser = await found.browser()
    for header in ("Bearer rmk_acme_x_y", "Basic abc", "Bearer", "rmk"):
        assert (await browser.get("/api/v1/me", authorization=header)).status == 401


async def test_who_idles_is_signed_out_and_who_goes_on_is_not(tmp_path: Path) -> None:
    settings = ServerSettings(idle_s=60)
    async with served(shop_app(journal(tmp_path)), settings) as server:
        browser, identity = await server.browser(), server.server.state.identity
        real = identity.now_ms
        identity.now_ms = lambda: real() + 30_000
        told = await browser.get("/api/v1/me")
        assert told.status == 200
        assert "set-cookie" in told.headers
        identity.now_ms = lambda: real() + 80_000
        assert (await browser.get("/api/v1/me")).status == 200
        identity.now_ms = lambda: real() + 150_000
        assert (await browser.get("/api/v1/me")).status == 401


async def test_behind_https_the_cookie_is_secure(tmp_path: Path) -> None:
    settings = ServerSettings(https=True)
    async with served(shop_app(journal(tmp_path)), settings) as server:
        token = server.server.state.link.make()
        told = await server.client().get(f"/login?token={token}")
        assert told.headers["set-cookie"].startswith("__Host-remit=")
        assert "Secure" in told.headers["set-cookie"]


async def test_sessions_outlive_the_process(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as one:
        token = one.server.state.link.make()
        cookie = (await one.client().get(f"/login?token={token}")).headers["set-cookie"]
    async with served(shop_app(journal(tmp_path))) as two:
        value = cookie.partition(";")[0].partition("=")[2]
        port = two.url.rpartition(":")[2]
        told = await two.client(cookie=f"remit-{port}={value}").get("/api/v1/me")
        assert told.status == 200
