"""Settings add rules and modes to every agent; production has no bypass; roles reach the rules."""

from pathlib import Path

import pytest

from remit import Agent, App, Remit, Rule, ScriptedModel, tool
from remit.adapters.prices import declare
from remit.adapters.scripted import Reply
from remit.app.config import Settings
from remit.app.permissions import DEFAULT_RULES, governed
from remit.errors import ConfigError, NotAllowed, SpecError
from remit.machine.agent import Agent as AnyAgent
from remit.policy.mode import Mode, Modes
from remit.policy.rule_examples import problems_of

DONE: list[str] = []


@tool(access="write")
def send_note(to: str) -> str:
    """Send a note."""
    DONE.append(to)
    return "sent"


@tool
def fetch_page(url: str) -> str:
    """Fetch a page."""
    DONE.append(url)
    return "a page"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    DONE.clear()


def writer(mode: Mode | None = None, *, settings_rules: bool = True, **more: object) -> Agent[str]:
    remit = Remit(mode=mode, settings_rules=settings_rules, **more)  # type: ignore[arg-type]  # of Remit
    return Agent(
        "writer", model="scripted:x", instructions="x", tools=[send_note, fetch_page], remit=remit
    )


def app_of(agent: AnyAgent[str], *replies: Reply, environment: str | None = None) -> App:
    return App(
        "memory:",
        agents=[agent],
        models={"scripted": ScriptedModel(*replies)},
        prices={"scripted:*": declare("scripted:*", input_usd="1", output_usd="1")},
        environment=environment,
    )


def spec_of(agent: AnyAgent[str], **settings: object) -> object:
    return governed(agent.spec(str), Settings.model_validate(settings))


@pytest.mark.requirement("PERM-4")
def test_production_refuses_bypass_at_the_start() -> None:
    with pytest.raises(ConfigError, match="production has no mode bypass"):
        spec_of(writer("bypass"), environment="production")
    with pytest.raises(ConfigError, match="modes: production has no mode bypass"):
        spec_of(writer("auto"), environment="production", modes=Modes(users={"ann": "bypass"}))
    spec_of(writer("bypass"), environment="dev")
    spec_of(writer("auto"), environment="production")


@pytest.mark.requirement("PERM-2", "PERM-6")
def test_authority_may_stand_in_the_settings_and_is_looked_for() -> None:
    with pytest.raises(SpecError, match="'send_note' has no authority: write a rule"):
        spec_of(writer())
    spec_of(writer(), rules=(Rule(id="r", effect="allow", tool="send_*"),))


@pytest.mark.requirement("PERM-1")
def test_built_in_rules_are_on_unless_said_otherwise() -> None:
    assert [each for rule in DEFAULT_RULES for each in problems_of(rule)] == []
    made = governed(writer("auto").spec(str), Settings())
    assert [rule.id for rule in made.rules] == ["builtin.metadata"]
    assert governed(writer("auto").spec(str), Settings(default_rules=False)).rules == ()


@pytest.mark.requirement("PERM-1")
async def test_a_metadata_address_is_denied_without_any_rule_of_ones_own() -> None:
    calls = [{"fetch_page": {"url": url}} for url in ("http://0xa9fea9fe/", "https://x.example/")]
    agent = writer("auto")
    async with app_of(agent, calls, "done") as app:
        await app.run(agent, "go")
    assert DONE == ["https://x.example/"]


@pytest.mark.requirement("PERM-5")
async def test_two_tenants_two_answers_and_roles_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "remit.toml").write_text(
        """
        [[rules]]
        id = "managers-write"
        effect = "allow"
        tool = "send_note"
        tenant = "acme"
        role = "manager"
        reason = "managers of acme may write"

        [modes.tenants]
        quiet = "plan"
        """
    )
    agent = writer()
    script: list[Reply] = [{"send_note": {"to": "x"}}, "done"]
    async with app_of(agent, *script) as app:
        await app.run(agent, "go", tenant="acme", user="ann", roles=["manager"])
        assert DONE == ["x"]
        await app.run(agent, "go", tenant="acme", user="bob", roles=["clerk"])
        await app.run(agent, "go", tenant="quiet", user="ann", roles=["manager"])
        await app.run(agent, "go", tenant="other", user="ann", roles=["manager"])
        assert DONE == ["x"]
        with pytest.raises(NotAllowed, match="roles"):
            await app.run(agent, "go", roles=[f"r{number}" for number in range(65)])


@pytest.mark.requirement("PERM-4")
async def test_a_switch_flips_a_bypass_run_to_deny() -> None:
    agent = writer("bypass")
    script: list[Reply] = [{"send_note": {"to": "x"}}, "done"]
    async with app_of(agent, *script) as app:
        await app.run(agent, "go")
        assert DONE == ["x"]
        await app.desk.switch_off("mode:bypass", principal="ops", reason="enough")
        await app.engine.services.switchboard.reread()
        run = await app.run(agent, "go")
        assert DONE == ["x"]
        assert run.status == "completed"
        with pytest.raises(NotAllowed, match="mode:bypass"):
            await app.desk.switch_off("mode:plan", principal="ops", reason="no")
