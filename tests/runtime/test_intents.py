"""Intents: started under the lease or not at all, and every outcome is heard."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import SpecError, StoreBusy
from remit.journal.events import (
    CheckCompleted,
    CheckRequested,
    Event,
    ModelFailed,
    RunStopping,
    SubrunEnded,
    SubrunRequested,
    ToolFailed,
    ToolUnknown,
)
from remit.machine.inputs import Input
from remit.machine.state import CallState, State
from remit.runtime.intents import Intents
from remit.runtime.lease import Lease, Seat
from remit.runtime.outcome import Outcome
from remit.runtime.perform import Performer
from remit.runtime.resorts import Resorts
from remit.runtime.services import LEASE_MS
from remit.runtime.toolgate import ToolGate
from remit.values.clean import Clean
from remit.values.usage import Usage
from tests.runtime.gated import AGENT
from tests.runtime.kit import NOW, RUN, TENANT, HandClock, asking, released, services_on, thinking
from tests.runtime.stage import PATIENCE_S, until

DONE = Outcome(Input(kind="outcome", fact=CheckCompleted(call="k1", passed=True)))
SUBRUN = SubrunRequested(call="c1-1", agent="helper", child=f"{RUN}.c1-1", brief=Clean("dig"))


class Leases(MemoryStore):
    """Renews or not, as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps = True
        self.renewed: list[int] = []

    @override
    async def renew(self, tenant: str, run: str, *, epoch: int, lease_until_ms: int) -> bool:
        self.renewed.append(lease_until_ms)
        return self.keeps


@dataclass
class Doer:
    """Stands for performer and gate: writes down what it is to do, and does it as told."""

    result: Outcome | Exception | None = DONE
    asked: list[Event] = field(default_factory=list)
    stubborn: bool = False

    async def _do(self, event: Event) -> Outcome:
        self.asked.append(event)
        while self.result is None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def ask_model(self, _: State, event: Event) -> Outcome:
        return await self._do(event)

    async def check(self, _: State, event: Event) -> Outcome:
        return await self._do(event)

    async def call(self, _: State, __: CallState, event: Event) -> Outcome:
        return await self._do(event)


class Bench:
    def __init__(self) -> None:
        self.store, self.doer = Leases(), Doer()
        self.heard: list[Outcome | BaseException] = []
        self.children: list[SubrunRequested] = []
        self.hinders: Exception | None = None
        seat = Seat(tenant=TENANT, run=RUN, version=1, lease_until_ms=NOW + LEASE_MS)
        self.lease = Lease(services_on(self.store, clock=HandClock()), seat, lambda: None)
        self.intents = Intents(
            self.lease,
            cast("Performer", self.doer),
            cast("ToolGate", self.doer),
            cast("Resorts", self.doer),
            start_child=self._start_child,
            told=self.heard.append,
        )

    async def _start_child(self, _: State, event: SubrunRequested) -> None:
        if self.hinders is not None:
            raise self.hinders
        self.children.append(event)

    def fact(self) -> Event | None:
        (outcome,) = self.heard
        assert isinstance(outcome, Outcome)
        return outcome.input.fact


def stopping(state: State) -> State:
    return replace(state, phase="stopping", stopping="test")


async def test_a_model_call_is_made_and_its_outcome_heard() -> None:
    bench = Bench()
    await bench.intents.start(asking(), thinking(AGENT))
    assert bench.intents.under_way
    await until(lambda: bool(bench.heard))
    assert bench.heard == [DONE]
    assert not bench.intents.under_way  # already when it is heard
    assert bench.store.renewed == []


@pytest.mark.requirement("DUR-6")
async def test_a_write_starts_only_if_the_lease_outlives_it() -> None:
    bench = Bench()
    state, _, event = released(AGENT, "put_page", '{"name": "a"}', until_ms=NOW + 3_600_000)
    await bench.intents.start(event, state)
    assert bench.store.renewed
    assert bench.store.renewed[0] > NOW + 3_600_000
    await until(lambda: bool(bench.heard))
    assert bench.doer.asked == [event]


async def test_a_read_needs_a_lease_that_lives_and_no_more() -> None:
    bench = Bench()
    state, _, event = released(AGENT, "read_page", '{"name": "a"}', until_ms=NOW + 3_600_000)
    await bench.intents.start(event, state)
    assert bench.store.renewed == []
    await until(lambda: bool(bench.heard))


@pytest.mark.requirement("DUR-6")
async def test_nothing_starts_once_the_lease_is_lost() -> None:
    bench = Bench()
    bench.store.keeps = False
    state, _, event = released(AGENT, "put_page", '{"name": "a"}', until_ms=NOW + 3_600_000)
    await bench.intents.start(event, state)
    await bench.intents.start(asking(), thinking(AGENT))
    assert not bench.intents.under_way
    assert (bench.doer.asked, bench.heard) == ([], [])


async def test_what_does_not_stand_any_more_is_not_started() -> None:
    bench = Bench()
    state, call, event = released(AGENT, "read_page", '{"name": "a"}')
    again = event.model_copy(update={"attempt": 2})
    done = replace(state, calls=(replace(call, status="done"),))
    for given, at in ((again, state), (event, done), (event, thinking(AGENT))):
        await bench.intents.start(given, at)
    await bench.intents.start(asking(), state)  # the model has answered long ago
    await bench.intents.start(CheckRequested(call="k1"), state)  # nothing is checked
    await bench.intents.start(RunStopping(reason="x"), state)  # no intent at all
    assert not bench.intents.under_way
    assert bench.doer.asked == []


@pytest.mark.requirement("TOOL-7")
async def test_a_stopping_run_starts_nothing_and_says_so() -> None:
    state, call, event = released(AGENT, "put_page", '{"name": "a"}')
    for given, at, kind in (
        (event, state, ToolFailed),
        (event, replace(state, calls=(replace(call, unsure=True),)), ToolUnknown),
        (asking(), thinking(AGENT), ModelFailed),
        (SUBRUN, state, SubrunEnded),
    ):
        bench = Bench()
        await bench.intents.start(given, stopping(at))
        assert isinstance(bench.fact(), kind)
        assert (bench.doer.asked, bench.children) == ([], [])


async def test_a_sub_run_is_started() -> None:
    bench = Bench()
    await bench.intents.start(SUBRUN, thinking(AGENT))
    assert bench.children == [SUBRUN]
    assert bench.heard == []


@pytest.mark.requirement("ORC-4")
async def test_a_sub_agent_that_cannot_start_is_told_to_the_parent() -> None:
    bench = Bench()
    bench.hinders = SpecError("the agent 'helper' is not registered here")
    await bench.intents.start(SUBRUN, thinking(AGENT))
    fact = bench.fact()
    assert isinstance(fact, SubrunEnded)
    assert (fact.status, fact.reason) == ("stopped", "cannot-start")
    assert "is not registered here" in fact.text


async def test_a_store_that_fails_is_no_reason_to_give_a_sub_run_up() -> None:
    bench = Bench()
    bench.hinders = StoreBusy("locked")
    with pytest.raises(StoreBusy):
        await bench.intents.start(SUBRUN, thinking(AGENT))
    assert bench.heard == []


async def test_a_fault_of_our_own_is_heard_not_swallowed() -> None:
    bench = Bench()
    bench.doer.result = KeyError("a bug")
    await bench.intents.start(asking(), thinking(AGENT))
    await until(lambda: bool(bench.heard))
    assert isinstance(bench.heard[0], KeyError)


@pytest.mark.requirement("TOOL-7")
async def test_what_is_cut_before_its_first_step_did_not_happen() -> None:
    bench = Bench()
    await bench.intents.start(asking(), thinking(AGENT))
    bench.intents.cut()
    fact = bench.fact()
    assert isinstance(fact, ModelFailed)
    assert (fact.kind, fact.usage) == ("cancelled", Usage())
    assert not bench.intents.under_way
    await asyncio.sleep(0.01)
    assert bench.doer.asked == []


@pytest.mark.requirement("TOOL-7")
async def test_what_was_released_and_given_up_at_once_is_not_started() -> None:
    state, call, event = released(AGENT, "put_page", '{"name": "a"}')
    gone = replace(state, calls=(replace(call, given_up="a peer failed"),))
    for given, kind in ((event, ToolFailed), (SUBRUN, SubrunEnded)):
        bench = Bench()
        await bench.intents.start(given, gone)
        assert isinstance(bench.fact(), kind)
        assert (bench.doer.asked, bench.children) == ([], [])


@pytest.mark.requirement("TOOL-7")
async def test_single_calls_are_cut_and_others_go_on() -> None:
    state, _, event = released(AGENT, "put_page", '{"name": "a"}')
    bench = Bench()
    bench.doer.result = None
    await bench.intents.start(event, state)
    bench.intents.cut_calls(("c1-2",))
    await until(lambda: bool(bench.doer.asked))
    assert bench.intents.under_way
    bench.intents.cut_calls(("c1-1",))
    await until(lambda: not bench.intents.under_way)
    fresh = Bench()
    await fresh.intents.start(event, state)
    fresh.intents.cut_calls(("c1-1",))
    assert isinstance(fresh.fact(), ToolFailed)
    assert not fresh.intents.under_way


async def test_what_is_cut_is_cancelled() -> None:
    bench = Bench()
    bench.doer.result = None
    await bench.intents.start(asking(), thinking(AGENT))
    await until(lambda: bool(bench.doer.asked))
    bench.intents.cut()
    await until(lambda: not bench.intents.under_way)
    assert bench.heard == []  # it did not answer its cancellation


@pytest.mark.requirement("STOP-1")
async def test_a_stubborn_tool_does_not_keep_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.runtime.intents._CLEAR_UP_S", 0.01)
    bench = Bench()
    bench.doer.result, bench.doer.stubborn = None, True
    state, _, event = released(AGENT, "read_page", '{"name": "a"}')
    await bench.intents.start(event, state)
    await until(lambda: bool(bench.doer.asked))
    other = asyncio.create_task(asyncio.sleep(3600))
    async with asyncio.timeout(PATIENCE_S):
        await bench.intents.leave([other])
    assert other.cancelled()
    assert bench.intents.under_way  # it still hangs, and nobody waits for it
    bench.doer.stubborn = False
    bench.intents.cut()


async def test_leaving_with_nothing_under_way_takes_no_time() -> None:
    await Bench().intents.leave([])
