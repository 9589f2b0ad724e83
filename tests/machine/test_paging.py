"""`read_result`: offered beside other tools, a read like any other, useless without an app."""

import pytest

from remit.errors import SpecError, ToolError
from remit.machine.agent import Agent
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.paging import READ_RESULT, read_result
from tests.machine.toolbox import MODEL, look_up


def an_agent(*tools: object) -> Agent[str]:
    return Agent("one", model=MODEL, instructions="x", tools=tools)  # type: ignore[arg-type]  # as objects


@pytest.mark.requirement("TOOL-3", "TOOL-4")
def test_it_is_offered_beside_other_tools_and_declared_a_read() -> None:
    agent = an_agent(look_up)
    assert [spec.name for spec in agent.spec(str).tools] == ["look_up", READ_RESULT]
    spec = agent.spec(str).tool(READ_RESULT)
    assert spec is not None
    assert (spec.access, spec.on_crash, spec.kind) == ("read", "repeat", "function")
    assert agent.tool(READ_RESULT) is read_result


def test_an_agent_without_tools_has_nothing_to_read_on_in() -> None:
    assert an_agent().spec(str).tools == ()
    assert an_agent().tool(READ_RESULT) is None


def test_its_name_is_taken() -> None:
    @tool(name=READ_RESULT, access="read")
    def other(path: str) -> str:
        """Read."""
        return path

    with pytest.raises(SpecError, match="two tools are named read_result"):
        an_agent(other)


async def test_it_reads_nothing_without_an_app() -> None:
    call = Call(
        tenant="t",
        user="u",
        session="s",
        run="r",
        call="c",
        attempt=1,
        idempotency_key="k",
        fence=1,
        until_ms=1,
    )
    with pytest.raises(ToolError, match="without an App"):
        await read_result(call, "0123456789abcdef")
