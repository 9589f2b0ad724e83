"""What no database can hold is refused as such, and never told as a fault of the journal."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from yarl import URL

from remit.adapters.keys import new_keys
from remit.server.table import ROUTES
from tests.server.stage import Served, journal, served, shop_app, signed_in
from tests.server.test_matrix import PARAMETER
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.requirement("SEC-3", "UX-2")
NUL = quote("a\0b")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
async def found(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    url = journal(tmp_path)
    if request.param == "postgres":
        database: PostgresServer = request.getfixturevalue("postgres")
        url = database.database()
    async with served(shop_app(url)) as server:
        yield server


async def test_a_nul_names_nothing(found: Served) -> None:
    root = await signed_in(found, "root", {"*": frozenset({"admin", "approver"})})
    for route in ROUTES:
        if route.mounted is not None or "{" not in route.path:
            continue
        path = PARAMETER.sub(NUL, route.path)
        url = URL(f"{root.url}{path}?tenant=acme", encoded=True)
        async with root.http.request(route.method, url, headers=root.headers) as answer:
            assert answer.status == 404, f"{route.method} {route.path}: {answer.status}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/now?tenant={NUL}", ""),
        ("GET", f"/runs?{NUL}=1", ""),
        ("POST", "/login", f"user={NUL}&password=x"),
        ("POST", "/switches/off", f"target=all&reason={NUL}&until="),
        ("POST", "/chat/s1/cancel?tenant=acme", f"run={NUL}"),
        ("POST", "/chat/say?tenant=acme", f"agent=clerk&session=&text={NUL}"),
    ],
)
async def test_a_nul_in_a_query_or_a_form_is_refused(
    found: Served, method: str, path: str, body: str
) -> None:
    root = await signed_in(found, "root", {"*": frozenset({"admin", "approver"})})
    headers = {**root.headers, "content-type": "application/x-www-form-urlencoded"}
    url = URL(f"{root.url}{path}", encoded=True)
    async with root.http.request(method, url, headers=headers, data=body or None) as answer:
        assert answer.status == 400
        assert "NUL" in await answer.text()


async def test_people_who_lost_their_way_are_not_told_of_routes(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as server:
        page = await server.client(accept="text/html").get("/nowhere")
        assert (page.status, "begin at the console" in page.text) == (404, True)
        assert "openapi.json" not in page.text
        told = await server.client().get("/api/v1/nowhere")
        assert (told.status, "openapi.json" in told.text) == (404, True)
