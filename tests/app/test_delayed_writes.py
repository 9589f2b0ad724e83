"""Delayed writes on real journals: they leave once, from any process, or are called back."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remit import Agent, Remit, tool
from remit.adapters.keys import new_keys
from remit.adapters.scripted import Reply
from remit.app.app import App
from remit.app.config import Settings
from remit.app.permissions import governed
from remit.errors import NotAllowed, NotFound
from remit.journal.events import (
    CallRecalled,
    ClockResumed,
    InboxIgnored,
    ToolDelayed,
    ToolFailed,
    ToolRequested,
)
from remit.machine.tools import AnyTool
from remit.policy.delay import Delay
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told
from tests.support.postgres import PostgresServer

SENT: list[str] = []
LONG = "1d"
SHORT = "300ms"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SENT.clear()


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


def mail_tool(delay: str) -> AnyTool:
    @tool(access="write", delay=delay)
    async def send_mail(to: str) -> str:
        """Send a mail."""
        SENT.append(to)
        return f"sent to {to}"

    return send_mail


def clerk(delay: str, approvals: int = 0) -> Agent[str]:
    remit = Remit(approvals={"send_mail": approvals}, approval_timeout="1h")
    return an_agent("clerk", tools=[mail_tool(delay)], remit=remit)


MAIL: Reply = {"send_mail": {"to": "ann"}}
SCRIPT: tuple[Reply, ...] = (MAIL, "Done.")


async def until_sent(app: App, run: str) -> None:
    done = await app.wait(run, timeout_s=PATIENCE_S)
    assert (done.status, SENT) == ("completed", ["ann"])


@pytest.mark.requirement("TOOL-14")
async def test_a_delayed_write_waits_without_a_driver_and_leaves_from_another_process(
    url: str,
) -> None:
    agent = clerk(SHORT)
    async with opened(url, [agent], *SCRIPT) as app:
        run = await app.run(agent, "Send.")
        assert (run.status, SENT) == ("waiting", [])
        (delay,) = run.delays
        assert (delay.run, delay.call, delay.tool) == (run.id, "c1-1", "send_mail")
        row = await app.store.run("local", run.id)
        assert row is not None
        assert (row.status, row.wake_at_ms) == ("waiting", delay.until_ms)
        assert not app.engine.live, "nobody holds it"
    async with opened(url, [agent], *SCRIPT, worker=True) as other:
        await until_sent(other, run.id)
        (delayed,) = await told(other, run.id, ToolDelayed)
        (left,) = await told(other, run.id, ToolRequested)
        assert left.until_ms >= delayed.until_ms
        assert await told(other, run.id, ClockResumed), "its own clock stood still"


@pytest.mark.requirement("TOOL-14")
async def test_a_call_is_called_back_before_it_leaves_and_the_model_hears_of_it(url: str) -> None:
    agent = clerk(LONG)
    heard: list[str] = []

    def script(request: object) -> Reply:
        heard.append(str(request))
        return MAIL if len(heard) == 1 else "I did not send it."

    async with opened(url, [agent], script, script) as app:
        run = await app.run(agent, "Send.")
        assert [each.call for each in await app.desk.delays()] == ["c1-1"]
        back = await app.recall(run.id, principal="ann", reason="wrong person")
        assert [each.call for each in back] == ["c1-1"]
        done = await app.wait(run.id, timeout_s=PATIENCE_S)
        assert (done.status, done.output, SENT) == ("completed", "I did not send it.", [])
        (fact,) = await told(app, run.id, CallRecalled)
        assert (fact.call, fact.principal, fact.reason) == ("c1-1", "ann", "wrong person")
        assert "ann called it back before it was carried out: wrong person" in heard[1]
        with pytest.raises(NotAllowed, match="undo takes back what it did"):
            await app.recall(run.id, "c1-1", principal="ann")
        with pytest.raises(NotFound):
            await app.recall("run_01M7Q5CRENXC2Q9R1RXS42CRQC", principal="ann")


@pytest.mark.requirement("TOOL-14")
async def test_a_call_that_was_called_back_while_nobody_drove_the_run_never_leaves(
    url: str,
) -> None:
    agent = clerk(SHORT)
    async with opened(url, [agent], *SCRIPT) as app:
        run = await app.run(agent, "Send.")
        app.engine._closing = True  # the letter is kept: nobody takes the run up for it
        await app.recall(run.id, principal="ann")
        await asyncio.sleep(0.4)  # its instant passes
    async with opened(url, [agent], *SCRIPT, worker=True) as other:
        done = await other.wait(run.id, timeout_s=PATIENCE_S)
        assert (done.status, SENT) == ("completed", [])
        assert not await told(other, run.id, ToolRequested)


@pytest.mark.requirement("TOOL-14")
async def test_a_call_back_that_comes_late_is_told_so(tmp_path: Path) -> None:
    agent = clerk(SHORT)
    async with opened(journal_at(tmp_path), [agent], *SCRIPT) as app:
        run = await app.run(agent, "Send.")
        pending = run.delays[0]
        await until_sent(app, run.id)
        with pytest.raises(NotAllowed, match="it has left, or was called back"):
            await app.recall(run.id, pending.call, principal="ann")
        assert not await told(app, run.id, InboxIgnored)


@pytest.mark.requirement("TOOL-14", "APR-1")
async def test_humans_agree_first_and_the_delay_begins_then(tmp_path: Path) -> None:
    agent = clerk(LONG, approvals=1)
    async with opened(journal_at(tmp_path), [agent], *SCRIPT) as app:
        run = await app.run(agent, "Send.")
        assert run.delays == ()
        await app.approve(run.approvals[0].id, principal="boss")
        await app.engine.settled("local", run.id)
        now = await app.get(run.id)
        assert (now.status, len(now.delays), now.approvals) == ("waiting", 1, ())
        await app.cancel(run.id)
        stopped = await app.wait(run.id, timeout_s=PATIENCE_S)
        assert (stopped.status, stopped.delays, SENT) == ("stopped", (), [])


@pytest.mark.requirement("TOOL-14", "STOP-1")
async def test_the_kill_switch_holds_at_the_moment_of_leaving(tmp_path: Path) -> None:
    agent = clerk(SHORT)
    async with opened(journal_at(tmp_path), [agent], *SCRIPT) as app:
        run = await app.run(agent, "Send.")
        await app.desk.switch_off("tool:send_mail", principal="ops", reason="spam")
        done = await app.wait(run.id, timeout_s=PATIENCE_S)
        assert (done.status, SENT) == ("completed", [])
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.rule == "switch.tool:send_mail"


@pytest.mark.requirement("TOOL-14", "ORC-1")
async def test_a_delayed_write_of_a_sub_run_is_shown_with_its_root(tmp_path: Path) -> None:
    below = clerk(LONG)
    boss = an_agent("boss", agents=[below])

    def speak(request: object) -> Reply:
        system: str = request.system  # type: ignore[attr-defined]  # a request of the model
        return MAIL if "clerk" in system else {"ask_clerk": {"brief": "Send."}}

    async with opened(journal_at(tmp_path), [boss], speak, speak) as app:
        run = await app.run(boss, "Have it sent.")
        (delay,) = run.delays
        assert (run.status, delay.run) == ("waiting", f"{run.id}.c1-1")
        await app.cancel(run.id)
        assert (await app.wait(run.id, timeout_s=PATIENCE_S)).status == "stopped"


Declared = Callable[[dict[str, str]], Settings]


@pytest.mark.requirement("TOOL-14")
def test_operators_delay_the_writes_of_every_agent() -> None:
    settings = Settings.model_validate({"delays": {"send_*": "5m"}})
    below = an_agent("below", tools=[mail_tool("1m")], remit=Remit(approvals={"send_mail": 0}))
    spec = governed(an_agent("boss", agents=[below]).spec(str), settings)
    assert spec.agents[0].delays == (Delay(tool="send_*", delay_ms=300_000),)
    assert spec.agents[0].delay_ms_of(spec.agents[0].tools[0]) == 300_000


@pytest.mark.parametrize(
    ("declared", "message"),
    [({"send_*": "0s"}, "a delay is longer than nothing"), ("5m", "valid tuple")],
)
def test_a_delay_of_the_settings_that_cannot_work_is_refused(
    declared: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Settings.model_validate({"delays": declared})
