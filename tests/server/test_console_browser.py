"""Journeys through the console in a real browser, in light and dark, on a desktop and a phone."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.async_api import expect

from remit.adapters.keys import new_keys
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
from tests.server.office import HOSTILE, clerk, office
from tests.server.stage import journal, served, shop_app
from tests.support.postgres import PostgresServer

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


async def test_a_page_of_who_was_signed_out_elsewhere_leads_to_the_sign_in(
    tmp_path: Path,
) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, seen):
        await found.app.run(clerk, "file it")
        page = await sign_in(context, found, "/approvals?tenant=local")
        await page.get_by_role("link", name="write_file").wait_for()
        (cookie,) = await context.cookies()
        await found.server.state.identity.end(cookie["value"], "local")
        found.server.state.identity.forget()
        await found.app.run(clerk, "file it")  # its news make the page refresh itself
        await page.wait_for_url("**/login?next=/approvals%3Ftenant%3Dlocal")
        seen.complaints.clear()  # the browser notes each 401


async def test_a_page_keeps_what_it_shows_while_the_server_cannot_answer(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, seen):
        await found.app.run(clerk, "file it")
        page = await sign_in(context, found, "/approvals?tenant=local")
        await page.get_by_role("link", name="write_file").wait_for()
        await page.route("**/approvals?**", lambda route: route.fulfill(status=503, body="no"))
        # An answer that was under way before may come first.
        async with page.expect_response(
            lambda answer: answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        ):
            await found.app.run(clerk, "file it")
        await page.get_by_text("Connecting …").wait_for()
        assert await page.get_by_role("link", name="write_file").count(), "what it showed stays"
        seen.complaints.clear()  # the browser notes each 503


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


@pytest.mark.parametrize("path", ["/now", "/spend", "/switches"])
async def test_on_a_phone_the_page_one_is_on_stands_in_sight(tmp_path: Path, path: str) -> None:
    async with (
        served(shop_app(journal(tmp_path))) as found,
        browser(found, size=(320, 640)) as (context, _),
    ):
        page = await sign_in(context, found, path)
        await page.wait_for_function(
            """() => {
              const place = document.querySelector(".side [aria-current]").getBoundingClientRect();
              return place.left >= 0 && place.right <= innerWidth + 1;
            }"""
        )


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


@pytest.mark.requirement("APR-2", "APR-3", "APR-4")
async def test_two_people_agree_by_keyboard(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await found.app.run(clerk, "refund order 17", user="dora")
        async with browser(found) as (context, _):
            page = await sign_in(context, found, "/approvals")
            await page.get_by_text("0 of 2").wait_for()
            await page.keyboard.press("a")
            focused = "document.activeElement.textContent"
            assert "Approve (1 of 2)" in await page.evaluate(focused), "one key does nothing yet"
            await page.keyboard.press("Enter")
            await page.get_by_text("Approved. The run has taken it").wait_for()
            await page.get_by_text("agreed already").wait_for()
        async with browser(found) as (context, _):
            page = await visit(context, found, "carl", {"local": frozenset({"approver"})})
            await page.goto(f"{found.url}/approvals")
            await page.get_by_text("1 of 2: local").wait_for()
            await page.keyboard.press("e")
            await page.get_by_label("amount").fill("5.00")
            await page.get_by_role("button", name="Approve with these arguments").click()
            await page.get_by_text("Approved with changes.").wait_for()
            await page.get_by_text("1 of 2: carl").wait_for()
        assert (await found.app.get(run.id)).status == "waiting", (
            "who agreed to another form has not"
        )


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.mark.requirement("APR-2", "APR-4", "OPS-1")
async def test_the_same_on_postgres(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    async with served(office(postgres.database())) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/now%3Ftenant=local")
        await page.get_by_text("Nothing runs").wait_for()
        run = await found.app.run(clerk, "file it")
        await page.get_by_text("write_file waits for approval").wait_for()
        await page.goto(f"{found.url}/approvals?tenant=local")
        await page.get_by_text("what the run read there (read_file)").wait_for()
        await page.keyboard.press("a")
        await page.keyboard.press("Enter")
        await page.get_by_text("Approved. The run has taken it").wait_for()
        assert (await found.app.wait(run.id)).status == "completed"
        await found.app.desk.switch_off("tenant:local", principal="eve", reason="the cellar burns")
        await page.goto(f"{found.url}/switches?tenant=local")
        await page.get_by_role("button", name="Switch on tenant:local").click()
        await page.get_by_text("Nothing is switched off").wait_for()
        assert len(await found.app.desk.switchings("local")) == 2
        await page.goto(f"{found.url}/agents/clerk?tenant=local")
        await page.get_by_role("cell", name="approved", exact=True).wait_for()


@pytest.mark.requirement("GOV-3")
async def test_one_page_tells_what_an_agent_may_do(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        run = await found.app.run(clerk, "file it")
        await found.app.approve(run.approvals[0].id, principal="bob", comment="Reads well.")
        await found.app.wait(run.id)
        page = await sign_in(context, found, "/agents")
        await page.get_by_role("link", name="clerk").click()
        await page.get_by_role("heading", name="What it can do").wait_for()
        row = page.get_by_role("row", name="refund").first
        assert "2 of the approvers" in await row.inner_text()
        await page.get_by_role("cell", name="Reads well.").wait_for()


@pytest.mark.requirement("APR-4", "APR-5")
async def test_the_inbox_fills_and_empties_by_itself(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/approvals")
        await page.get_by_text("Nothing waits for you").wait_for()
        file = await found.app.run(clerk, "file it")
        gift = await found.app.run(clerk, "gift it")
        await page.get_by_role("link", name="write_file").wait_for()
        await page.get_by_role("link", name="wrap_gift").wait_for()
        await page.keyboard.press("j")
        await page.get_by_text("How many sheets of paper?").wait_for()
        await page.keyboard.press("k")
        await page.get_by_text("what the run read there (read_file)").wait_for()
        await page.keyboard.press("d")
        await page.keyboard.type("Not this file.")
        await page.get_by_role("button", name="Deny").click()
        await page.get_by_text("Denied.").wait_for()
        await page.get_by_label("Answer").fill("3")
        await page.get_by_role("button", name="Send the answer").click()
        await page.get_by_text("Nothing waits for you").wait_for()
        for run in (file, gift):
            assert (await found.app.wait(run.id)).status == "completed"


@pytest.mark.requirement("APR-4")
async def test_without_scripts_a_call_is_approved(tmp_path: Path) -> None:
    async with (
        served(office(journal(tmp_path))) as found,
        browser(found, script=False) as (context, _),
    ):
        run = await found.app.run(clerk, "file it")
        page = await sign_in(context, found, "/approvals")
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_text("Approved. The run has taken it").wait_for()
        assert (await found.app.wait(run.id)).status == "completed"


async def test_text_of_a_run_does_nothing_in_a_page(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        await found.app.run(clerk, "hostile")
        page = await sign_in(context, found, "/approvals")
        await page.get_by_text(HOSTILE, exact=True).first.wait_for()
        assert await page.evaluate("document.querySelectorAll('script:not([src])').length") == 0


@pytest.mark.requirement("OPS-1", "OBS-3", "UX-1")
async def test_now_follows_what_happens_and_stops_it(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found, browser(found) as (context, _):
        page = await sign_in(context, found, "/now%3Ftenant=local")
        await page.get_by_text("Nothing runs").wait_for()
        await page.locator("#health").get_by_text("model scripted:x").wait_for()
        run = await found.app.run(clerk, "file it")
        # By the feed: asking again would take half a minute.
        await page.get_by_text("write_file waits for approval").wait_for()
        await expect(page.locator(".chart canvas")).to_have_count(1)
        await page.keyboard.press("x")
        stop = page.get_by_role("dialog", name="Stop")
        await stop.get_by_label("What").select_option("everything in local")
        await stop.get_by_label("Why").fill("It writes nonsense.")
        await stop.get_by_role("button", name="Stop it now").click()
        await page.get_by_text("It writes nonsense.").first.wait_for()
        (made,) = await found.app.store.switches()
        assert (made.target, made.principal) == ("tenant:local", "local")
        await page.goto(f"{found.url}/now?tenant=local")
        await found.app.approve(run.approvals[0].id, principal="ann")
        await page.get_by_text("switched-off").first.wait_for()


PAGES = (
    "/now",
    "/now?tenant=local",
    "/now/health",
    "/agents",
    "/agents/clerk",
    "/switches",
    "/spend",
    "/approvals",
    "/approvals?id={file}",
    "/approvals?id={file}&edit=true",
)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_every_page(
    tmp_path: Path, scheme: Scheme, size: tuple[int, int]
) -> None:
    async with (
        served(office(journal(tmp_path))) as found,
        # axe-core is put into the page from outside, as no script of the page may be.
        browser(found, size=size, scheme=scheme, bypass_csp=True) as (context, _),
    ):
        await found.app.desk.switch_off("tool:wrap_gift", principal="ann", reason="no paper")
        await found.app.desk.switch_on("tool:wrap_gift", principal="ann")
        app = found.app
        await app.run(clerk, "refund order 17", user="dora")
        file = (await app.run(clerk, "file it")).approvals[0].id
        await app.run(clerk, "colour it", user="bob")
        await app.desk.switch_off("tool:find_order", principal="ann", reason="odd")
        page = await context.new_page()
        await page.goto(f"{found.url}/login")
        assert await faults_of(page) == []
        page = await sign_in(context, found)
        for path in (each.format(file=file) for each in PAGES):
            await page.goto(f"{found.url}{path}")
            assert await faults_of(page) == [], path
            assert await too_wide(page) == [], f"{path} scrolls sideways"
