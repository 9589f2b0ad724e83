"""Prompts and models are reverted while programs run: new runs of every process follow."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit import Agent, App, ScriptedModel, tool
from remit.adapters.keys import new_keys
from remit.adapters.scripted import Reply
from remit.app.replay import read_past
from remit.errors import StoreError, StoreGone
from remit.journal.events import RunStarted
from remit.machine.evolve import fold
from remit.values.model import ModelRequest
from tests.app.test_replay import BOSS, SCRIPT
from tests.runtime.stage import PATIENCE_S, PRICES, journal_at, told
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.requirement("OPS-1", "OPS-2")


def says(request: ModelRequest) -> Reply:
    return f"{request.model}: {request.system}"


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
    await app.engine.services.switchboard.reread()


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
        await board.reread()  # a look that began before would still succeed
        monkeypatch.setattr(board, "_read_ms", None)
        with pytest.raises(StoreError, match="nobody knows whether a prompt or a model"):
            await app.run(NEW, "Go")
        monkeypatch.undo()
        assert (await app.run(NEW, "Go")).output == "new: New."
