"""The number beside Approvals says how much waits in the tenant that is looked at."""

from pathlib import Path

import pytest

from tests.server.chromium import browser, needs_chromium, sign_in
from tests.server.office import clerk, office
from tests.server.stage import Grants, journal, served, signed_in

pytestmark = pytest.mark.requirement("UX-2", "APR-2")
VIEWER: Grants = {"local": frozenset({"viewer"}), "acme": frozenset({"viewer"})}


async def test_each_page_says_how_much_waits_in_its_tenant(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        for _ in range(2):
            await found.app.run(clerk, "file it")
        eve = await signed_in(found, "eve", VIEWER)
        for path in ("/now", "/chat", "/runs", "/agents", "/spend", "/switches", "/approvals"):
            page = await eve.get(f"{path}?tenant=local")
            assert '<span class="count">2<span class="unseen"> waiting</span></span>' in page.text
            page = await eve.get(f"{path}?tenant=acme")
            assert 'id="waiting-count"' in page.text
            assert 'class="count"' not in page.text
        assert ">2<" in (await eve.get("/waiting?tenant=local")).text
        assert (await eve.get("/waiting?tenant=globex")).status == 404


@needs_chromium
async def test_it_changes_while_a_page_is_open(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/switches")
        await page.get_by_role("link", name="Approvals", exact=True).wait_for()
        await found.app.run(clerk, "file it")
        await page.get_by_role("link", name="Approvals 1 waiting").wait_for()
