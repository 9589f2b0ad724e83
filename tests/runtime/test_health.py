"""The health of models and tools, as all runs of a process find it."""

import pytest

from remit.journal.events import Event, ModelCompleted, ModelFailed, ToolCompleted, ToolFailed
from remit.machine.changing import replace
from remit.machine.state import State
from remit.policy.breaker import COOL_MS, TRIP_AFTER
from remit.runtime.health import HealthBoard
from remit.values.clean import Clean
from remit.values.model import FailureKind
from remit.values.usage import Usage
from tests.machine.bench import MODEL, Bench, make_agent
from tests.machine.toolbox import look_up
from tests.runtime.kit import HandClock

LOOK = ("look_up", '{"path":"a"}')
TOOL = "tool:look_up"
NO = Clean.vouch("no")


def acting(tenant: str = "acme") -> State:
    bench = Bench(make_agent(look_up))
    bench.start()
    bench.answer("", LOOK)
    return replace(bench.state, tenant=tenant)


def thinking() -> State:
    bench = Bench(make_agent(look_up))
    bench.start()
    return bench.state


def failed(kind: FailureKind = "overloaded") -> ModelFailed:
    return ModelFailed(call="c1", kind=kind, model=MODEL)


def board_after(*events: Event, state: State, clock: HandClock | None = None) -> HealthBoard:
    board = HealthBoard(clock or HandClock())
    for event in events:
        board.hear([event], state)
    return board


@pytest.mark.requirement("PROV-1", "PROV-3")
def test_a_model_that_fails_in_a_row_is_open_for_all_runs_of_all_tenants() -> None:
    clock = HandClock()
    board = board_after(*[failed()] * TRIP_AFTER, state=thinking(), clock=clock)
    for run, state in (("run_1", thinking()), ("run_2", acting("globex"))):
        assert board.view(run, state) == {MODEL: "open"}
    clock.at_ms += COOL_MS
    assert board.view("run_2", thinking()) == {MODEL: "half_open"}
    assert board.view("run_1", thinking()) == {MODEL: "open"}  # another looks
    answered = ModelCompleted(call="c1", parts=(), stop="end", usage=Usage(), model="x")
    board.hear([answered], thinking())
    assert board.view("run_1", thinking()) == {}


@pytest.mark.requirement("PROV-1")
def test_who_looks_and_is_heard_of_no_more_is_followed_by_another() -> None:
    clock = HandClock()
    board = board_after(*[failed()] * TRIP_AFTER, state=thinking(), clock=clock)
    clock.at_ms += COOL_MS
    assert board.view("run_2", thinking()) == {MODEL: "half_open"}
    clock.at_ms += 30_000
    assert board.view("run_1", thinking()) == {MODEL: "half_open"}
    assert board.view("run_2", thinking()) == {MODEL: "open"}


@pytest.mark.requirement("PROV-9")
@pytest.mark.parametrize("kind", ["not_found", "auth", "billing"])
def test_what_no_later_call_can_mend_opens_at_once(kind: FailureKind) -> None:
    board = board_after(failed(kind), state=thinking())
    assert board.view("run_1", thinking()) == {MODEL: "open"}


@pytest.mark.parametrize("kind", ["bad_request", "too_large", "cancelled", "in_doubt", "unknown"])
def test_what_is_not_the_providers_fault_is_not_held_against_it(kind: str) -> None:
    event = failed().model_copy(update={"kind": kind})
    board = board_after(*[event] * 9, state=thinking())
    assert board.view("run_1", thinking()) == {}


@pytest.mark.requirement("PROV-3", "TEN-1")
def test_a_tool_that_is_broken_for_one_tenant_is_left_alone_for_that_one() -> None:
    broken = ToolFailed(call="c1-1", kind="error", text=NO, fault=True)
    hangs = ToolFailed(call="c1-1", kind="timeout", text=NO)
    board = board_after(broken, hangs, broken, state=acting())
    assert board.view("run_1", acting()) == {TOOL: "open"}
    assert board.since(acting()) == {TOOL: board._clock.now_ms()}
    assert board.view("run_1", acting("globex")) == {}
    assert board.since(acting("globex")) == {}
    assert board_after(broken, state=acting()).since(acting()) == {}
    assert board_after(state=acting()).since(acting()) == {}


@pytest.mark.requirement("PROV-3", "DUR-7")
def test_a_tool_that_says_no_is_well() -> None:
    broken = ToolFailed(call="c1-1", kind="error", text=NO, fault=True)
    no = ToolFailed(call="c1-1", kind="error", text=NO)
    cut = ToolFailed(call="c1-1", kind="cancelled", text=NO)
    fine = ToolCompleted(call="c1-1", text=NO)
    for mends in (no, fine):
        board = board_after(broken, broken, cut, mends, broken, broken, state=acting())
        assert board.view("run_1", acting()) == {}
    unknown = broken.model_copy(update={"call": "c9"})
    assert board_after(*[unknown] * 9, state=acting()).view("r", acting()) == {}


@pytest.mark.requirement("BUD-9")
def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.runtime.health._MOST", 3)
    clock = HandClock()
    board = HealthBoard(clock)
    for number in range(10):
        broken = ToolFailed(call="c1-1", kind="timeout", text=NO)
        state = acting(f"t{number}")
        board.hear([broken] * TRIP_AFTER, state)
        clock.at_ms += COOL_MS
        board.view("run_1", state)
    assert len(board._breakers) == 3
    assert len(board._looks) <= 3
