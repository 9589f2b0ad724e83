"""The journey of `remit demo --serve` in a real browser, as a newcomer makes it."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from remit.cli.demo_serve import FREE_CALLS
from tests.cli.test_demo_serve import WISH, asked_provider, ended, serving
from tests.examples.scratch import git
from tests.server.acting import Json
from tests.server.chromium import browser, needs_chromium
from tests.server.test_console_pictures import IMAGES, KEEP, MOST_BYTES, SIZE

pytestmark = [pytest.mark.requirement("UX-2", "BIL-3", "APR-2", "REF-1"), needs_chromium]
PATIENCE_MS = 90_000  # a scan and the tests, four times, on two busy cores
PICTURE = "demo-upgrade.png"
QUESTIONS = ("What was wrong with it?", "Who are you?", "Thank you!", "One more thing …")


async def say(page: Page, text: str) -> None:
    box = page.get_by_label("Your message")
    await box.fill(text)
    await box.press("Enter")


async def test_a_newcomer_chats_agrees_looks_reaches_the_cap_pays_and_goes_on(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as (process, told):
        repo = Path(str(told["repository"]))
        async with browser(str(told["url"]), size=SIZE) as (context, seen):
            chat = await context.new_page()
            await chat.goto(str(told["link"]))
            await say(chat, WISH)
            await chat.get_by_text("May it call commit_changes?").wait_for(timeout=PATIENCE_MS)
            trace = await the_run(context, str(told["url"]))
            before = await trace.get_attribute("aria-rowcount") or ""
            await agree_in_the_inbox(context, str(told["url"]))
            await chat.get_by_text("is committed as").wait_for(timeout=PATIENCE_MS)
            assert git(repo, "rev-list", "--count", "HEAD") == "2"
            # Only the rows in sight are drawn; the tree has grown by itself.
            await expect(trace).not_to_have_attribute("aria-rowcount", before)
            notice = await use_up(chat, told)
            await in_sight(chat, notice)
            target = (IMAGES if KEEP else tmp_path) / PICTURE
            await chat.screenshot(path=target)
            assert 5_000 < target.stat().st_size < MOST_BYTES
            async with context.expect_page() as opened:
                await notice.get_by_role("link", name="Get the plan pro").click()
            await pay(await opened.value)
            checkout = [each for each in seen.elsewhere if "/checkout/pro" not in each]
            assert checkout == [], "only the checkout of this machine was asked besides"
            seen.elsewhere.clear()
            await notice.wait_for(state="detached")
            await say(chat, "Hello again")
            await chat.locator(".said:not(.under-way)", has_text="I am Lomu").wait_for()
        await ended(process)
    assert (IMAGES / PICTURE).stat().st_size < MOST_BYTES, "make it with REMIT_PICTURES=1"


async def the_run(context: BrowserContext, url: str) -> Locator:
    """The trace of the one run, as it stands under Runs."""
    page = await context.new_page()
    await page.goto(f"{url}/runs")
    await page.locator("tbody a").first.click()
    trace = page.get_by_role("treegrid", name="Trace")
    await trace.get_by_role("row").nth(5).wait_for()
    return trace


async def agree_in_the_inbox(context: BrowserContext, url: str) -> None:
    page = await context.new_page()
    await page.goto(f"{url}/approvals")
    await page.get_by_role("heading", name="commit_changes").wait_for()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("Approved. The run has taken it").wait_for()


async def use_up(chat: Page, told: Json) -> Locator:
    """Ask on until the notice comes; what was refused reached no provider."""
    notice = chat.get_by_role("alert")
    for number in range(FREE_CALLS):
        before = await asked_provider(told)
        await say(chat, QUESTIONS[number % len(QUESTIONS)])
        await chat.locator(".said.user").nth(number + 1).wait_for()
        await chat.get_by_text("lomu is at work").wait_for(state="detached")
        if await notice.count():
            assert await asked_provider(told) == before
            assert f"allows {FREE_CALLS} calls today" in await notice.inner_text()
            await expect(chat.get_by_label("Your message")).to_be_disabled()
            return notice
    raise AssertionError("the plan has no end")


async def in_sight(chat: Page, notice: Locator) -> None:
    """Nobody has to look for the way on: it stands above what stays at the lower edge."""
    link = notice.get_by_role("link", name="Get the plan pro")
    composer = chat.locator("[data-composer]")
    while True:  # the page may renew either between two looks; `timeout` of pytest bounds it
        box, edge = await link.bounding_box(), await composer.bounding_box()
        if box is not None and edge is not None and box["y"] + box["height"] <= edge["y"]:
            return
        await chat.wait_for_timeout(50)


async def pay(page: Page) -> None:
    """Pay at the checkout; the same event counts once."""
    await page.get_by_role("button", name="Pay 9.00 USD").click()
    await page.get_by_role("status").get_by_text("200 applied").wait_for()
    await page.get_by_role("button", name="Send the same event again").click()
    await page.get_by_role("status").get_by_text("200 repeated").wait_for()
    back = page.get_by_role("link", name="Back to the console")
    assert (await back.get_attribute("href") or "").endswith("/chat")
