"""The last good answer is found in the journal: the newest, of the same call, not too old."""

from dataclasses import replace

import pytest

from remit import Call, Remit, tool
from remit.adapters.memory.store import MemoryStore
from remit.journal.codec import open_record
from remit.journal.events import ResultHooked, ToolCompleted
from remit.journal.record import Body
from remit.machine.agent import Agent
from remit.machine.state import CallState, State
from remit.runtime import last_good as module
from remit.runtime.last_good import LastGood
from remit.values.clean import Clean
from tests.runtime.engines import an_engine, begin, rest
from tests.runtime.kit import NOW, RUN, TENANT, released
from tests.runtime.stage import an_agent

HOUR_MS = 3_600_000


class Stock:
    answer: object = "7"


@tool(last_good="1h")
async def read_stock(item: str) -> str:
    """Stock."""
    return str(Stock.answer)


@tool(last_good="1h", personal_data=True)
async def read_person(item: str) -> str:
    """A person."""
    return f"{item} {Stock.answer}"


@tool(last_good="1h")
async def read_mine(call: Call, item: str) -> str:
    """Mine."""
    return f"{call.user} {item}"


@tool
async def read_now(item: str) -> str:
    """Never kept."""
    return item


TOOLS = (read_stock, read_person, read_mine, read_now)
AGENT = an_agent("clerk", tools=TOOLS, remit=Remit(result_chars=200, approvals={read_person: 0}))


async def ran(store: MemoryStore, run: str = RUN, *calls: dict[str, object]) -> None:
    engine = an_engine(*calls, "done", store=store, agent=AGENT)
    begin(engine, run, agent=AGENT)
    await rest(engine, run)


def wanted(name: str = "read_stock", agent: Agent[object] = AGENT) -> tuple[State, CallState]:
    """A call that has been degraded to its last good answer."""
    state, call, _ = released(agent, name, '{"item":"tea"}')
    return state, replace(call, proposed_digest=digest(name), digest="")


def digest(name: str) -> str:
    return DIGESTS[name]


DIGESTS: dict[str, str] = {}


@pytest.fixture(autouse=True)
async def _digests() -> None:
    Stock.answer = "7"
    for each in TOOLS:
        found = await AGENT.inspect("c1", each.name, '{"item":"tea"}')
        DIGESTS[each.name] = found.digest


TEA: dict[str, object] = {"read_stock": {"item": "tea"}}


@pytest.mark.requirement("TOOL-18")
async def test_it_is_found_by_another_process_and_only_while_it_is_young() -> None:
    store = MemoryStore()
    await ran(store, RUN, TEA)
    state, call = wanted()
    found = await LastGood().find(store, AGENT, state, call, NOW + HOUR_MS)
    assert found is not None
    assert (found.text, found.time_ms) == ("7", NOW)
    assert await LastGood().find(store, AGENT, state, call, NOW + HOUR_MS + 1) is None
    bare = replace(call, spec=read_now.spec)
    assert await LastGood().find(store, AGENT, state, bare, NOW) is None
    assert await LastGood().find(store, AGENT, state, replace(call, spec=None), NOW) is None


@pytest.mark.requirement("TOOL-18")
async def test_the_newest_of_one_run_and_the_whole_of_a_cut_one() -> None:
    store = MemoryStore()
    Stock.answer = "x" * 300
    await ran(store, RUN, TEA)
    state, call = wanted()
    found = await LastGood().find(store, AGENT, state, call, NOW)
    assert found is not None
    assert found.text == "x" * 300
    other = replace(call, proposed_digest="0" * 32)
    assert await LastGood().find(store, AGENT, state, other, NOW) is None


@pytest.mark.requirement("TOOL-18", "TEN-1")
async def test_whose_call_it_is_matters_where_the_tool_can_know() -> None:
    store = MemoryStore()
    person: dict[str, object] = {"read_person": {"item": "tea"}}
    mine: dict[str, object] = {"read_mine": {"item": "tea"}}
    await ran(store, RUN, TEA, person, mine)
    for name, shared in (("read_stock", True), ("read_person", False), ("read_mine", False)):
        state, call = wanted(name)
        own = await LastGood().find(store, AGENT, state, call, NOW)
        assert own is not None
        bob = replace(state, user="bob")
        others = await LastGood().find(store, AGENT, bob, call, NOW)
        assert (others is not None) == shared
        foreign = replace(state, tenant="beta")
        assert await LastGood().find(store, AGENT, foreign, call, NOW) is None


@pytest.mark.requirement("TOOL-18")
async def test_what_was_heard_is_found_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    await ran(store, RUN, TEA)
    state, _, _ = released(AGENT, "read_stock", '{"item":"tea"}', digest=digest("read_stock"))
    version, done = await entered(store)
    known = LastGood()
    known.hear(AGENT, state, version, Body(causes=(), events=(done,)))
    monkeypatch.setattr(module, "_RUNS", 0)
    _, asked = wanted()
    found = await known.find(store, AGENT, state, asked, NOW)
    assert found is not None
    assert found.text == "7"
    assert await LastGood().find(store, AGENT, state, asked, NOW) is None


async def entered(store: MemoryStore) -> tuple[int, ToolCompleted]:
    """The outcome of the run's call, and the version of its record."""
    for record in await store.records(TENANT, RUN):
        body = open_record(record)
        for event in () if body is None else body.events:
            if isinstance(event, ToolCompleted):
                return record.header.version, event
    raise LookupError(RUN)


@pytest.mark.requirement("TOOL-18")
async def test_what_was_not_found_is_not_looked_for_at_once_again() -> None:
    store, known = MemoryStore(), LastGood()
    store._open = True
    state, call = wanted()
    assert await known.find(store, AGENT, state, call, NOW) is None
    await ran(store, RUN, TEA)
    assert await known.find(store, AGENT, state, call, NOW + 1) is None
    assert await known.find(store, AGENT, state, call, NOW + 60_000) is not None


@pytest.mark.requirement("TOOL-18")
def test_what_is_not_fresh_not_whole_or_only_recorded_is_no_good_answer() -> None:
    done = ToolCompleted(call="c1-1", text=Clean("7"))
    withheld = ResultHooked(hook="shut", word="withheld")
    changed = ResultHooked(hook="trim", word="changed")
    for event, good in (
        (done, True),
        (done.model_copy(update={"hooks": (changed,)}), True),
        (done.model_copy(update={"hooks": (withheld,)}), False),
        (done.model_copy(update={"age_ms": 0}), False),
        (done.model_copy(update={"recorded_only": True}), False),
    ):
        known = LastGood()
        state, _, _ = released(AGENT, "read_stock", '{"item":"tea"}')
        known.hear(AGENT, state, 3, Body(causes=(), events=(event,)))
        assert bool(known._places) == good


def test_no_more_is_remembered_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    known = LastGood()
    for number in range(5):
        state, _, _ = released(AGENT, "read_stock", '{"item":"tea"}', digest=f"d{number}")
        event = ToolCompleted(call="c1-1", text=Clean("7"))
        known.hear(AGENT, state, 3, Body(causes=(), events=(event,)))
    assert [key[2] for key in known._places] == ["d3", "d4"]
