"""Asking tools about calls: what hangs or breaks there refuses the call and nothing else."""

import asyncio

import pytest

from remit import Remit, tool
from remit.machine.inputs import Inspection
from remit.runtime import inspecting
from remit.runtime.inspecting import inspect_call
from remit.values.clean import Clean
from remit.values.message import CallPart, Origin, TextPart
from tests.runtime.kit import an_inspector, state_of
from tests.runtime.stage import an_agent


async def state_of_tree(name: str) -> str:
    if name == "hang":
        await asyncio.sleep(3600)
    if name == "break":
        raise RuntimeError("no tree")
    return "tree-1"


@tool(access="write", depends=state_of_tree)
def commit_tree(name: str) -> str:
    """Commit."""
    return name


AGENT = an_agent(tools=[commit_tree], remit=Remit(approvals={commit_tree: 0}))


async def test_a_call_that_can_be_made() -> None:
    found = await inspect_call(AGENT, "c1-1", "commit_tree", '{"name": "main"}')
    assert (found.error, found.arguments) == (None, '{"name":"main"}')
    assert found.digest


async def test_a_dependency_that_hangs_refuses_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "_INSPECT_S", 0.01)
    found = await inspect_call(AGENT, "c1-1", "commit_tree", '{"name": "hang"}')
    assert found.error == (
        "commit_tree cannot be prepared: what it depends on did not answer in 0.01 s"
    )


async def test_a_dependency_that_breaks_refuses_the_call() -> None:
    found = await inspect_call(AGENT, "c1-1", "commit_tree", '{"name": "break"}')
    assert found.error is not None
    assert "no tree" in found.error


async def test_a_fault_of_our_own_refuses_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("remit.machine.tools.call_digest", broken)
    found = await inspect_call(AGENT, "c1-1", "commit_tree", '{"name": "main"}')
    assert found.error == "commit_tree cannot be prepared: KeyError"


async def test_every_proposed_call_is_inspected() -> None:
    def part(call: str, arguments: str) -> CallPart:
        origin = Origin(kind="model")
        return CallPart(call=call, tool="ask_helper", arguments=Clean(arguments), origin=origin)

    agent = an_agent("boss", agents=[an_agent("helper")])
    parts = (
        TextPart(text=Clean("Well."), origin=Origin(kind="model")),
        part("c1-1", '{"brief": "dig"}'),
        part("c1-2", '{"invalid_json": "{cut"}'),
    )
    found = await an_inspector(agent).look_at_all(state_of(agent), parts)
    assert isinstance(found["c1-1"], Inspection)
    assert found["c1-1"].error is None
    assert found["c1-2"].error == "the arguments are not a JSON object (cut off, or not JSON)"
