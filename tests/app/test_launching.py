"""Starting a run: who pays, which accounts it draws on, in whose hours and days."""

from pathlib import Path

import pytest

from remit import Agent, App, Remit, ScriptedModel
from remit.errors import ConfigError, NotAllowed, SpecError
from remit.journal.events import BudgetSet, RunStarted
from remit.journal.rows import LimitLine
from remit.policy.allowance import Budget
from remit.runtime.books import Entry
from tests.runtime.stage import PRICES, an_agent, told

SCRIPTED = {"scripted": ScriptedModel("Done.", "Done.", "Done.")}


@pytest.mark.requirement("BUD-3", "TEN-1", "TEN-2")
async def test_a_run_draws_on_what_agent_settings_and_operators_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "remit.toml").write_text(
        'timezone = "Asia/Tokyo"\n[[budgets]]\nof = "tenant"\nwindow = "month"\ncost_usd = "9"\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    own = Budget(of="user", window="day", calls=7)
    agent = an_agent(remit=Remit(cost_usd="1", budgets=[own], session_alert_usd="0.5"))
    given = Budget(of="label", name="red", tokens=10_000)
    async with App(
        "memory:", agents=[agent], models=SCRIPTED, prices=PRICES, budgets=[given]
    ) as app:

        def enter(*_: object) -> Entry:
            lines = (LimitLine("user:ann|hour|calls", 3), LimitLine("agent:*|day|calls", 4))
            event = BudgetSet(account="user:ann|hour|calls", limit=3, principal="bob")
            return Entry(events=(event,), limits=lines)

        await app.books.enter("acme", "user:ann", enter)
        run = await app.run(
            agent, "Go", tenant="acme", user="ann", session="s1", labels=["red", "blue"]
        )
        assert run.status == "completed"
        (started,) = await told(app, run.id, RunStarted, tenant="acme")
        assert started.calendar.zone == "Asia/Tokyo"
        assert started.labels == ("red", "blue")
        assert {each.account: each.limit for each in started.accounts} == {
            "run:.|total|nano": 10**9,
            "session:s1|alert|nano": 5 * 10**8,
            "user:ann|day|calls": 7,
            "tenant:acme|month|nano": 9 * 10**9,
            "label:red|total|tokens": 10_000,
            "user:ann|hour|calls": 3,
            f"agent:{agent.name}|day|calls": 4,
        }


@pytest.mark.parametrize("labels", [["a", "a"], [f"l{n}" for n in range(17)]])
async def test_labels_are_few_and_different(labels: list[str]) -> None:
    agent = an_agent()
    async with App("memory:", agents=[agent], models=SCRIPTED, prices=PRICES) as app:
        with pytest.raises(NotAllowed, match="at most 16 different ones"):
            await app.run(agent, "Go", labels=labels)
        with pytest.raises(ConfigError, match="label 'a b'"):
            await app.run(agent, "Go", labels=["a b"])


@pytest.mark.requirement("PROV-5")
async def test_nobody_is_made_to_wait_for_an_unattended_agent() -> None:
    agent = an_agent(remit=Remit(unattended=True))
    async with App("memory:", agents=[agent], models=SCRIPTED, prices=PRICES) as app:
        with pytest.raises(NotAllowed, match="is unattended"):
            async for _ in app.stream(agent, "Go"):
                pass
        with pytest.raises(NotAllowed, match="remit run --detach"):
            await app.start(agent, "Go", interactive=True)
        assert (await app.run(agent, "Go")).status == "completed"


@pytest.mark.requirement("PROV-6")
async def test_a_floating_alias_is_refused_at_the_start_with_what_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent("a", model="scripted:x", fallbacks=["openai:gpt-4o"], instructions="Go.")
    models = {**SCRIPTED, "openai": ScriptedModel("Done.")}
    async with App("memory:", agents=[agent], models=models, prices=PRICES) as app:
        with pytest.raises(SpecError, match="openai:gpt-4o-2024-11-20"):
            await app.run(agent, "Go")
    (tmp_path / "remit.toml").write_text('floating_models = ["openai:*"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    async with App("memory:", agents=[agent], models=models, prices=PRICES) as app:
        assert (await app.run(agent, "Go")).status == "completed"
