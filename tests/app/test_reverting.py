"""Prompts and models are reverted while programs run: new runs of every process follow."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from remit import Agent, App, Prompt, Remit, ScriptedModel, declare, tool
from remit.adapters.keys import new_keys
from remit.adapters.scripted import Reply
from remit.app.replay import read_past
from remit.errors import NotAllowed, NotFound, StoreError, StoreGone, UsageError
from remit.journal.events import RunStarted
from remit.machine.evolve import fold
from remit.values.model import ModelRequest
from tests.app.test_replay import BOSS, SCRIPT
from tests.runtime.stage import PATIENCE_S, PRICES, journal_at, told
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.requirement("OPS-1", "OPS-2")


def says(request: ModelRequest) -> Reply:
    return f"{request.model}: {request.system}"


@tool(access="write")
def undo_it(number: int) -> str:
    """Take it back."""
    return str(number)


def talker(instructions: str, model: str = "scripted:new", *fallbacks: str) -> Agent[str]:
    return Agent("talker", model=model, fallbacks=fallbacks, instructions=instructions)


OLD, NEW = talker("Old.", "scripted:old"), talker("New.")


def app_of(url: str, agent: Agent[str]) -> App:
    models = {"scripted": ScriptedModel(*[says] * 20)}
    return App(url, agents=[agent], models=models, prices=PRICES)


async def spec_of(app: App, run: str, tenant: str = "local") -> str:
    row = await app.store.run(tenant, run)
    assert row is not None
    return row.spec


async def recorded(url: str, tenant: str = "local") -> str:
    """A run with the old prompt; the digest of its declaration."""
    async with app_of(url, OLD) as app:
        run = await app.run(OLD, "Go", tenant=tenant)
        assert run.output == "old: Old."
        return await spec_of(app, run.id, tenant)


async def seen(app: App) -> None:
    """The next look at the switches, which each process takes twice a second."""
    await app.engine.services.switchboard.refresh()


async def test_a_prompt_comes_back_and_goes_again(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url)
    async with app_of(url, NEW) as app:
        before = await app.run(NEW, "Go")
        assert before.output == "new: New."
        made = await app.reverts.revert_prompt(
            "talker", digest[:8], principal="ann", reason="rude", tenant="local"
        )
        assert made.switch.target == f"tenant:local/agent:talker/prompt={digest}"
        await seen(app)
        run = await app.run(NEW, "Go")
        assert run.output == "new: Old.", "the prompt alone, not the model it once had"
        (started,) = await told(app, run.id, RunStarted)
        (fact,) = started.reverts
        assert (fact.what, fact.to, fact.principal) == ("prompt", digest, "ann")
        assert fact.target == made.switch.target
        spec = await app.engine.reader.spec("local", started.spec)
        assert (spec.instructions, spec.model) == ("Old.", "scripted:new")
        assert started.spec not in (digest, await spec_of(app, before.id))
        assert (await app.run(NEW, "Go", tenant="acme")).output == "new: New."
        lifted = await app.reverts.lift("talker", principal="bob", reason="mended", tenant="local")
        assert [each.target for each in lifted] == [made.switch.target]
        await seen(app)
        assert (await app.run(NEW, "Go")).output == "new: New."
        assert await app.reverts.lift("talker", principal="bob", tenant="local") == ()
        facts = [each.fact for each in await app.desk.switchings("local")]
        assert [(it.target, it.off, it.principal, it.reason) for it in facts] == [
            (made.switch.target, False, "bob", "mended"),
            (made.switch.target, True, "ann", "rude"),
        ]


async def test_a_model_is_reverted_for_everybody_or_for_one_tenant(tmp_path: Path) -> None:
    agent = talker("New.", "scripted:new", "scripted:spare")
    async with app_of(journal_at(tmp_path), agent) as app:
        reverts = app.reverts
        await reverts.revert_model("talker", "scripted:spare", principal="ann", reason="slow")
        await reverts.revert_model(
            "talker", "scripted:own", principal="ann", reason="slow", tenant="acme"
        )
        await seen(app)
        assert (await app.run(agent, "Go")).output == "spare: New."
        assert (await app.run(agent, "Go", tenant="acme")).output == "own: New."
        current = await reverts.current("acme", "talker")
        assert [each.revert.to for each in current] == ["scripted:own"]
        assert [each.revert.to for each in await reverts.current("*")] == ["scripted:spare"]
        await reverts.lift("talker", "model", principal="ann", tenant="acme")
        await seen(app)
        assert (await app.run(agent, "Go", tenant="acme")).output == "spare: New."


async def test_a_new_revert_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async with app_of(journal_at(tmp_path), NEW) as app:
        for name in ("a", "b", "b"):
            await app.reverts.revert_model("talker", f"scripted:{name}", principal="x", reason="y")
        (left,) = await app.store.switches()
        assert left.target == "agent:talker/model=scripted:b"
        await seen(app)
        assert (await app.run(NEW, "Go")).output == "b: New."


async def test_it_ends_at_its_time(tmp_path: Path) -> None:
    async with app_of(journal_at(tmp_path), NEW) as app:
        now_ms = app.desk.clock.now_ms()
        for until_ms, output in ((now_ms + 3_600_000, "b: New."), (now_ms, "new: New.")):
            await app.reverts.revert_model(
                "talker", "scripted:b", principal="x", reason="y", until_ms=until_ms
            )
            await seen(app)
            assert (await app.run(NEW, "Go")).output == output


@pytest.mark.requirement("PROV-8")
async def test_a_run_keeps_what_it_started_with_and_a_session_goes_on(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url)
    gate, entered = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        entered.set()
        await gate.wait()
        return "waited"

    def act(request: ModelRequest) -> Reply:
        last = request.messages[-1]
        return {"wait": {}} if last.text == "wait" else says(request)

    agent = Agent("talker", model="scripted:new", instructions="New.", tools=[wait])
    models = {"scripted": ScriptedModel(*[act] * 20)}
    async with App(url, agents=[agent], models=models, prices=PRICES) as app:
        run = await app.start(agent, "wait", session="s1")
        await entered.wait()
        await app.reverts.revert_prompt("talker", digest, principal="ann", reason="rude")
        await app.reverts.revert_model("talker", "scripted:b", principal="ann", reason="rude")
        await seen(app)
        gate.set()
        assert (await app.wait(run)).output == "new: New."
        after = await app.run(agent, "and now?", session="s1")
        assert after.output == "b: Old."
        (started,) = await told(app, after.id, RunStarted)
        assert started.continues == run
        spec = await app.engine.reader.spec("local", started.spec)
        assert [each.name for each in spec.tools if each.name == "wait"], "tools stay as deployed"


async def test_what_ran_under_a_revert_is_replayed_and_resumed_as_it_was(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url)
    async with app_of(url, NEW) as app:
        await app.reverts.revert_prompt("talker", digest, principal="ann", reason="rude")
    async with app_of(url, NEW) as app:  # a restart keeps it
        run = await app.run(NEW, "Go")
        assert run.output == "new: Old."
        await app.reverts.lift("talker", principal="ann")
        row = await app.store.run("local", run.id)
        assert row is not None
        past = await read_past(app.engine.reader, row)
        assert past.before.spec.instructions == "Old."
        assert fold(past.before, [body for _, body in past.pairs]) == past.after
        assert past.after.output == '"new: Old."'
        assert [each.to for each in past.after.reverts] == [digest]
        assert (await app.get(run.id)).output == "new: Old."
        (verified,) = [each for each in await app.verify() if each.tenant == "local"]
        assert verified.damages == ()


async def test_agents_below_are_reverted_and_their_runs_say_so(tmp_path: Path) -> None:
    models = {"scripted": ScriptedModel(*SCRIPT)}
    async with App(journal_at(tmp_path), agents=[BOSS], models=models, prices=PRICES) as app:
        await app.reverts.revert_model("scout", "scripted:calm", principal="ann", reason="x")
        await seen(app)
        run = await app.run(BOSS, "Go")
        (boss,) = await told(app, run.id, RunStarted)
        (child,) = await app.store.runs("local", parent=run.id)
        (scout,) = await told(app, child.run, RunStarted)
        assert boss.reverts == scout.reverts
        assert [each.agent for each in scout.reverts] == ["scout"]
        assert [each.model for each in scout.prices] == ["scripted:calm"]
        assert [each.model for each in boss.prices] == ["scripted:x"]


# ---------------------------------------------------------------- other processes


async def follows(first: App, second: App, digest: str) -> None:
    """What one process reverts the other's next runs use, by its own looks at the switches."""
    assert (await second.run(NEW, "Go")).output == "new: New."
    await first.reverts.revert_prompt("talker", digest, principal="ann", reason="rude")
    await first.reverts.revert_model("talker", "scripted:b", principal="ann", reason="rude")
    async with asyncio.timeout(PATIENCE_S):
        while (await second.run(NEW, "Go")).output != "b: Old.":
            await asyncio.sleep(0.05)
        await first.reverts.lift("talker", principal="ann")
        while (await second.run(NEW, "Go")).output != "new: New.":
            await asyncio.sleep(0.05)


async def test_the_other_process_follows(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    digest = await recorded(url)
    async with app_of(url, NEW) as first, app_of(url, NEW) as second:
        await follows(first, second, digest)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


async def test_the_other_process_follows_on_postgres(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    url = postgres.database()
    digest = await recorded(url)
    async with app_of(url, NEW) as first, app_of(url, NEW) as second:
        await follows(first, second, digest)


async def test_while_the_switches_cannot_be_read_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_of(journal_at(tmp_path), NEW) as app:

        async def gone() -> list[object]:
            raise StoreGone("the database is away")

        board = app.engine.services.switchboard
        monkeypatch.setattr(app.store, "switches", gone)
        monkeypatch.setattr(board, "_read_ms", None)
        with pytest.raises(StoreError, match="nobody knows whether a prompt or a model"):
            await app.run(NEW, "Go")
        monkeypatch.undo()
        assert (await app.run(NEW, "Go")).output == "new: New."


# ---------------------------------------------------------------- what is refused


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
