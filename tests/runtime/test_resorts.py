"""What may serve instead: the stand-in is asked, an old answer is told as such, or it is a no."""

from dataclasses import replace

import pytest
from typing_extensions import override

from remit import tool
from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreGone
from remit.journal.events import StandInInspected, ToolDegraded, ToolFailed
from remit.journal.rows import RunRow
from remit.machine.state import CallState, State
from remit.runtime.resorts import Resorts
from remit.values.clean import Clean
from tests.runtime.kit import NOW, HandClock, a_cleaner, released, services_on
from tests.runtime.stage import an_agent


@tool
async def read_mirror(item: str) -> str:
    """Mirror."""
    return item


@tool(fallback=read_mirror, last_good="1h")
async def read_stock(item: str) -> str:
    """Stock."""
    return item


AGENT = an_agent(tools=[read_stock])


class Gone(MemoryStore):
    """A journal that cannot be read."""

    @override
    async def runs(self, tenant: str | None, **_: object) -> list[RunRow]:
        raise StoreGone("unplugged")


def degraded(to: str, *tried: str) -> tuple[State, CallState]:
    state, call, _ = released(AGENT, "read_stock", '{"item":"tea"}')
    event = ToolDegraded(
        call="c1-1", tool="read_stock", to=to, reason=Clean("no route"), since_ms=NOW - 60_000
    )
    return state, replace(
        call,
        degraded=event,
        proposed="read_stock",
        proposed_digest="d",
        tool=to or "read_stock",
        tried=tried,
    )


def resorts(store: MemoryStore | None = None) -> Resorts:
    services = services_on(store, clock=HandClock())
    return Resorts(services=services, agent=AGENT, cleaner=a_cleaner)


@pytest.mark.requirement("TOOL-18")
async def test_the_tool_that_stands_in_is_asked_about_the_call() -> None:
    given = (await resorts().look(*degraded("read_mirror", "read_stock"))).input
    assert given.fact == StandInInspected(call="c1-1", tool="read_mirror")
    assert given.inspections["c1-1"].error is None
    assert given.inspections["c1-1"].digest


@pytest.mark.requirement("TOOL-18")
@pytest.mark.parametrize("broken", [False, True])
async def test_where_nothing_serves_it_is_said_what_is_down_since_when_and_what_was_tried(
    broken: bool,  # a case of the test
) -> None:
    store = Gone() if broken else None
    if store is not None:
        store._open = True
    fact = (await resorts(store).look(*degraded("", "read_stock", "read_mirror"))).input.fact
    assert isinstance(fact, ToolFailed)
    assert fact.text == (
        "read_stock does not work since 2026-11-18T11:05:40Z; read_mirror, tried in its place, "
        "does not work either; and there is no earlier answer that may serve. Say so; make none up."
    )
    assert fact.rule == "breaker.tool:read_stock"
    alone = (await resorts().look(*degraded("", "read_stock"))).input.fact
    assert isinstance(alone, ToolFailed)
    assert "does not work since 2026-11-18T11:05:40Z (no route); and" in alone.text
