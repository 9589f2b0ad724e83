"""Rates of tools on real journals, shared by processes: never exceeded, nobody starves."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

from remit import Remit, tool
from remit.adapters.keys import new_keys
from remit.adapters.scripted import Reply
from remit.app.app import App
from remit.app.config import Settings
from remit.app.permissions import governed
from remit.errors import ConfigError
from remit.journal.codec import open_record
from remit.journal.events import ToolCompleted, ToolPostponed, ToolRequested
from remit.policy.rate import Rate
from remit.values.account import OPERATOR
from remit.values.windows import UTC
from tests.app.rated_crowd import TEN, app_on
from tests.cli.terminal import Remit as Commands
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
RUNS, CALLS = 25, 4
HALF = RUNS * CALLS
"""Calls of each of two processes."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    if request.param == "sqlite":
        return journal_at(tmp_path)
    running: PostgresServer = request.getfixturevalue("server")
    return running.database()


def start(stack: ExitStack, *words: object) -> "subprocess.Popen[str]":
    """A process of the crowd, once it is ready."""
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "tests.app.rated_crowd", *map(str, words)],
            cwd=ROOT,
            stdin=PIPE,
            stdout=PIPE,
            text=True,
        )
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.requirement("TOOL-15")
def test_two_processes_with_two_hundred_calls_at_once_keep_to_the_rate(url: str) -> None:
    with ExitStack() as stack:
        both = [start(stack, url, "knock", RUNS, CALLS) for _ in range(2)]
        for each in both:
            go(each)
        for each in both:
            assert each.stdout is not None
            assert each.stdout.readline() == f"{RUNS}\n"
            assert each.wait(PATIENCE_S) == 0
    asyncio.run(check(url))
    Commands().good("verify", "--db", url)


async def check(url: str) -> None:
    """Each call left in the window it counts in, ten at most in each; nobody waited in vain."""
    left: Counter[str] = Counter()
    postponed: Counter[str] = Counter()
    async with app_on(url, "knock") as app:
        rows = await app.store.runs("local", limit=1_000)
        for row in rows:
            for record in await app.store.records("local", row.run):
                body = open_record(record)
                assert body is not None
                for event in body.events:
                    if isinstance(event, ToolRequested):
                        (hold,) = event.holds
                        window = UTC.window("second", body.causes[0].now_ms)
                        assert hold.account == f"rate:knock|second:{window}|calls"
                        left[window] += 1
                    elif isinstance(event, ToolPostponed):
                        postponed[f"{row.run}:{event.call}"] += 1
        balances = await app.store.balances("local", "rate:")
        assert {each.account for each in balances if each.posted} == {
            f"rate:knock|second:{window}|calls" for window in left
        }
        assert all(each.held == 0 and each.posted <= TEN for each in balances)
    assert sum(left.values()) == 2 * HALF
    assert max(left.values()) <= TEN
    # Whoever waits has a place: it is not sent back again and again.
    assert max(postponed.values()) <= 8
    assert sum(postponed.values()) <= 3 * 2 * HALF


@pytest.mark.requirement("TOOL-15", "DUR-1")
async def test_a_waiting_call_survives_a_kill_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    url = journal_at(tmp_path)
    with ExitStack() as stack:
        process = start(stack, url, "ring", 4, 1)
        go(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "rung\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
    async with app_on(url, "ring", worker=True) as app:
        async with asyncio.timeout(PATIENCE_S):
            rows = await app.store.runs("local")
            assert 0 < len(rows) <= 4
            for row in rows:
                await app.wait(row.run)
        windows: Counter[str] = Counter()
        for row in rows:
            for asked in await told(app, row.run, ToolRequested):
                windows.update(hold.account for hold in asked.holds)
        assert max(windows.values()) == 1
        assert not any(each.held for each in await app.store.balances("local", "rate:"))
    await asyncio.to_thread(Commands().good, "verify", "--db", url)


# ---------------------------------------------------------------- one process


DONE: list[str] = []


@tool
async def look_up(path: str) -> str:
    """Look something up."""
    DONE.append(path)
    return f"found {path}"


def looks(*paths: str) -> Reply:
    return [{"look_up": {"path": path}} for path in paths]


@pytest.mark.requirement("TOOL-15")
async def test_a_burst_of_one_run_is_held_to_the_rate(tmp_path: Path) -> None:
    DONE.clear()
    agent = an_agent(tools=[look_up], remit=Remit(rates={look_up: "2/second"}))
    async with opened(journal_at(tmp_path), [agent], looks(*"abcdef"), "Done.") as app:
        run = await app.run(agent, "Look.")
        assert (run.status, sorted(DONE)) == ("completed", list("abcdef"))
        windows = Counter(
            hold.account for event in await told(app, run.id, ToolRequested) for hold in event.holds
        )
        assert max(windows.values()) <= 2
        assert len(await told(app, run.id, ToolPostponed)) >= 2


@pytest.mark.requirement("TOOL-15")
async def test_a_rate_that_refuses_tells_the_model(tmp_path: Path) -> None:
    heard: list[str] = []
    agent = an_agent(
        tools=[look_up], remit=Remit(rates={look_up: Rate(rate="1/day", when="refuse")})
    )

    def script(request: object) -> Reply:
        heard.append(str(request))
        return looks(*"ab") if len(heard) == 1 else "Only one."

    async with opened(journal_at(tmp_path), [agent], script, script) as app:
        run = await app.run(agent, "Look.")
        assert (run.status, run.output) == ("completed", "Only one.")
        assert "its rate of 1/day is used up; it may be called again at" in heard[1]
        assert len(await told(app, run.id, ToolCompleted)) == 1


@pytest.mark.requirement("TOOL-15", "TEN-1")
async def test_each_user_and_tenant_has_the_rate_for_itself(tmp_path: Path) -> None:
    DONE.clear()
    agent = an_agent(
        tools=[look_up], remit=Remit(rates={look_up: Rate(rate="1/day", when="refuse")})
    )
    script: list[Reply] = [looks("a"), "Done."] * 4
    async with opened(journal_at(tmp_path), [agent], *script) as app:
        for tenant, user in (("acme", "ann"), ("acme", "bob"), ("beta", "ann"), ("acme", "ann")):
            await app.run(agent, "Look.", tenant=tenant, user=user)
        assert len(DONE) == 3


@pytest.mark.requirement("TOOL-15")
async def test_a_rate_of_all_tenants_together_counts_them_together(tmp_path: Path) -> None:
    DONE.clear()
    rate = Rate(rate="1/day", per=("tool",), when="refuse")
    agent = an_agent(tools=[look_up], remit=Remit(rates={look_up: rate}))
    script: list[Reply] = [looks("a"), "Done."] * 2
    async with opened(journal_at(tmp_path), [agent], *script) as app:
        await app.run(agent, "Look.", tenant="acme")
        await app.run(agent, "Look.", tenant="beta")
        assert len(DONE) == 1
        (balance,) = await app.store.balances(OPERATOR, "global-rate:")
        assert (balance.posted, balance.limit) == (1, 1)


@pytest.mark.requirement("TOOL-15")
def test_operators_set_rates_for_every_agent(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"rates": [{"tool": "look_*", "rate": "10/minute", "when": "refuse"}]}
    )
    below = an_agent("below", tools=[look_up])
    spec = governed(an_agent("boss", agents=[below]).spec(str), settings)
    (found,) = spec.agents[0].rates_of(below.spec(str).tools[0], "acme", "ann")
    assert (found.account, found.limit) == ("rate:look_up,ann|minute|calls", 10)


def test_a_rate_of_the_settings_that_makes_no_sense_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "remit.toml").write_text('[[rates]]\ntool = "look_up"\nrate = "often"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"remit.toml: rates.0.rate = 'often': .*not a rate"):
        App()
