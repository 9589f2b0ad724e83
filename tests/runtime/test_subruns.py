"""Sub-agents from end to end: only the brief, only their own tools, and failures that are named."""

from pathlib import Path

import pytest

from remit import Remit, tool
from remit.adapters.scripted import Reply, turn_of
from remit.app.following import tree_rows
from remit.errors import ProviderError
from remit.journal.events import CallJudged, RunStarted, SubrunEnded, SubrunRequested, ToolFailed
from remit.values.model import ModelRequest
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told

DONE: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    DONE.clear()


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    DONE.append(f"find {name}")
    return f"{name} is so"


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    DONE.append(f"ship {order}")
    return "shipped"


SCOUT = an_agent("scout", tools=[find_fact])
SHIPPER = an_agent("shipper", tools=[ship_order], remit=Remit(approvals={ship_order: 1}))
BOSS = an_agent("boss", agents=[SCOUT, SHIPPER])
ASK = {"ask_scout": {"brief": "find tea"}}


def result_of(request: ModelRequest) -> str:
    """All results in the last message."""
    return " | ".join(str(part.model_dump()["text"]) for part in request.messages[-1].parts)


@pytest.mark.requirement("ORC-1", "ORC-2")
async def test_a_sub_agent_sees_only_its_brief_and_its_own_tools() -> None:
    seen: list[ModelRequest] = []

    def speak(request: ModelRequest) -> Reply:
        if "scout" in request.system:
            seen.append(request)
            return ({"find_fact": {"name": "tea"}}, "scouted")[turn_of(request.messages)]
        return (["a private thought", ASK], "all done")[turn_of(request.messages)]

    async with opened("memory:", [BOSS], speak, speak) as app:
        run = await app.run(BOSS, "a private question")
        assert run.output == "all done"
        first = seen[0]
        assert [message.text for message in first.messages] == ["find tea"]
        assert "private" not in repr(first)
        assert [schema.name for schema in first.tools] == ["find_fact", "read_result"]
        (asked,) = await told(app, run.id, SubrunRequested)
        (started,) = await told(app, asked.child, RunStarted)
        assert (started.parent, started.root, started.depth) == (run.id, run.id, 1)
        assert (started.parent_call, started.continues) == (asked.call, None)
        (ended,) = await told(app, run.id, SubrunEnded)
        assert (ended.status, ended.text) == ("completed", "scouted")


@pytest.mark.requirement("ORC-2")
async def test_a_tool_outside_its_set_is_denied_and_not_only_hidden() -> None:
    def speak(request: ModelRequest) -> Reply:
        if "scout" in request.system:
            return ({"ship_order": {"order": 1}}, result_of(request))[turn_of(request.messages)]
        return (ASK, result_of(request))[turn_of(request.messages)]

    async with opened("memory:", [BOSS], speak, speak) as app:
        run = await app.run(BOSS, "Go")
        assert "there is no tool 'ship_order'" in run.output
        (asked,) = await told(app, run.id, SubrunRequested)
        (judged,) = await told(app, asked.child, CallJudged)
        assert (judged.effect, judged.rule) == ("deny", "builtin.unknown-tool")
        assert DONE == []


@pytest.mark.requirement("ORC-4")
async def test_a_failed_sub_run_is_named_and_the_others_results_arrive() -> None:
    def speak(request: ModelRequest) -> Reply:
        if "shipper" in request.system:
            return ProviderError("the key is wrong", kind="auth")
        if "scout" in request.system:
            return "tea is so"
        both = [ASK, {"ask_shipper": {"brief": "ship"}}]
        return (both, result_of(request))[turn_of(request.messages)]

    async with opened("memory:", [BOSS], speak, speak) as app:
        run = await app.run(BOSS, "Go")
        assert run.status == "completed"
        good, bad = run.output.split(" | ")
        assert good == "tea is so"
        assert "the agent shipper did not finish: provider.auth" in bad
        assert "the key is wrong" in bad


@pytest.mark.requirement("ORC-4")
async def test_a_sub_run_whose_predicate_fails_does_not_count_as_done() -> None:
    scout = an_agent("scout", remit=Remit(success=lambda answer: "proof" in answer))
    boss = an_agent("boss", agents=[scout])

    def speak(request: ModelRequest) -> Reply:
        if "scout" in request.system:
            return "trust me"
        return (ASK, result_of(request))[turn_of(request.messages)]

    async with opened("memory:", [boss], speak, speak) as app:
        run = await app.run(boss, "Go")
        assert "the agent scout did not finish: its success check failed" in run.output
        assert "so far it said: trust me" in run.output


@pytest.mark.requirement("STOP-7")
async def test_the_depth_of_sub_runs_is_capped() -> None:
    agent = an_agent("a3", remit=Remit(depth=2))
    for name in ("a2", "a1", "a0"):
        agent = an_agent(name, agents=[agent], remit=Remit(depth=2))

    def speak(request: ModelRequest) -> Reply:
        if turn_of(request.messages):
            return result_of(request)
        level = int(request.system[-2])
        return {f"ask_a{level + 1}": {"brief": "deeper"}}

    async with opened("memory:", [agent], speak, speak) as app:
        run = await app.run(agent, "Go")
        assert "sub-runs may nest 2 deep" in run.output
        rows = await tree_rows(app.store, "local", run.id)
        assert [row.agent for row in rows] == ["a0", "a1", "a2"]
        (failed,) = await told(app, rows[-1].run, ToolFailed)
        assert failed.kind == "limit"


@pytest.mark.requirement("TOOL-7")
async def test_a_cancel_ends_everything_below() -> None:
    def speak(request: ModelRequest) -> Reply:
        if "shipper" in request.system:
            return {"ship_order": {"order": 1}}
        return {"ask_shipper": {"brief": "ship"}}

    async with opened("memory:", [BOSS], speak, speak) as app:
        run = await app.run(BOSS, "Go")
        assert run.approvals
        await app.cancel(run.id, reason="enough")
        done = await app.wait(run.id, timeout_s=PATIENCE_S)
        assert done.status == "stopped"
        rows = await tree_rows(app.store, "local", run.id)
        assert [row.status for row in rows] == ["stopped", "stopped"]
        assert DONE == []


@pytest.mark.requirement("APR-1")
async def test_a_sub_run_that_waits_goes_on_after_a_restart(tmp_path: Path) -> None:
    def speak(request: ModelRequest) -> Reply:
        if "shipper" in request.system:
            return ({"ship_order": {"order": 7}}, "it is on its way")[turn_of(request.messages)]
        return ({"ask_shipper": {"brief": "ship"}}, result_of(request))[turn_of(request.messages)]

    async with opened(journal_at(tmp_path), [BOSS], speak, speak) as app:
        run = await app.run(BOSS, "Go")
        assert run.status == "waiting"
    async with opened(journal_at(tmp_path), [BOSS], speak, speak) as app:
        await app.approve((await app.get(run.id)).approvals[0].id, principal="ann")
        done = await app.resume(run.id)
        assert done.output == "it is on its way"
        assert DONE == ["ship 7"]
