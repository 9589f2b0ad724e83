"""The page Runs lists and finds runs of the tenants that the reader may see."""

from pathlib import Path

import pytest

from tests.cli.shop import fill, shop
from tests.server.stage import Grants, served, signed_in

pytestmark = pytest.mark.requirement("UX-2", "ORC-5")
VIEWER: Grants = {"acme": frozenset({"viewer"})}


async def test_only_runs_of_the_tenant_are_listed(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        eve = await signed_in(found, "eve", VIEWER)
        page = await eve.get("/runs")
        assert page.status == 200
        assert page.text.count('href="/runs/run_') == 1
        assert ">bob<" in page.text
        assert ">ann<" not in page.text
        boss = await found.browser()
        page = await boss.get("/runs?tenant=*")
        assert page.text.count('href="/runs/run_') == 6
        assert "tenant=acme" in page.text, "its link leads into its tenant"


async def test_the_fields_find_and_stay_filled_in(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        boss = await found.browser()
        for query, count in (
            ("status=waiting", 1),
            ("user=ann", 1),
            ("text=two+lamps", 1),
            ("tool=refund_order", 2),
            ("rule=builtin.unknown-tool", 1),
            ("least=0.0006", 1),
            ("most=$0.0001", 1),
            ("session=s1", 2),
        ):
            page = await boss.get(f"/runs?tenant=*&{query}")
            assert page.text.count('href="/runs/run_') == count, query
        page = await boss.get("/runs?tenant=*&text=%3Cscript%3E")
        assert "No run fits" in page.text
        assert 'value="&lt;script&gt;"' in page.text
        page = await boss.get("/runs?tenant=*&least=lots&status=odd")
        assert page.status == 422
        assert page.text.count('aria-invalid="true"') == 2


async def test_older_runs_are_a_link_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.server.pages.runs._PAGE", 4)
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        boss = await found.browser()
        page = await boss.get("/runs?tenant=*&agent=clerk")
        assert page.text.count('href="/runs/run_') == 4
        more = page.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        page = await boss.get(more)
        assert page.text.count('href="/runs/run_') == 2
        assert 'rel="next"' not in page.text


async def test_an_empty_journal_says_how_to_begin(tmp_path: Path) -> None:
    async with served(shop(tmp_path / "j.db")) as found:
        boss = await found.browser()
        assert "remit run MODULE:AGENT" in (await boss.get("/runs")).text
