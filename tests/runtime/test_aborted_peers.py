"""A call that fails gives up its peers: they are cut at once, sub-runs too, and the run goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from remit import Remit, ToolError, tool
from remit.adapters.scripted import Reply
from remit.journal.events import PeersAborted, ToolFailed, ToolRequested, ToolUnknown
from remit.values.model import ModelRequest
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told, until

BEGUN: list[str] = []
CUT: list[str] = []
FAIL = asyncio.Event()


@pytest.fixture(autouse=True)
async def _fresh() -> AsyncIterator[None]:
    global FAIL  # noqa: PLW0603  # an event belongs to the loop of its test
    FAIL = asyncio.Event()
    BEGUN.clear()
    CUT.clear()
    yield
    await until(lambda: len(asyncio.all_tasks()) == 1)


@tool(on_failure="abort-peers")
async def check_stock(name: str) -> str:
    """Look whether it is there."""
    await FAIL.wait()
    raise ToolError(f"no {name} there")


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


@tool(access="write")
async def write_alone(name: str) -> str:
    """Write something that conflicts with all."""
    BEGUN.append(name)
    return "never"


HELPER = an_agent("helper", tools=[read_slowly])
WORKER = an_agent(
    tools=[check_stock, read_slowly, write_slowly, write_alone],
    agents=[HELPER],
    remit=Remit(approvals={write_slowly: 0, write_alone: 0}),
)
CHECK: Reply = {"check_stock": {"name": "lamp"}}


def script(*peers: Reply) -> Callable[[ModelRequest], Reply]:
    """The model asks for the check and its peers at once, then says what it was told."""

    def speak(request: ModelRequest) -> Reply:
        if "helper" in request.system:
            return {"read_slowly": {"name": "below"}}
        if len(request.messages) == 1:
            return [CHECK, *peers]
        return "I stopped."

    return speak


@pytest.mark.requirement("TOOL-7")
async def test_a_failed_call_cuts_its_peers_and_the_run_goes_on(tmp_path: Path) -> None:
    peers = script(
        {"read_slowly": {"name": "a"}},
        {"ask_helper": {"brief": "Read."}},
        {"write_alone": {"name": "b"}},
    )
    async with opened(journal_at(tmp_path), [WORKER], *[peers] * 4) as app:
        run = await app.start(WORKER, "Go.")
        await until(lambda: sorted(BEGUN) == ["a", "below"])
        FAIL.set()
        done = await app.wait(run, timeout_s=PATIENCE_S)
        assert (done.status, done.output) == ("completed", "I stopped.")
        assert sorted(CUT) == ["a", "below"]
        assert sorted(BEGUN) == ["a", "below"], "what waited never began"
        (aborted,) = await told(app, run, PeersAborted)
        assert (aborted.call, aborted.peers) == ("c1-1", ("c1-2", "c1-3", "c1-4"))
        failed = {each.call: each.kind for each in await told(app, run, ToolFailed)}
        assert failed == {"c1-1": "error", "c1-2": "aborted", "c1-4": "aborted"}
        row = await app.store.run("local", f"{run}.c1-3")
        assert row is not None
        assert row.status == "stopped"


@pytest.mark.requirement("TOOL-7", "DUR-3")
async def test_a_write_that_was_cut_waits_for_a_human(tmp_path: Path) -> None:
    peers = script({"write_slowly": {"name": "a"}})
    async with opened(journal_at(tmp_path), [WORKER], *[peers] * 4) as app:
        run = await app.start(WORKER, "Go.")
        await until(lambda: BEGUN == ["a"])
        FAIL.set()
        await app.engine.settled("local", run)
        (doubt,) = (await app.get(run)).doubts
        (unknown,) = await told(app, run, ToolUnknown)
        assert unknown.reason.startswith("given up: check_stock")
        await app.desk.resolve("local", run, doubt.call, happened=False, principal="ann")
        assert (await app.wait(run, timeout_s=PATIENCE_S)).status == "completed"
        assert len([e for e in await told(app, run, ToolRequested) if e.call == "c1-2"]) == 1


@pytest.mark.requirement("TOOL-7")
async def test_a_sub_run_that_was_not_started_yet_never_is(tmp_path: Path) -> None:
    def speak(request: ModelRequest) -> Reply:
        if len(request.messages) > 1:
            return "I stopped."
        return [{"ask_helper": {"brief": "Read."}}, {"check_stock": {"number": 7}}]

    async with opened(journal_at(tmp_path), [WORKER], *[speak] * 4) as app:
        done = await app.run(WORKER, "Go.")
        assert (done.status, done.output) == ("completed", "I stopped.")
        assert await app.store.run("local", f"{done.id}.c1-1") is None
        assert BEGUN == []
