"""The pictures of the documentation are made by the console itself: REMIT_PICTURES=1 keeps them."""

import os
from pathlib import Path

import pytest

from tests.server.chromium import browser, needs_chromium, sign_in
from tests.server.office import clerk, office
from tests.server.stage import journal, served

pytestmark = [pytest.mark.requirement("UX-2"), needs_chromium]
IMAGES = Path(__file__).parents[2] / "docs" / "images"
KEEP = bool(os.environ.get("REMIT_PICTURES"))  # read before the suite hides the machine's settings
MOST_BYTES = 150_000
SIZE = (1120, 760)


async def test_pictures_of_the_console(tmp_path: Path) -> None:
    folder = IMAGES if KEEP else tmp_path
    async with (
        served(office(journal(tmp_path))) as found,
        browser(found, size=SIZE) as (context, _),
    ):
        app = found.app
        for task, user in (("look", "eve"), ("refund order 17", "dora"), ("file it", "ann")):
            run = await app.run(clerk, task, user=user)
            if task.startswith("file"):
                await app.approve(run.approvals[0].id, principal="bob", comment="Reads well.")
                await app.wait(run.id)
        file = await app.run(clerk, "file it", user="ann")
        await app.run(clerk, "colour it", user="max")
        page = await sign_in(context, found, "/now%3Ftenant=local")
        await page.locator("#health").get_by_text("model scripted:x").wait_for()
        pictures = {
            "console-now": "/now?tenant=local",
            "console-approvals": f"/approvals?tenant=local&id={file.approvals[0].id}",
            "console-agent": "/agents/clerk?tenant=local",
        }
        for name, path in pictures.items():
            await page.goto(f"{found.url}{path}")
            await page.locator("h1").wait_for()
            await page.wait_for_function("document.querySelector('[data-state=live]') !== null")
            target = folder / f"{name}.png"
            await page.screenshot(path=target)
            assert 5_000 < target.stat().st_size < MOST_BYTES
    for name in pictures:
        assert (IMAGES / f"{name}.png").stat().st_size < MOST_BYTES, "make it with REMIT_PICTURES=1"
