"""Journeys through the console in a real browser, in light and dark, on a desktop and a phone."""

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
)
from tests.server.stage import journal, served, shop_app

pytestmark = [pytest.mark.requirement("UX-2"), needs_chromium]


@pytest.mark.requirement("OPS-1")
async def test_a_tool_is_switched_off_and_on(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/switches")
        await page.keyboard.press("o")
        await page.get_by_label("What", exact=True).select_option("tool")
        await page.get_by_label("Name of the agent or tool").fill("refund_order")
        await page.get_by_role("dialog").get_by_label("Why").fill("Refunds go out twice.")
        await page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
        await page.get_by_role("button", name="Switch on tool:refund_order").wait_for()
        (made,) = await found.app.store.switches()
        assert (made.target, made.reason) == ("tool:refund_order", "Refunds go out twice.")
        await page.get_by_role("button", name="Switch on tool:refund_order").click()
        await page.get_by_text("Nothing is switched off").wait_for()
        assert await found.app.store.switches() == []


@pytest.mark.requirement("OPS-1")
async def test_what_another_switches_off_appears_by_itself(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/switches")
        await page.get_by_text("Nothing is switched off").wait_for()
        await found.app.desk.switch_off("all", principal="eve", reason="the cellar burns")
        await page.locator("#off-now").get_by_text("the cellar burns").wait_for()


async def test_the_keyboard_leads_everywhere(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/switches")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("?")
        await page.get_by_role("dialog", name="Keys").wait_for()
        await page.keyboard.press("Escape")
        await page.keyboard.press("g")
        await page.keyboard.press("s")
        await page.wait_for_url("**/switches")


async def test_the_theme_is_kept(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/switches")
        await page.get_by_role("button", name="Theme: system").click()
        await page.get_by_role("button", name="Theme: light").click()
        await page.reload()
        await page.get_by_role("button", name="Theme: dark").wait_for()
        back = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert back == "rgb(17, 21, 27)"


async def test_without_scripts_forms_still_work(tmp_path: Path) -> None:
    async with (
        served(shop_app(journal(tmp_path))) as found,
        browser(found, script=False) as (context, _),
    ):
        page = await sign_in(context, found, "/switches")
        await page.get_by_role("textbox", name="Why").fill("no scripts here")
        await page.get_by_role("button", name="Switch off", exact=True).click()
        await page.get_by_text("no scripts here").first.wait_for()
        (made,) = await found.app.store.switches()
        assert made.target == "all"


PAGES = ("/switches",)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_every_page(
    tmp_path: Path, scheme: Scheme, size: tuple[int, int]
) -> None:
    async with (
        served(shop_app(journal(tmp_path))) as found,
        # axe-core is put into the page from outside, as no script of the page may be.
        browser(found, size=size, scheme=scheme, bypass_csp=True) as (context, _),
    ):
        await found.app.desk.switch_off("tool:wrap_gift", principal="ann", reason="no paper")
        await found.app.desk.switch_on("tool:wrap_gift", principal="ann")
        await found.app.desk.switch_off("agent:clerk", principal="ann", reason="odd")
        page = await context.new_page()
        await page.goto(f"{found.url}/login")
        assert await faults_of(page) == []
        page = await sign_in(context, found)
        for path in PAGES:
            await page.goto(f"{found.url}{path}")
            assert await faults_of(page) == [], path
            wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{path} scrolls sideways"
