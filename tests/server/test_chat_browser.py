"""Journeys through the chat in a real browser: words live, lines lost, tools, people, plans."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from remit import declare
from remit.app.app import App
from remit.server import streams
from tests.app.paying import PLANS, SECRET, SECRET_ENV, reference_of, send
from tests.app.test_till import checkout
from tests.runtime.stage import PATIENCE_S, an_agent
from tests.server.chromium import (
    DESKTOP,
    PHONE,
    Scheme,
    browser,
    faults_of,
    needs_chromium,
    sign_in,
    visit,
)
from tests.server.office import office
from tests.server.stage import Served, journal, served
from tests.server.tellers import BOSS, Teller, teller_app
from tests.server.test_live import postgres, url

__all__ = ["postgres", "url"]
pytestmark = [pytest.mark.requirement("UX-2"), needs_chromium]
STORY = "Once upon a time there was a lamp, it was blue and"


async def say(page: Page, text: str) -> None:
    box = page.get_by_label("Your message")
    await page.locator("[data-send]:enabled").wait_for()
    await box.fill(text)
    await box.press("Enter")


async def said(page: Page) -> list[str]:
    """What stands in the bubbles, the user's too."""
    return [text.strip() for text in await page.locator(".said").all_inner_texts()]


def cut_lines(found: Served) -> None:
    """End every stream without a word, as a network does."""
    for response in tuple(found.server.state.streams._open):
        response._pump.cancel()


@pytest.mark.requirement("UX-1")
async def test_reload_and_lost_lines_in_mid_answer_lose_and_double_nothing(url: str) -> None:
    teller = Teller()
    teller.gate = asyncio.Event()
    app = teller_app(url, teller)
    async with served(app) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/chat")
        await page.get_by_role("link", name="solo").click()
        await say(page, "Tell me a story")
        half = "Once upon a time there was"
        await page.locator(".under-way", has_text=half).wait_for()
        assert await said(page) == ["Tell me a story", half]
        assert page.url.startswith(f"{found.url}/chat/ses_")
        await page.reload()
        await page.locator(".under-way", has_text=half).wait_for()
        assert await said(page) == ["Tell me a story", half]
        cut_lines(found)
        teller.gate.set()
        await page.locator(".said:not(.under-way)", has_text=STORY).wait_for()
        await page.get_by_text("solo is at work").wait_for(state="detached")
        assert await said(page) == ["Tell me a story", STORY]
        await say(page, "And another")
        await page.locator(".said").nth(3).wait_for()
        await page.get_by_text("solo is at work").wait_for(state="detached")
        assert await said(page) == ["Tell me a story", STORY, "And another", STORY]
        assert len(await app.store.runs("local")) == 2


@pytest.mark.requirement("UX-1")
async def test_what_is_said_again_because_the_answer_was_lost_is_said_once(tmp_path: Path) -> None:
    async with (
        served(teller_app(journal(tmp_path))) as found,
        browser(found) as (context, seen),
    ):
        page = await sign_in(context, found, "/chat?agent=solo")

        async def lose(route: Route) -> None:
            await route.fetch()
            await route.abort()

        await page.route("**/chat/say**", lose, times=1)
        await page.get_by_label("Your message").fill("Tell me a story")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_text("The line is lost").wait_for()
        seen.complaints.clear()  # the browser notes that a request failed
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url("**/chat/ses_*")
        (run,) = await found.app.store.runs("local")
        await found.app.wait(run.run)
        await page.get_by_label("Your message").fill("Tell me a story")
        await page.get_by_role("button", name="Send").click()
        await page.locator(".said.user").nth(1).wait_for()
        assert len(await found.app.store.runs("local")) == 2, "said again on purpose"


async def test_a_room_of_who_was_signed_out_elsewhere_leads_to_the_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.2)
    teller = Teller()
    teller.gate = asyncio.Event()
    async with (
        served(teller_app(journal(tmp_path), teller)) as found,
        browser(found) as (context, seen),
    ):
        page = await sign_in(context, found, "/chat?agent=solo")
        await page.get_by_label("Your message").fill("Tell me a story")
        await page.get_by_role("button", name="Send").click()
        await teller.at_gate.wait()
        (cookie,) = await context.cookies()
        await found.server.state.identity.end(cookie["value"], "local")
        found.server.state.identity.forget()
        await page.wait_for_url("**/login?next=/chat/ses_**")
        seen.complaints.clear()  # the browser notes each 401
        teller.gate.set()


async def test_words_that_were_taken_back_vanish(tmp_path: Path) -> None:
    teller = Teller(breaks=1)
    teller.gate = asyncio.Event()
    app = teller_app(journal(tmp_path), teller)
    async with served(app) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/chat?agent=solo")
        await say(page, "Go")
        await page.locator(".under-way", has_text="Once upon").wait_for()
        teller.gate.set()
        await page.locator(".said:not(.under-way)", has_text=STORY).wait_for()
        assert await said(page) == ["Go", STORY]


async def test_tools_and_sub_agents_are_folded(tmp_path: Path) -> None:
    async with served(teller_app(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, f"/chat?agent={BOSS.name}")
        await say(page, "Go")
        await page.locator(".said:not(.under-way)", has_text=STORY).nth(1).wait_for()
        steps = page.locator("details.step")
        assert await steps.count() == 2
        assert not await steps.first.locator("pre").first.is_visible()
        await steps.first.locator("summary").click()
        assert STORY in await steps.first.inner_text()
        assert await said(page) == ["Go", STORY, STORY]


@pytest.mark.requirement("APR-2")
async def test_a_call_is_approved_and_another_denied_inside_the_conversation(
    tmp_path: Path,
) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await visit(context, found, "ann", {"local": frozenset({"operator", "approver"})})
        await page.goto(f"{found.url}/chat?agent=clerk")
        await say(page, "file one")
        ask = page.locator(".ask")
        await ask.get_by_text("May it call write_file?").wait_for()
        await ask.get_by_role("button", name="Deny").click()
        await ask.get_by_text("Say why").wait_for()
        await ask.get_by_label("Comment").fill("not this file")
        await ask.get_by_role("button", name="Deny").click()
        await ask.wait_for(state="detached")
        await page.get_by_text("clerk is at work").wait_for(state="detached")
        await say(page, "file two")
        await ask.get_by_role("button", name="Approve").wait_for()
        await page.reload()
        await ask.get_by_role("button", name="Approve").click()
        await ask.wait_for(state="detached")
        await page.locator(".said", has_text="Done.").nth(1).wait_for()
        chips = await page.locator(".step .chip").all_inner_texts()
        assert chips == ["done", "denied", "done", "done"]


async def test_a_question_is_answered_inside_the_conversation(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/chat?agent=clerk")
        await say(page, "gift")
        ask = page.locator(".ask")
        await ask.get_by_text("How many sheets of paper?").wait_for()
        await ask.get_by_role("textbox").fill("3")
        await ask.get_by_role("button", name="Send the answer").click()
        await page.locator(".said", has_text="Wrapped.").wait_for()
        await expect(ask).to_have_count(0)


async def test_what_is_under_way_can_be_cancelled(tmp_path: Path) -> None:
    teller = Teller()
    teller.gate = asyncio.Event()
    app = teller_app(journal(tmp_path), teller)
    async with served(app) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/chat?agent=solo")
        await say(page, "Go")
        await page.locator(".under-way").wait_for()
        await page.get_by_role("button", name="Cancel").click()
        await page.get_by_text("Stopped: cancelled").wait_for()
        assert await said(page) == ["Go"]
        assert await page.get_by_role("button", name="Cancel").is_hidden()


@pytest.mark.requirement("BIL-3")
async def test_at_the_cap_the_room_is_locked_until_the_payment_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    app = App(
        journal(tmp_path),
        agents=[an_agent("clerk")],
        models={"scripted": Teller()},
        prices={"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")},
        plans=PLANS,
    )
    async with served(app) as found, browser(found) as (context, _):
        page = await visit(context, found, "ann", {"local": frozenset({"operator"})})
        await page.goto(f"{found.url}/chat?agent=clerk")
        await say(page, "first")
        await page.locator(".said:not(.under-way)", has_text=STORY).wait_for()
        await page.get_by_text("100 % used: 1 calls of 1 calls, today (plan free)").wait_for()
        await say(page, "second")
        notice = page.get_by_role("alert")
        await notice.get_by_text("The plan free allows 1 calls today").wait_for()
        await expect(page.get_by_label("Your message")).to_be_disabled()
        link = await notice.get_by_role("link", name="Get the plan pro").get_attribute("href")
        assert link is not None
        assert link.startswith("https://pay.example/pro?")
        await page.reload()
        await notice.wait_for()
        await expect(page.get_by_label("Your message")).to_be_disabled()
        await send(app, checkout(reference_of(link), subscription="sub_1"))
        async with asyncio.timeout(PATIENCE_S):
            await notice.wait_for(state="detached")
        await say(page, "third")
        await page.locator(".said:not(.under-way)", has_text=STORY).nth(1).wait_for()


async def test_who_may_only_look_can_say_nothing(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        run = await found.app.start(found.app.agents["clerk"], "file one", session="s1")
        page = await visit(context, found, "vera", {"local": frozenset({"viewer"})})
        await page.goto(f"{found.url}/chat/s1")
        await page.locator(".ask").get_by_text("You cannot answer this").wait_for()
        assert await page.get_by_label("Your message").count() == 0
        assert run


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_and_use_it(
    tmp_path: Path, size: tuple[int, int], scheme: Scheme
) -> None:
    async with (
        served(office(journal(tmp_path))) as found,
        browser(found, size=size, scheme=scheme, bypass_csp=True) as (context, _),
    ):
        page = await sign_in(context, found, "/chat")
        assert await faults_of(page) == []
        await page.get_by_role("link", name="clerk").click()
        await say(page, "file one")
        await page.locator(".ask").get_by_text("May it call").wait_for()
        assert await faults_of(page) == []
        wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide
