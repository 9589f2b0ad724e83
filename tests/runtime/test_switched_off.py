"""Switches at run time reach running drivers; a view that cannot be read refuses everything."""

import asyncio
from pathlib import Path

import pytest

from remit import Remit, tool
from remit.adapters.scripted import Reply
from remit.errors import StoreGone
from remit.journal.events import CallJudged, RunStopping, ToolFailed
from remit.values.model import ModelRequest
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told, until

GATES: dict[str, asyncio.Event] = {}
BEGUN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    GATES.clear()
    BEGUN.clear()


@tool
async def find_fact(name: str) -> str:
    """Find a fact; waits at its gate."""
    BEGUN.append(name)
    await GATES.setdefault(name, asyncio.Event()).wait()
    return f"{name} is so"


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    BEGUN.append(f"ship {order}")
    return "shipped"


AGENT = an_agent(tools=[find_fact, ship_order], remit=Remit(approvals={ship_order: 0}))
OTHER = an_agent("other", tools=[find_fact, ship_order], remit=Remit(approvals={ship_order: 0}))


def result_of(request: ModelRequest) -> Reply:
    return str(request.messages[-1].parts[-1].model_dump()["text"])


SCRIPT = ({"find_fact": {"name": "tea"}}, {"ship_order": {"order": 1}}, result_of)


@pytest.mark.requirement("OPS-1", "TEN-3")
@pytest.mark.parametrize(
    "target", ["all", "agent:worker", "tenant:acme", "tenant:acme/agent:worker"]
)
async def test_a_switch_stops_a_run_that_is_under_way(target: str, tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with opened(url, [AGENT], *SCRIPT) as app, opened(url, []) as console:
        run = await app.start(AGENT, "Go", tenant="acme")
        await until(lambda: BEGUN == ["tea"])
        # From another process, while the tool hangs.
        await console.desk.switch_off(target, principal="ann", reason="odd")
        ended = await app.wait(run, tenant="acme", timeout_s=PATIENCE_S)
        assert ended.status == "stopped"
        assert ended.reason.startswith("switch")
        assert BEGUN == ["tea"]
        assert len(await told(app, run, RunStopping, tenant="acme")) == 1


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize("target", ["tool:ship_order", "tenant:acme/tool:ship_order"])
async def test_a_switched_off_tool_is_refused_and_the_run_goes_on(target: str) -> None:
    async with opened("memory:", [AGENT], *SCRIPT) as app:
        run = await app.start(AGENT, "Go", tenant="acme")
        await until(lambda: BEGUN == ["tea"])
        await app.desk.switch_off(target, principal="ann", reason="odd")
        await until(lambda: bool(app.engine.services.switchboard.off("acme", "worker")))
        GATES["tea"].set()
        done = await app.wait(run, tenant="acme", timeout_s=PATIENCE_S)
        assert done.output == "refused: this tool is switched off (switch.tool:ship_order)"
        assert BEGUN == ["tea"]


@pytest.mark.requirement("TEN-3")
@pytest.mark.parametrize("target", ["tenant:acme", "tenant:acme/agent:worker", "agent:worker"])
async def test_a_switch_leaves_everybody_else_alone(target: str) -> None:
    async with opened("memory:", [AGENT, OTHER], *SCRIPT) as app:
        await app.desk.switch_off(target, principal="ann", reason="odd")
        await until(lambda: bool(app.engine.services.switchboard.off("acme", "worker")))
        GATES["tea"] = asyncio.Event()
        GATES["tea"].set()
        refused = await app.run(AGENT, "Go", tenant="acme")
        assert (refused.status, refused.turns) == ("stopped", 0)
        other = await app.run(OTHER, "Go", tenant="beta")
        assert other.output == "shipped"
        await app.desk.switch_on(target, principal="ann")
        await until(lambda: not app.engine.services.switchboard.off("acme", "worker"))
        assert (await app.run(AGENT, "Go", tenant="acme")).output == "shipped"


@pytest.mark.requirement("OPS-1", "TEN-3")
async def test_switches_that_cannot_be_read_let_nothing_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened("memory:", [AGENT], *SCRIPT) as app:
        run = await app.start(AGENT, "Go")
        await until(lambda: BEGUN == ["tea"])
        read = app.store.switches

        async def unreadable() -> list[object]:
            raise StoreGone("no line")

        monkeypatch.setattr(app.store, "switches", unreadable)
        await until(lambda: app.engine.services.switchboard.stale)
        GATES["tea"].set()
        before = asyncio.create_task(app.wait(run, timeout_s=PATIENCE_S))
        # Long enough for a model call and the write after it, were they let begin.
        await asyncio.sleep(0.3)
        assert BEGUN == ["tea"]
        assert (await app.get(run)).status == "running"
        monkeypatch.setattr(app.store, "switches", read)
        assert (await before).output == "shipped"
        assert BEGUN == ["tea", "ship 1"]
        assert await told(app, run, ToolFailed) == []
        assert all(each.effect == "allow" for each in await told(app, run, CallJudged))
