"""The driver: one append per turn, started once it is durable; who waits is let go."""

import asyncio

import pytest

from remit.adapters.scripted import Reply
from remit.errors import StoreBusy
from remit.journal.events import (
    RunStarted,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
)
from remit.journal.record import Body
from remit.journal.rows import (
    Fenced,
    Switch,
)
from remit.machine import schedule
from remit.machine.state import State
from remit.runtime import driver as module
from remit.runtime.hub import StreamEvent
from remit.runtime.perform import Performer
from remit.runtime.switchboard import Switchboard
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from tests.runtime.driving import (
    ASK,
    BEGUN,
    CUT,
    GO,
    TWO,
    Steps,
    a_bench,
    cancel,
    fresh,
    put,
)
from tests.runtime.kit import NOW, RUN, TENANT
from tests.runtime.listening import heard
from tests.runtime.stage import until


@pytest.fixture(autouse=True)
async def _fresh() -> None:
    fresh()


# ---------------------------------------------------------------- a whole run


async def test_a_run_is_durable_before_its_model_is_asked_and_ends() -> None:
    seen: list[int] = []

    def speak(_: ModelRequest) -> Reply:
        seen.append(len(bench.store._records[TENANT, RUN]))
        return "fine"

    bench = a_bench(speak)
    state = await bench.drive()
    assert (state.status, state.output, seen) == ("completed", '"fine"', [1])
    row = await bench.store.run(TENANT, RUN)
    assert row is not None
    assert (row.status, row.version, row.owner) == ("completed", 2, None)
    assert (bench.driver.seat.version, bench.driver.fenced) == (2, False)
    assert bench.driver.begun.is_set()
    assert await bench.store.blob(TENANT, state.spec_digest)


@pytest.mark.requirement("AUD-4")
async def test_followers_get_every_event_in_the_order_of_the_journal() -> None:
    GO[0].set()
    bench = a_bench([*TWO], "fine")
    items = heard(bench.services.hub, TENANT, RUN)
    await bench.drive()
    events = [item for item in items if isinstance(item, StreamEvent)]
    told = [
        (version, index, event)
        for version, body in enumerate(bench.bodies(), start=1)
        for index, event in enumerate(body.events)
    ]
    assert [(item.version, item.index, item.event) for item in events] == told


async def test_what_comes_together_is_one_record() -> None:
    bench = a_bench([*TWO], "fine")
    drive = asyncio.create_task(bench.drive())
    await until(lambda: len(BEGUN) == 2)
    before = len(bench.store.tried)
    GO[0].set()
    await drive
    both = [
        body
        for body in bench.bodies()
        if sum(isinstance(event, ToolCompleted) for event in body.events) == 2
    ]
    assert len(both) == 1
    assert [cause.kind for cause in both[0].causes] == ["outcome", "outcome"]
    assert len(bench.store.tried) - before <= 2


async def test_more_letters_than_a_record_holds_are_all_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_BATCH", 4)
    monkeypatch.setattr(module, "_MAIL_PAUSE_S", 3600)  # what the driver has seen it must finish
    bench = a_bench({"ship_order": {"order": 1}})
    for number in range(11):
        fact = SubrunEnded(call="c9", child="x", status="stopped", reason="r", text=Clean("t"))
        put(bench, f"k{number}", fact)
    state = await bench.drive()
    assert state.waits_for_others
    assert await bench.store.inbox(TENANT, RUN) == []
    consumed = [len(each.consumed) for each in bench.store.tried]
    assert sum(consumed) == 11
    assert max(consumed) == 4


# ---------------------------------------------------------------- waiting


@pytest.mark.requirement("APR-1")
async def test_a_run_that_waits_for_people_is_let_go() -> None:
    bench = a_bench({"ship_order": {"order": 1}})
    state = await bench.drive()
    assert state.waits_for_others
    row = await bench.store.run(TENANT, RUN)
    assert row is not None
    assert (row.status, row.version) == ("waiting", 2)
    assert row.wake_at_ms == state.calls[0].expires_ms


@pytest.mark.requirement("DUR-1")
async def test_the_row_says_waiting_once_the_sub_run_is_durable() -> None:
    statuses: list[str] = []
    bench = a_bench(ASK)

    async def start_child(_: State, event: SubrunRequested) -> None:
        row = await bench.store.run(TENANT, RUN)
        statuses.append("" if row is None else row.status)
        bench.children.append(event.child)

    bench.driver._intents._start_child = start_child
    await bench.drive()
    assert bench.children == [f"{RUN}.c1-1"]
    assert statuses == ["running"]
    assert [each.status for each in bench.store.tried] == ["running", "running", "waiting"]
    assert bench.bodies()[-1] == Body(causes=(), events=())


async def test_a_driver_that_is_fenced_when_it_lets_go_says_so() -> None:
    bench = a_bench(ASK, store=Steps(None, None, Fenced(2)))
    await bench.drive()
    assert bench.driver.fenced
    assert bench.driver.has_letters is False


@pytest.mark.requirement("TOOL-7")
async def test_a_stopping_run_rings_its_sub_runs() -> None:
    bench = a_bench([ASK, TWO[0]])
    drive = asyncio.create_task(bench.drive())
    await until(lambda: BEGUN == ["tea"])
    put(bench, "k1", cancel())
    bench.driver.ring()
    await until(lambda: bool(bench.rung))
    child = f"{RUN}.c1-1"
    assert bench.rung == [child]
    (sent,) = await bench.store.inbox(TENANT, child)
    assert sent.letter.kind == "CancelRequested"
    end = SubrunEnded(call="c1-1", child=child, status="stopped", reason="x", text=Clean("y"))
    put(bench, "k2", end)
    bench.driver.ring()
    await drive
    assert bench.driver.state.status == "stopped"


# ---------------------------------------------------------------- a stumbling outside


async def test_mail_that_cannot_be_watched_for_a_while_is_watched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MAIL_RETRY_S", 0.001)
    bench = a_bench([TWO[0]], "never")
    looks = 0
    waiting = bench.store.waiting

    async def stumble(tenant: str, run: str, *, timeout_s: float) -> bool:
        nonlocal looks
        looks += 1
        if looks < 4:
            raise StoreBusy("locked")
        return await waiting(tenant, run, timeout_s=timeout_s)

    monkeypatch.setattr(bench.store, "waiting", stumble)
    drive = asyncio.create_task(bench.drive())
    await until(lambda: looks >= 4)
    put(bench, "k1", cancel())  # nobody rings: the watch alone hears it
    state = await drive
    assert (state.status, state.reason) == ("stopped", "cancelled")


async def test_a_fault_in_the_shell_is_raised_and_hangs_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: object) -> None:
        raise LookupError("a bug of ours")

    monkeypatch.setattr(Performer, "ask_model", broken)
    with pytest.raises(LookupError, match="a bug of ours"):
        await a_bench("never").drive()


@pytest.mark.requirement("OPS-1", "TEN-3")
async def test_while_the_switches_cannot_be_read_nothing_new_is_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "_SWITCH_RETRY_MS", 1)
    bench = a_bench("fine")
    switches = bench.store.switches
    looks, readable = 0, False

    async def unreadable() -> list[Switch]:
        nonlocal looks
        looks += 1
        if not readable:
            raise StoreBusy("locked")
        return await switches()

    monkeypatch.setattr(bench.store, "switches", unreadable)
    drive = asyncio.create_task(bench.drive())
    await until(lambda: looks > 5)
    assert [type(event) for event in bench.events()] == [RunStarted]
    assert bench.bodies()[0].causes[0].stale_switches
    readable = True
    assert (await drive).status == "completed"


@pytest.mark.requirement("OPS-1")
async def test_a_run_goes_on_at_once_when_somebody_else_has_read_the_switches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between its decision and its rest the view became fresh: no timer would ever ring it."""
    bench = a_bench("fine")
    board = bench.services.switchboard
    looks = 0

    async def nothing() -> bool:
        return False

    def stale(_: Switchboard) -> bool:
        nonlocal looks
        looks += 1
        return looks <= 4  # until the decision is made and recorded

    monkeypatch.setattr(board, "refresh", nothing)
    monkeypatch.setattr(Switchboard, "stale", property(stale))
    assert (await bench.drive()).status == "completed"
    assert bench.bodies()[0].causes[0].stale_switches


@pytest.mark.requirement("TEN-3")
async def test_a_switch_stops_a_run_in_the_middle() -> None:
    bench = a_bench([TWO[0]], "never")
    drive = asyncio.create_task(bench.drive())
    await until(lambda: BEGUN == ["tea"])
    switch = Switch(f"tenant:{TENANT}", "test", "ann", NOW, None)
    await bench.store.switch(switch, switch.target)
    await bench.services.switchboard.refresh()
    bench.driver.ring()
    state = await drive
    assert (state.status, state.reason) == ("stopped", "switched-off")
    assert CUT == ["tea"]
