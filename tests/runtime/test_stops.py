"""Runs that are stopped: cancels and deadlines reach whatever hangs, and the caller gets a part."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from typing_extensions import override

from remit import App, Call, EchoModel, Remit, tool
from remit.adapters.scripted import Reply
from remit.errors import ProviderError
from remit.journal.events import (
    CancelRequested,
    ModelFailed,
    RunEnded,
    RunStopping,
    ToolFailed,
    ToolUnknown,
    WrapUpAsked,
)
from remit.machine.tools import AnyTool
from remit.values.model import Delta, ModelAnswer, ModelRequest
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told, until

BEGUN: list[str] = []
CUT: list[str] = []
LET_GO = threading.Event()


@pytest.fixture(autouse=True)
async def _fresh() -> AsyncIterator[None]:
    BEGUN.clear()
    CUT.clear()
    LET_GO.clear()
    yield
    LET_GO.set()  # what does not listen ends with its test, while there is still a loop
    await until(lambda: len(asyncio.all_tasks()) == 1)


async def _hang(name: str) -> str:
    BEGUN.append(name)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        CUT.append(name)
        raise
    return "never"


@tool
async def read_slowly(name: str) -> str:
    """Read something; hangs."""
    return await _hang(name)


@tool(access="write", resources="{name}")
async def write_slowly(name: str) -> str:
    """Write something; hangs."""
    return await _hang(name)


@tool
def read_in_thread() -> str:
    """Read in a thread; hangs whatever anybody says."""
    BEGUN.append("thread")
    LET_GO.wait(PATIENCE_S)
    return "late"


@tool
def read_politely(call: Call) -> str:
    """Read in a thread; hangs until it is told that nobody waits."""
    BEGUN.append("thread")
    while not call.is_cancelled() and not LET_GO.wait(0.01):
        pass
    CUT.append("thread")
    return "late"


@tool(access="write")
def write_in_thread() -> str:
    """Write in a thread; hangs whatever anybody says."""
    BEGUN.append("thread")
    LET_GO.wait(PATIENCE_S)
    return "late"


@tool
async def read_stubbornly() -> str:
    """Read something; does not listen to its cancellation."""
    BEGUN.append("stubborn")
    while not LET_GO.is_set():
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            CUT.append("stubborn")
    return "late"


class Hanging(EchoModel):
    """A provider that does not answer."""

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        await _hang("model")
        raise ProviderError("never reached")


FREE: dict[AnyTool | str, int] = {write_slowly: 0, write_in_thread: 0}
TOOLS = (
    read_slowly, write_slowly, read_in_thread, read_politely, write_in_thread, read_stubbornly
)  # fmt: skip
LONG = an_agent("long", tools=TOOLS, remit=Remit(approvals=FREE))
SHORT = an_agent("short", tools=TOOLS, remit=Remit(approvals=FREE, timeout="300ms", wrap_up="0s"))
BRIEF = an_agent("brief", tools=TOOLS, remit=Remit(approvals=FREE, timeout="3s"))
CASES = [
    ({"read_slowly": {"name": "a"}}, ToolFailed),
    ({"write_slowly": {"name": "a"}}, ToolUnknown),
    ({"read_in_thread": {}}, ToolFailed),
    ({"write_in_thread": {}}, ToolUnknown),
    ({"read_stubbornly": {}}, ToolFailed),
]
NAMES = ["async read", "async write", "sync read", "sync write", "deaf"]


async def begun(app: App, run: str) -> None:
    await until(lambda: bool(BEGUN))
    assert (await app.get(run)).status == "running"


@pytest.mark.requirement("TOOL-7")
@pytest.mark.parametrize(("call", "fact"), CASES[:-1], ids=NAMES[:-1])
async def test_a_cancel_reaches_what_is_under_way(
    call: dict[str, object], fact: type[ToolFailed | ToolUnknown]
) -> None:
    async with opened("memory:", [LONG], ["Working on it.", call]) as app:
        run = await app.start(LONG, "Go")
        await begun(app, run)
        await app.cancel(run, principal="ann", reason="enough")
        ended = await app.wait(run, timeout_s=PATIENCE_S)
        assert ended.status == "stopped"
        assert ended.partial == '"Working on it."'
        assert len(await told(app, run, CancelRequested)) == 1
        assert len(await told(app, run, fact)) == 1
        (end,) = await told(app, run, RunEnded)
        assert ("in doubt" in end.detail) == (fact is ToolUnknown)


@pytest.mark.requirement("TOOL-7")
async def test_a_cancel_reaches_every_one_of_several_calls_and_a_call_below() -> None:
    boss = an_agent("boss", tools=[read_slowly], agents=[LONG])

    def speak(request: ModelRequest) -> Reply:
        if "long" in request.system:
            return [{"write_slowly": {"name": "x"}}, {"write_slowly": {"name": "y"}}]
        return [{"read_slowly": {"name": "z"}}, {"ask_long": {"brief": "go"}}]

    async with opened("memory:", [boss], speak) as app:
        run = await app.start(boss, "Go")
        await until(lambda: sorted(BEGUN) == ["x", "y", "z"])
        await app.cancel(run)
        assert (await app.wait(run, timeout_s=PATIENCE_S)).status == "stopped"
        assert sorted(CUT) == ["x", "y", "z"]


@pytest.mark.requirement("TOOL-7")
async def test_a_cancel_reaches_a_model_that_hangs_and_what_it_may_cost_is_posted() -> None:
    async with opened("memory:", [LONG], model=Hanging()) as app:
        run = await app.start(LONG, "Go")
        await begun(app, run)
        await app.cancel(run)
        ended = await app.wait(run, timeout_s=PATIENCE_S)
        assert (ended.status, CUT) == ("stopped", ["model"])
        (failed,) = await told(app, run, ModelFailed)
        assert (failed.kind, failed.assumed) == ("cancelled", True)
        assert ended.cost_nano == failed.cost > 0


@pytest.mark.requirement("STOP-1", "STOP-2", "BUD-6")
@pytest.mark.parametrize(("call", "fact"), CASES, ids=NAMES)
async def test_at_the_deadline_a_hanging_tool_is_cut_and_the_caller_sees_what_was_done(
    call: dict[str, object], fact: type[ToolFailed | ToolUnknown], tmp_path: Path
) -> None:
    async with opened(journal_at(tmp_path), [SHORT], ["Working on it.", call]) as app:
        async with asyncio.timeout(PATIENCE_S):
            run = await app.run(SHORT, "Go")
        assert (run.status, run.reason) == ("stopped", "deadline")
        assert run.partial == '"Working on it."'
        assert (run.turns, run.tool_calls) == (1, 1)
        assert len(await told(app, run.id, fact)) == 1
    async with opened(journal_at(tmp_path), [SHORT]) as app:
        assert (await app.get(run.id)).partial == run.partial  # saved, too


@pytest.mark.requirement("STOP-1", "STOP-2")
async def test_time_is_kept_back_for_a_last_answer() -> None:
    script = ["Working on it.", {"read_slowly": {"name": "a"}}], "All I have is this."
    async with opened("memory:", [BRIEF], *script) as app:
        async with asyncio.timeout(PATIENCE_S):
            run = await app.run(BRIEF, "Go")
        assert (run.status, run.reason) == ("stopped", "deadline")
        assert run.partial == '"All I have is this."'
        assert [fact.kind for fact in await told(app, run.id, ToolFailed)] == ["timeout"]
        assert len(await told(app, run.id, WrapUpAsked)) == 1


@pytest.mark.requirement("STOP-1", "STOP-2")
async def test_at_the_deadline_a_hanging_provider_is_cut() -> None:
    async with opened("memory:", [SHORT], model=Hanging()) as app:
        async with asyncio.timeout(PATIENCE_S):
            run = await app.run(SHORT, "Go")
        assert run.status == "stopped"
        assert CUT == ["model"]
        assert await told(app, run.id, RunStopping)


@pytest.mark.requirement("STOP-1")
async def test_a_tool_has_a_time_of_its_own_after_which_the_run_goes_on() -> None:
    @tool(access="read", timeout="30ms")
    async def find_fact() -> str:
        """Find a fact; hangs."""
        return await _hang("own")

    agent = an_agent(tools=[find_fact])
    async with opened("memory:", [agent], {"find_fact": {}}, "without it then") as app:
        run = await app.run(agent, "Go")
        assert run.output == "without it then"
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.kind == "timeout"
        assert CUT == ["own"]


@pytest.mark.requirement("TOOL-7", "STOP-1")
async def test_a_thread_is_told_that_nobody_waits_any_more() -> None:
    async with opened("memory:", [SHORT], {"read_politely": {}}) as app:
        await app.run(SHORT, "Go")
        await until(lambda: CUT == ["thread"])


async def test_closing_the_app_cuts_what_hangs_and_keeps_nobody() -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with opened("memory:", [LONG], {"write_slowly": {"name": "a"}}) as app:
            run = await app.start(LONG, "Go")
            await begun(app, run)
        assert CUT == ["a"]
