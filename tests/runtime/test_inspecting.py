"""Asking tools about calls: what hangs or breaks there refuses the call and nothing else."""

import asyncio

import pytest

from remit import Remit, tool
from remit.runtime import inspecting
from remit.runtime.inspecting import inspect_call
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
