"""The app as callers use it: running, sessions, refusals, and taking runs up again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from remit import Agent, App, EchoModel, Prompt, Remit, ScriptedModel, tool
from remit.adapters.scripted import Reply
from remit.app.taking_in import MAX_INPUT_BYTES
from remit.errors import ConfigError, NotAllowed, NotFound, SpecError, UnpricedModel
from remit.journal.events import RunStarted
from remit.machine.spec import AgentSpec
from remit.values.message import TextPart
from remit.values.model import Delta, ModelAnswer, ModelRequest
from tests.runtime.stage import PATIENCE_S, PRICES, an_agent, journal_at, opened, told


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


def last_words(request: ModelRequest) -> str:
    """Everything the users of this conversation said, in order."""
    texts = [
        part.text
        for message in request.messages
        if message.role == "user"
        for part in message.parts
        if isinstance(part, TextPart)
    ]
    return " | ".join(texts)


SHIPPER = an_agent("shipper", tools=[ship_order], remit=Remit(approvals={ship_order: 1}))
TALKER = an_agent("talker")
TALK = (last_words,) * 9


# ---------------------------------------------------------------- what is refused at once


def test_two_agents_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="two agents are named 'talker'"):
        App("memory:", agents=[TALKER, an_agent("talker")])
    boss = an_agent("boss", agents=[an_agent("talker")])
    with pytest.raises(SpecError, match="two agents are named 'talker'"):
        App("memory:", agents=[TALKER, boss])
    App("memory:", agents=[TALKER, an_agent("boss", agents=[TALKER])])  # one agent used twice


async def test_an_agent_must_be_registered() -> None:
    async with opened("memory:", [TALKER], *TALK) as app:
        with pytest.raises(SpecError, match=r"'shipper' is not registered: App\(agents=\[shipper"):
            await app.run(SHIPPER, "Go")
        with pytest.raises(SpecError, match="not registered"):
            await app.run(an_agent("talker"), "Go")  # another one of the same name
        assert await app.store.runs(None) == []


async def test_an_input_that_is_too_long_is_refused() -> None:
    async with opened("memory:", [TALKER], "ok") as app:
        with pytest.raises(NotAllowed, match="give it as a file"):
            await app.run(TALKER, "ä" * (MAX_INPUT_BYTES // 2 + 1))
        assert (await app.run(TALKER, "a" * MAX_INPUT_BYTES)).status == "completed"


@pytest.mark.parametrize("given", ["", "a b", "../x", "x" * 129])
async def test_names_of_people_and_tenants_are_checked(given: str) -> None:
    async with opened("memory:", [TALKER], *TALK) as app:
        for named in ("tenant", "user", "session"):
            with pytest.raises(ConfigError, match=named):
                await app.run(TALKER, "Go", **{named: given})


async def test_an_unpriced_model_and_a_missing_provider_are_refused_before_anything_runs() -> None:
    dear = Agent("dear", model="nobody:x", instructions="Go.")
    boss = an_agent("boss", agents=[dear])
    async with opened("memory:", [boss], *TALK) as app:
        with pytest.raises(UnpricedModel):
            await app.run(boss, "Go")
        assert await app.store.runs(None) == []
    prices = {"nobody:x": PRICES["scripted:*"].model_copy(update={"model": "nobody:x"})}
    async with App("memory:", agents=[dear], prices=prices) as app:
        with pytest.raises(ConfigError, match="unknown provider 'nobody'"):
            await app.start(dear, "Go")


@pytest.mark.requirement("OPS-6")
async def test_production_refuses_a_journal_in_memory() -> None:
    with pytest.raises(ConfigError, match="production refuses a journal in memory"):
        async with opened("memory:", [TALKER], environment="production"):
            pass


@pytest.mark.requirement("OPS-6")
async def test_the_environment_is_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_ENVIRONMENT", "ci")
    async with opened("memory:", [TALKER], *TALK) as app:
        monkeypatch.setenv("REMIT_ENVIRONMENT", "dev")  # too late: it is frozen
        run = await app.run(TALKER, "Go")
        (started,) = await told(app, run.id, RunStarted)
        assert started.environment == "ci"


async def test_an_app_that_is_not_open_says_how_to_open_it() -> None:
    app = App("memory:", agents=[TALKER])
    with pytest.raises(NotAllowed, match="async with App"):
        await app.run(TALKER, "Go")
    async with app:
        pass
    with pytest.raises(NotAllowed, match="async with App"):
        _ = app.desk


async def test_a_prompt_is_read_from_its_file_or_said_to_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "prompt.md"
    agent = Agent("filed", model="scripted:x", instructions=Prompt.file(str(path)))
    with pytest.raises(SpecError, match=r"prompt\.md' cannot be read"):
        async with opened("memory:", [agent]):
            pass
    path.write_text("Speak of tea.", encoding="utf-8")
    async with opened("memory:", [agent], lambda request: request.system) as app:
        assert (await app.run(agent, "Go")).output == "Speak of tea."
    path.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(SpecError, match="more than 1048576 bytes"):
        async with opened("memory:", [agent]):
            pass


# ---------------------------------------------------------------- running


async def test_start_returns_a_durable_run_that_goes_on_alone() -> None:
    async with opened("memory:", [TALKER], *TALK) as app:
        run = await app.start(TALKER, "hello")
        assert await app.store.run("local", run) is not None
        done = await app.wait(run, timeout_s=PATIENCE_S)
        assert (done.status, done.output) == ("completed", "hello")
        assert await app.get(run) == done


async def test_wait_tells_how_a_run_stands_when_the_time_is_over() -> None:
    async with opened("memory:", [SHIPPER], {"ship_order": {"order": 1}}, "done") as app:
        run = await app.run(SHIPPER, "Go")
        still = await app.wait(run.id, timeout_s=0.01)
        assert still.status == "waiting"
        waiter = asyncio.create_task(app.wait(run.id, timeout_s=PATIENCE_S))
        await app.approve(run.approvals[0].id, principal="ann", comment="fine")
        assert (await waiter).output == "done"


async def test_deny_answers_the_model_with_the_comment() -> None:
    def tail(request: ModelRequest) -> Reply:
        return str(request.messages[-1].parts[0].model_dump()["text"])

    async with opened("memory:", [SHIPPER], {"ship_order": {"order": 1}}, tail) as app:
        run = await app.run(SHIPPER, "Go")
        await app.deny(run.approvals[0].id, principal="ann", comment="not today")
        done = await app.wait(run.id, timeout_s=PATIENCE_S)
        assert done.output == "refused: ann did not agree: not today"


async def test_an_unknown_run_is_not_found() -> None:
    async with opened("memory:", [TALKER], *TALK) as app:
        for asked in (app.get("run_x"), app.wait("run_x"), app.resume("run_x")):
            with pytest.raises(NotFound, match="there is no run run_x of tenant local"):
                await asked
        with pytest.raises(NotFound):
            await app.cancel("run_x")


async def test_a_run_of_an_agent_this_app_has_not_is_named(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [TALKER], *TALK) as app:
        run = await app.run(TALKER, "Go")
    async with opened(journal_at(tmp_path), [SHIPPER]) as app:
        for asked in (app.get(run.id), app.wait(run.id), app.resume(run.id)):
            with pytest.raises(SpecError, match="agent"):
                await asked


@pytest.mark.requirement("OPS-2")
async def test_a_run_records_the_declaration_it_used(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [TALKER], *TALK) as app:
        run = await app.run(TALKER, "Go")
        row = await app.store.run("local", run.id)
        assert row is not None
        stored = await app.store.blob("local", row.spec)
        assert stored is not None
        assert AgentSpec.model_validate_json(stored).instructions == "You are talker."


# ---------------------------------------------------------------- sessions and tenants


@pytest.mark.requirement("DUR-8", "TEN-1")
async def test_a_session_goes_on_after_a_restart_and_never_in_another(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with opened(url, [TALKER], *TALK) as app:
        await app.run(TALKER, "one", session="s1")
        await app.run(TALKER, "other", session="s2")
        await app.run(TALKER, "foreign", session="s1", tenant="acme")
    async with opened(url, [TALKER], *TALK) as app:
        assert (await app.run(TALKER, "two", session="s1")).output == "one | two"
        assert (await app.run(TALKER, "three", session="s1")).output == "one | two | three"
        assert (await app.run(TALKER, "more", session="s2")).output == "other | more"
        assert (await app.run(TALKER, "own", session="s1", tenant="acme")).output == "foreign | own"
        assert (await app.run(TALKER, "alone")).output == "alone"


@pytest.mark.requirement("TEN-1")
async def test_nobody_reaches_the_run_of_another_tenant() -> None:
    async with opened("memory:", [SHIPPER], {"ship_order": {"order": 1}}, "done") as app:
        run = await app.run(SHIPPER, "Go", tenant="acme", user="ann", session="s1")
        row = await app.store.run("acme", run.id)
        assert row is not None
        assert (row.user, row.session) == ("ann", "s1")
        approval = run.approvals[0].id
        for asked in (
            app.get(run.id, tenant="beta"),
            app.wait(run.id, tenant="beta"),
            app.resume(run.id, tenant="beta"),
            app.cancel(run.id, tenant="beta"),
            app.approve(approval, principal="eve", tenant="beta"),
            app.deny(approval, principal="eve", tenant="beta"),
        ):
            with pytest.raises(NotFound, match="of tenant beta"):
                await asked
        assert await app.desk.approvals("beta") == []
        assert [item async for item in app.follow(run.id, tenant="beta")] == []
        assert (await app.get(run.id, tenant="acme")).status == "waiting"


async def test_a_session_has_one_active_run_at_a_time() -> None:
    async with opened("memory:", [SHIPPER], {"ship_order": {"order": 1}}, *TALK) as app:
        run = await app.run(SHIPPER, "first", session="s1")
        text = f"the session s1 has an active run, {run.id}"
        for begin in (app.run, app.start):
            with pytest.raises(NotAllowed, match=text):
                await begin(SHIPPER, "second", session="s1")
        with pytest.raises(NotAllowed, match=text):
            async for _ in app.stream(SHIPPER, "second", session="s1"):
                pass
        assert (await app.run(SHIPPER, "second", session="s1", tenant="acme")).status == "waiting"
        await app.cancel(run.id, reason="enough")
        assert (await app.wait(run.id, timeout_s=PATIENCE_S)).status == "stopped"
        assert (await app.run(SHIPPER, "second", session="s1")).output == "first | second"


async def test_of_two_runs_started_at_once_in_a_session_one_is_refused() -> None:
    async with opened("memory:", [TALKER], *TALK) as app:
        begun = [app.run(TALKER, "Go", session="s1") for _ in range(2)]
        runs = await asyncio.gather(*begun, return_exceptions=True)
        kinds = sorted(type(run).__name__ for run in runs)
        assert kinds in (["NotAllowed", "Run"], ["Run", "Run"])
        assert len(await app.store.runs("local", session="s1")) == kinds.count("Run")


# ---------------------------------------------------------------- after the process is gone


async def test_a_run_that_was_left_is_resumed_by_its_id(tmp_path: Path) -> None:
    url, script = journal_at(tmp_path), ({"ship_order": {"order": 1}}, "done")
    async with opened(url, [SHIPPER], *script) as app:
        run = await app.run(SHIPPER, "Go")
    async with opened(url, [SHIPPER], *script) as app:
        (pending,) = await app.desk.approvals("local")
        await app.approve(pending.id, principal="ann")
        assert (await app.resume(run.id)).output == "done"


async def test_an_app_takes_over_what_others_left_only_as_a_worker(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    asked = asyncio.Event()

    class Slow(EchoModel):
        """Never answers."""

        @override
        async def answer(
            self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
        ) -> ModelAnswer:
            asked.set()
            await asyncio.Event().wait()
            raise NotImplementedError

    async with opened(url, [TALKER], model=Slow()) as app:
        run = await app.start(TALKER, "Go")
        await asked.wait()
    async with opened(url, [TALKER], model=EchoModel()) as app:
        assert ("local", run) not in app.engine.live
        assert (await app.get(run)).status == "running"
    async with opened(url, [TALKER], model=EchoModel(), worker=True) as app:
        async with asyncio.timeout(PATIENCE_S):
            while (await app.get(run)).status == "running":
                await asyncio.sleep(0.01)
        assert (await app.get(run)).status == "completed"


@pytest.mark.requirement("APR-1")
@pytest.mark.parametrize("agents", [[], [SHIPPER]], ids=["a desk", "one like it"])
async def test_an_approval_through_another_app_moves_the_run_on(
    agents: list[Agent[str]], tmp_path: Path
) -> None:
    url, script = journal_at(tmp_path), ({"ship_order": {"order": 1}}, "done")
    async with opened(url, [SHIPPER], *script) as first, opened(url, agents, *script) as second:
        run = await first.run(SHIPPER, "Go")
        (pending,) = await second.desk.approvals("local")
        await second.approve(pending.id, principal="ann")
        done = await first.wait(run.id, timeout_s=PATIENCE_S)
        assert done.output == "done"


async def test_the_models_that_were_handed_in_are_asked() -> None:
    model = ScriptedModel("hello")
    async with opened("memory:", [TALKER], model=model) as app:
        await app.run(TALKER, "Go")
    (request,) = model.requests
    assert (request.model, request.system) == ("x", "You are talker.")
