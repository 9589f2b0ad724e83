"""What cannot be reverted is refused: unknown, erased, floating, unpriced, or not set up."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from remit import Agent, App, Prompt, Remit, ScriptedModel, declare, tool
from remit.errors import NotAllowed, NotFound, UsageError
from tests.app.test_reverting import NEW, app_of, recorded, says, seen, talker
from tests.runtime.stage import PRICES, journal_at

pytestmark = pytest.mark.requirement("OPS-1", "OPS-2")


@tool(access="write")
def undo_it(number: int) -> str:
    """Take it back."""
    return str(number)


async def test_what_no_prompt_is_named_by_is_refused(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url, tenant="acme")
    async with app_of(url, NEW) as app:

        async def revert(agent: str, version: str, tenant: str | None = None) -> str:
            made = await app.reverts.revert_prompt(
                agent, version, principal="ann", reason="x", tenant=tenant
            )
            return made.switch.target

        with pytest.raises(NotFound, match="this program has no agent 'nobody'"):
            await revert("nobody", digest)
        for version in ("", "0" * 64, digest[:5], "talker 1"):
            with pytest.raises(NotFound, match="recorded a prompt"):
                await revert("talker", version)
        with pytest.raises(NotFound, match="recorded a prompt"):
            await revert("talker", digest, "local")
        assert await app.store.switches() == []
        assert await revert("talker", digest, "acme") == (
            f"tenant:acme/agent:talker/prompt={digest}"
        )


async def test_a_prompt_is_named_by_its_text_or_by_its_version(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    await recorded(url)
    other = talker("Old.", "scripted:other")
    async with app_of(url, other) as app:
        await app.run(other, "Go")
    async with app_of(url, NEW) as app:
        (version,) = await app.reverts.versions("talker")
        assert (version.text, version.runs) == ("Old.", 2)
        assert await app.reverts.models("talker") == ("scripted:other", "scripted:old")
        made = await app.reverts.revert_prompt(
            "talker", version.text_digest[:10], principal="ann", reason="x"
        )
        assert made.switch.target.endswith(version.digest)


async def test_what_means_several_prompts_is_refused(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    for text in ("One.", "Two."):
        agent = Agent(
            "talker", model="scripted:x", instructions=Prompt(text, name="talk", version="1")
        )
        async with app_of(url, agent) as app:
            await app.run(agent, "Go")
            if text == "One.":
                await app.reverts.revert_prompt("talker", "talk 1", principal="a", reason="x")
                await app.reverts.lift("talker", principal="a")
            else:
                with pytest.raises(UsageError, match="'talk 1' means several prompts"):
                    await app.reverts.revert_prompt("talker", "talk 1", principal="a", reason="x")


def erase(folder: Path, digest: str) -> None:
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        assert database.execute("DELETE FROM blobs WHERE digest = ?", (digest,)).rowcount > 0


async def test_an_erased_prompt_is_not_used_again_nor_is_the_new_one_in_its_place(
    tmp_path: Path,
) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url)
    async with app_of(url, NEW) as app:
        await app.reverts.revert_prompt("talker", digest, principal="ann", reason="x")
        await seen(app)
        erase(tmp_path, digest)
        with pytest.raises(NotAllowed, match="that text was erased: revert it to another, or lift"):
            await app.run(NEW, "Go")
        with pytest.raises(NotAllowed, match="cannot be used again: its text was erased"):
            await app.reverts.revert_prompt("talker", digest, principal="ann", reason="x")
        await app.reverts.lift("talker", principal="ann")
        await seen(app)
        assert (await app.run(NEW, "Go")).output == "new: New."


async def test_what_one_tenant_erased_another_may_still_have(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url, "beta")
    assert await recorded(url, "acme") == digest
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database, database:
        database.execute(
            "DELETE FROM blobs WHERE tenant = (SELECT id FROM tenants WHERE name = 'acme')"
        )
    async with app_of(url, NEW) as app:
        with pytest.raises(NotAllowed, match="its text was erased"):
            await app.reverts.revert_prompt(
                "talker", digest, principal="ann", reason="x", tenant="acme"
            )
        await app.reverts.revert_prompt("talker", digest, principal="ann", reason="x")
        await seen(app)
        assert (await app.run(NEW, "Go")).output == "new: Old."


@pytest.mark.requirement("PROV-6")
@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("", "names no model"),
        ("gpt-5", "names no model"),
        ("remit:undo", "names no model"),
        ("openai:gpt-4o", "is a floating alias"),
        ("openai:gpt-none-2020-01-01", "gpt-none"),
        ("anthropic:priced-20250929", "no key for anthropic"),
        ("strange:priced-1", "strange"),
        ("scripted:two words", "without spaces"),
        ("scripted:" + "x" * 300, "without spaces"),
    ],
)
async def test_a_model_that_could_not_serve_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, problem: str
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    priced = declare("scripted:x", input_usd="1", output_usd="2")
    prices = {**PRICES, "anthropic:priced-*": priced, "strange:*": priced}
    models = {"scripted": ScriptedModel(says), "openai": ScriptedModel(says)}
    url = journal_at(tmp_path)
    async with App(url, agents=[NEW], models=models, prices=prices) as app:
        with pytest.raises(NotAllowed, match=problem):
            await app.reverts.revert_model("talker", model, principal="ann", reason="x")
        with pytest.raises(NotFound):
            await app.reverts.revert_model("nobody", "scripted:b", principal="ann", reason="x")
        assert await app.store.switches() == []


async def test_who_takes_back_has_no_prompt(tmp_path: Path) -> None:
    @tool(access="write", undo=undo_it)
    def do_it(number: int) -> str:
        """Do it."""
        return str(number)

    agent = Agent(
        "doer",
        model="scripted:x",
        instructions="Do.",
        tools=[do_it],
        remit=Remit(approvals={do_it: 0, undo_it: 0}),
    )
    async with app_of(journal_at(tmp_path), agent) as app:
        assert "doer.undo" in app.agents
        with pytest.raises(NotAllowed, match="takes back what others did"):
            await app.reverts.revert_model("doer.undo", "scripted:b", principal="a", reason="x")
