"""In a real browser: people see what a call would do before they agree, and nothing in it acts."""

import os
from pathlib import Path

import pytest

from tests.server.chromium import (
    DESKTOP,
    PHONE,
    Scheme,
    browser,
    faults_of,
    needs_chromium,
    sign_in,
    too_wide,
    visit,
)
from tests.server.editor import editor, site
from tests.server.stage import journal, served

pytestmark = [pytest.mark.requirement("APR-2", "UX-2"), needs_chromium]
IMAGES = Path(__file__).parents[2] / "docs" / "images"
KEEP = bool(os.environ.get("REMIT_PICTURES"))  # read before the suite hides the machine's settings
MOST_BYTES = 150_000


@pytest.mark.requirement("APR-4", "PERM-7")
async def test_a_person_sees_the_change_and_agrees_to_it(tmp_path: Path) -> None:
    async with (
        served(site(journal(tmp_path), "Lamps are half price today")) as found,
        browser(found, size=(1120, 900)) as (context, _),
    ):
        run = await found.app.run(editor, "Publish", user="dora")
        page = await sign_in(context, found, "/approvals")
        diff = page.get_by_role("region", name="Changes of the call")
        await diff.wait_for()
        rows = await diff.locator("tr").evaluate_all(
            "rows => rows.map(row => [row.className, row.cells[1].textContent])"
        )
        assert rows[0] == ["same", "publishes to the site that customers read"]
        assert rows[1] == ["place", "site/index.html"]
        assert ["cut", "line 4"] in rows
        assert ["add", "Lamps are half price today"] in rows
        assert ["place", "site/new.html (new)"] in rows
        picture = (IMAGES if KEEP else tmp_path) / "console-preview.png"
        await page.screenshot(path=picture)
        assert 5_000 < picture.stat().st_size < MOST_BYTES
        assert (IMAGES / picture.name).stat().st_size < MOST_BYTES, "make it with REMIT_PICTURES=1"
        await page.keyboard.press("a")
        await page.keyboard.press("Enter")
        await page.get_by_text("Approved. The run has taken it").wait_for()
        assert (await found.app.wait(run.id)).status == "completed"


@pytest.mark.requirement("PERM-7")
async def test_nothing_in_a_change_acts_or_leaves_its_place(tmp_path: Path) -> None:
    path = "<img src=x onerror=alert(1)>\u202e.html"
    async with (
        served(site(journal(tmp_path), "hostile", path)) as found,
        browser(found) as (context, _),
    ):
        await found.app.run(editor, "Publish")
        page = await sign_in(context, found, "/approvals")
        diff = page.get_by_role("region", name="Changes of the call")
        await diff.get_by_text("\\u202eevil\\u001b[2J").wait_for()
        await diff.get_by_text("<img src=x onerror=alert(1)>\\u202e.html (new)").wait_for()
        assert await page.locator("img, h2:has-text('Approved by everybody')").count() == 0
        assert await page.evaluate("document.querySelectorAll('script:not([src])').length") == 0
        assert "gone" not in await page.title()


async def test_a_long_change_says_what_is_missing_and_leads_to_the_whole(tmp_path: Path) -> None:
    async with (
        served(site(journal(tmp_path), "long")) as found,
        browser(found) as (context, _),
    ):
        await found.app.run(editor, "Publish")
        page = await sign_in(context, found, "/approvals")
        await page.get_by_text("This is not all of it: cut, ").wait_for()
        link = await page.get_by_role("link", name="The whole").get_attribute("href")
        assert link is not None
        told = await context.request.get(f"{found.url}{link}")
        assert told.status == 200
        assert (await told.text()).endswith("+a new line 899 of a long page")
        assert told.headers["content-disposition"].startswith("attachment")  # no page of text


async def test_it_stands_inside_the_conversation(tmp_path: Path) -> None:
    async with (
        served(site(journal(tmp_path), "Open on Sunday")) as found,
        browser(found) as (context, _),
    ):
        page = await visit(context, found, "ann", {"local": frozenset({"operator", "approver"})})
        await page.goto(f"{found.url}/chat?agent=editor")
        await page.locator("[data-send]:enabled").wait_for()
        await page.get_by_label("Your message").fill("Publish it")
        await page.get_by_label("Your message").press("Enter")
        ask = page.locator(".ask")
        await ask.get_by_role("region", name="Changes of the call").wait_for()
        await ask.locator("tr.add", has_text="Open on Sunday").wait_for()
        await ask.get_by_role("button", name="Approve").click()
        await page.locator(".said", has_text="Done.").wait_for()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_it(tmp_path: Path, scheme: Scheme, size: tuple[int, int]) -> None:
    async with (
        served(site(journal(tmp_path), "long")) as found,
        # axe-core is put into the page from outside, as no script of the page may be.
        browser(found, size=size, scheme=scheme, bypass_csp=True) as (context, _),
    ):
        await found.app.run(editor, "Publish")
        page = await sign_in(context, found, "/approvals")
        await page.get_by_role("region", name="Changes of the call").wait_for()
        assert await faults_of(page) == []
        assert await too_wide(page) == []
