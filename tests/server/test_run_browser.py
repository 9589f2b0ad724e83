"""Runs and their traces in a real browser: found, unfolded, replayed, readable for everybody."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.cli.shop import clerk, fill, shop
from tests.server.chromium import (
    DESKTOP,
    PHONE,
    Scheme,
    browser,
    faults_of,
    needs_chromium,
    sign_in,
)
from tests.server.stage import Served, served

pytestmark = [pytest.mark.requirement("UX-2", "ORC-5"), needs_chromium]
VIEWS = ("trace", "story", "messages", "decisions", "cost", "replay", "records", "versions")
MANY = 10_000


async def handed_over(found: Served) -> str:
    rows = await found.app.store.runs("local", limit=100)
    return next(str(row.parent) for row in rows if row.parent is not None)


async def test_a_run_is_found_and_its_trace_unfolds_by_keyboard(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/runs")
        await page.get_by_label("Text").fill("where is it?")
        await page.get_by_role("button", name="Find").click()
        await page.wait_for_url("**/runs?*text=where*")
        await page.locator("tbody a").click()
        trace = page.get_by_role("treegrid", name="Trace")
        await trace.get_by_role("row").nth(5).wait_for()
        rows = await trace.get_by_role("row").count()
        assert rows == 20
        await trace.focus()
        await page.keyboard.press("ArrowLeft")
        await expect(trace.get_by_role("row")).to_have_count(1)  # all is folded into the run
        await page.keyboard.press("ArrowRight")
        await expect(trace.get_by_role("row")).to_have_count(rows)
        for _ in range(4):
            await page.keyboard.press("ArrowDown")
        await expect(trace.locator('[aria-selected="true"]')).not_to_have_text("")
        await page.locator(".detail").get_by_text("ask_helper").wait_for()


async def test_ten_thousand_nodes_are_a_window_of_rows(tmp_path: Path) -> None:
    """What the API would answer for a long run; making one takes minutes, drawing it must not."""
    node = {"kind": "call", "label": "find", "status": "done", "text": "x", "cost": "", "run": "r",
            "rule": "", "principal": ""}  # fmt: skip
    nodes = [
        {**node, "depth": 0 if not number else 1 + number % 3, "at": number, "until": number + 5}
        for number in range(MANY)
    ]
    body = json.dumps({"began_ms": 0, "nodes": nodes, "more": False})

    async def answer(route: Route) -> None:
        await route.fulfill(body=body, content_type="application/json")

    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found, browser(found) as (context, _):
        run = await handed_over(found)
        page = await sign_in(context, found)
        await page.route("**/trace?*", answer)
        await page.goto(f"{found.url}/runs/{run}?tenant=local")
        await page.get_by_text("10,000 nodes").wait_for()
        trace = page.get_by_role("treegrid")
        assert await trace.get_by_role("row").count() < 100
        await trace.focus()
        await page.keyboard.press("End")
        await page.locator(f"#span-{MANY - 1}").wait_for()
        assert await trace.get_by_role("row").count() < 100
        await page.keyboard.press("Home")
        await page.locator("#span-0").wait_for()


async def test_the_slider_shows_how_a_run_stood(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found, browser(found) as (context, _):
        run = await handed_over(found)
        page = await sign_in(context, found)
        await page.goto(f"{found.url}/runs/{run}?tenant=local&view=replay")
        await page.get_by_text("ended: completed").wait_for()
        await page.locator("#at").focus()
        await page.keyboard.press("Home")
        await page.locator("#stood").get_by_text("RunStarted").wait_for()
        await expect(page.locator("#at-now")).to_have_text("1")
        await expect(page.get_by_text("ended: completed")).to_have_count(0)


async def test_a_waiting_run_is_cancelled_after_being_asked_again(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found, browser(found) as (context, _):
        run = await found.app.run(clerk, "refund order 17")
        page = await sign_in(context, found)
        await page.goto(f"{found.url}/runs/{run.id}?tenant=local")
        await page.get_by_role("button", name="Cancel …").click()
        await page.get_by_label("Why").fill("A mistake.")
        await page.get_by_role("button", name="Cancel the run").click()
        await page.get_by_text("It was asked to end.").wait_for()
        assert (await found.app.wait(run.id)).status == "stopped"


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)
async def test_everybody_can_read_every_view(
    tmp_path: Path, scheme: Scheme, size: tuple[int, int]
) -> None:
    await fill(tmp_path / "j.db")
    async with (
        served(shop(tmp_path / "j.db")) as found,
        browser(found, size=size, scheme=scheme, bypass_csp=True) as (context, _),
    ):
        run = await handed_over(found)
        page = await sign_in(context, found)
        for path in ("/runs?tenant=*", *(f"/runs/{run}?tenant=local&view={it}" for it in VIEWS)):
            await page.goto(f"{found.url}{path}")
            if path.endswith("trace"):
                await page.get_by_role("treegrid").get_by_role("row").first.wait_for()
            assert await faults_of(page) == [], path
            wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{path} scrolls sideways"
