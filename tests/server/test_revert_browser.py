"""In a real browser a person goes back to an earlier prompt or another model, and lifts it."""

from pathlib import Path

import pytest

from tests.server.chromium import (
    DESKTOP,
    PHONE,
    browser,
    faults_of,
    needs_chromium,
    sign_in,
    too_wide,
)
from tests.server.pages.test_agents import two_versions
from tests.server.stage import journal, served

pytestmark = [pytest.mark.requirement("OPS-1", "OPS-2", "UX-2"), needs_chromium]
CLERK = "/agents/clerk%3Ftenant=acme"


async def test_a_prompt_is_used_again_and_lifted(tmp_path: Path) -> None:
    async with (
        served(await two_versions(journal(tmp_path))) as found,
        browser(found) as (context, _),
    ):
        page = await sign_in(context, found, CLERK)
        await page.get_by_role("button", name="Use this prompt again").click()
        sheet = page.get_by_role("dialog", name="Use this prompt again")
        await sheet.get_by_label("Where").select_option("the tenant acme")
        await sheet.get_by_label("Why").fill("The new one is rude.")
        await sheet.get_by_role("button", name="Use this prompt").click()
        await page.get_by_text("The new one is rude.").wait_for()
        (made,) = await found.app.store.switches()
        (old,) = await found.app.reverts.versions("clerk", "acme")
        assert made.target == f"tenant:acme/agent:clerk/prompt={old.digest}"
        await page.get_by_role("button", name="Use the deployed prompt again").click()
        await page.get_by_role("button", name="Use this prompt again").wait_for()
        assert await found.app.store.switches() == []


async def test_another_model_is_used_and_what_is_refused_is_said(tmp_path: Path) -> None:
    async with (
        served(await two_versions(journal(tmp_path))) as found,
        browser(found) as (context, _),
    ):
        page = await sign_in(context, found, CLERK)
        for name, text in (
            ("openai:gpt-4o", "is a floating alias"),
            ("scripted:y", "The model is reverted"),
        ):
            await page.get_by_role("button", name="Revert the model …").click()
            sheet = page.get_by_role("dialog", name="Revert the model of clerk")
            await sheet.get_by_label("Model").fill(name)
            await sheet.get_by_label("Why").fill("It is slow.")
            await sheet.get_by_role("button", name="Use this model").click()
            await page.get_by_text(text).wait_for()
        (made,) = await found.app.store.switches()
        assert made.target == "tenant:acme/agent:clerk/model=scripted:y"


async def test_without_scripts_a_prompt_is_used_again(tmp_path: Path) -> None:
    async with (
        served(await two_versions(journal(tmp_path))) as found,
        browser(found, script=False) as (context, _),
    ):
        page = await sign_in(context, found, CLERK)
        form = page.locator("form").filter(has=page.get_by_role("button", name="Use this prompt"))
        await form.get_by_label("Why").fill("no scripts here")
        await form.get_by_role("button", name="Use this prompt").click()
        await page.get_by_text("no scripts here").wait_for()
        assert len(await found.app.store.switches()) == 1


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_everybody_can_read_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with (
        served(await two_versions(journal(tmp_path))) as found,
        browser(found, size=size, bypass_csp=True) as (context, _),
    ):
        page = await sign_in(context, found, CLERK)
        (old,) = await found.app.reverts.versions("clerk", "acme")
        for press in ("Use this prompt again …", "Revert the model …"):
            await page.goto(f"{found.url}/agents/clerk?tenant=acme")
            await page.get_by_role("button", name=press).click()
            assert await faults_of(page) == []
        reverts = found.app.reverts
        await reverts.revert_prompt(
            "clerk", old.digest, tenant="acme", principal="ann", reason="rude"
        )
        await reverts.revert_model("clerk", "scripted:y", principal="ann", reason="slow")
        for path in ("/agents/clerk?tenant=acme", "/switches?tenant=acme", "/now?tenant=acme"):
            await page.goto(f"{found.url}{path}")
            assert await faults_of(page) == [], path
            assert await too_wide(page) == [], f"{path} scrolls sideways"
