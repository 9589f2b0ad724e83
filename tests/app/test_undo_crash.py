"""An undo that is cut at every record: all is taken back once, or in doubt and asked about."""

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from remit import App, Call, Remit, probe, tool
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply
from remit.app.run import Run
from remit.app.undo import undo_session
from remit.errors import NotAllowed, StoreError, ToolError
from remit.journal.events import ToolCompleted, ToolRequested
from remit.journal.rows import RunRow
from remit.machine.tools import AnyTool
from remit.runtime.services import LEASE_MS
from tests.runtime.breaking import Breaking
from tests.runtime.kit import HandClock
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, told

Cut = Literal["dead", "lost"]
"""After a record, nothing of what it releases has begun; before one, all of it took place."""
LEASE_OVER_MS = LEASE_MS + 60_000  # one that covers a tool lasts its timeout and the skew of clocks


@dataclass
class Outside:
    """What the systems beyond the tools know."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(tool, what, idempotency key), each time."""
    closed: bool = True
    """The hotel takes no cancellations."""
    mails: int = 0

    def do(self, call: Call, name: str, what: str) -> None:
        self.asked.append((name, what, call.idempotency_key))

    def knows(self, key: str) -> bool:
        return any(key == known for *_, known in self.asked)

    def done(self) -> list[tuple[str, str]]:
        """What took place, in its order: the bank does once what comes twice under one key."""
        seen = dict.fromkeys(
            (name, what, key if name == "give_back" else number)
            for number, (name, what, key) in enumerate(self.asked)
        )
        return [(name, what) for name, what, _ in seen]


WORLD = Outside()


@tool(access="write", on_crash="repeat")
async def give_back(call: Call, order: int) -> str:
    """Give money back; the bank knows a key that it has seen."""
    WORLD.do(call, "give_back", str(order))
    return "given back"


async def was_stopped(call: Call) -> str | None:
    """Ask the carrier."""
    return "stopped before" if WORLD.knows(call.idempotency_key) else None


@tool(access="write", on_crash=probe(was_stopped))
async def stop_parcel(call: Call, order: int) -> str:
    """Stop a parcel; the carrier can be asked."""
    WORLD.do(call, "stop_parcel", str(order))
    return "stopped"


@tool(access="write")
async def retract(call: Call, to: str) -> str:
    """Retract a mail; nobody can be asked."""
    WORLD.do(call, "retract", to)
    return "retracted"


@tool(access="write")
async def cancel_room(call: Call, room: str) -> str:
    """Cancel a room, if the hotel does."""
    if WORLD.closed:
        raise ToolError("the hotel is closed")
    WORLD.do(call, "cancel_room", room)
    return "cancelled"


@tool(access="write", undo=give_back)
async def take_money(order: int) -> str:
    """Take money."""
    return f"took {order}"


@tool(access="write", undo=stop_parcel)
async def send_parcel(order: int) -> str:
    """Send a parcel."""
    return f"sent {order}"


@tool(access="write", undo=retract)
async def send_mail(to: str) -> str:
    """Send a mail."""
    WORLD.mails += 1
    return f"mailed {to}"


@tool(access="write", undo=cancel_room)
async def book_room(room: str) -> str:
    """Book a room."""
    return f"booked {room}"


WRITES: list[AnyTool] = [take_money, send_parcel, send_mail, book_room]
BACK: list[AnyTool] = [give_back, stop_parcel, retract, cancel_room]
CLERK = an_agent("clerk", tools=WRITES, remit=Remit(approvals=dict.fromkeys([*WRITES, *BACK], 0)))
SCRIPT: tuple[Reply, ...] = (
    [{"take_money": {"order": 1}}, {"send_mail": {"to": "ann"}}],  # in one turn, at one instant
    {"send_parcel": {"order": 1}},
    [{"book_room": {"room": "7"}}, {"take_money": {"order": 2}}],
    "Done.",
)
NEWEST_FIRST = [("give_back", "2"), ("stop_parcel", "1"), ("retract", "ann"), ("give_back", "1")]


@dataclass
class Bench:
    """A journal in which a run has ended, and what processes that undo it are made of."""

    url: str
    monkeypatch: pytest.MonkeyPatch
    clock: HandClock = field(default_factory=HandClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    run: str = ""
    past: MemoryStore = field(default_factory=MemoryStore)

    @asynccontextmanager
    async def process(self, store: object, *script: Reply) -> AsyncIterator[App]:
        """A process with a new app on this store; it may die without a word."""
        self.monkeypatch.setattr("remit.app.assemble.make_store", lambda _url: store)
        self.monkeypatch.setattr("remit.app.assemble.WallClock", lambda: self.clock)
        async with opened(self.url, [CLERK], *script) as app:
            yield app

    def rewind(self) -> None:
        """To the instant after the run."""
        self.store, self.clock.at_ms = copy.deepcopy(self.past), HandClock().at_ms
        WORLD.asked.clear()
        WORLD.closed, WORLD.mails = True, 0

    async def undo_until(self, at: int, cut: Cut) -> bool:
        """Undo in a process that dies at its `at`-th append; whether it came so far."""
        return await self.until(at, cut, lambda app: app.undo(self.run, principal="ann"))

    async def until(
        self, at: int, cut: Cut, work: Callable[[App], Coroutine[None, None, Run[str]]]
    ) -> bool:
        """The same with other work, and the same script."""
        broken = Breaking(self.store, at, cut, only="append")
        with suppress(StoreError):  # what the dead still want to do is refused
            async with self.process(broken, *SCRIPT) as app:
                undone = asyncio.create_task(work(app))
                death = asyncio.create_task(broken.dead.wait())
                async with asyncio.timeout(PATIENCE_S):
                    await asyncio.wait([undone, death], return_when=asyncio.FIRST_COMPLETED)
                broken.buried = broken.dead.is_set()
                for task in (undone, death):
                    task.cancel()
                await asyncio.gather(undone, death, return_exceptions=True)
        self.clock.at_ms += LEASE_OVER_MS
        return broken.buried

    async def undo_rows(self, app: App) -> list[RunRow]:
        return await app.store.runs("local", session=undo_session(self.run))


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(journal_at(tmp_path), monkeypatch)
    async with made.process(made.past, *SCRIPT) as app:
        run = await app.run(CLERK, "Serve the guest.")
        assert run.status == "completed"
        made.run = run.id
    made.rewind()
    return made


async def asked_about(app: App) -> list[str]:
    """Tell of everything in doubt what a look outside shows; the tools that were asked about."""
    doubts = await app.desk.doubts("local")
    for each in doubts:
        happened = WORLD.knows(f"{each.run}:{each.call}")
        await app.desk.resolve(
            "local", each.run, each.call, happened=happened, principal="eve", text="looked"
        )
    return [each.tool for each in doubts]


async def taken_up(app: App, bench: Bench) -> tuple[str, str, list[str]]:
    """The undo run, its output, and what people were asked on the way."""
    rows = await bench.undo_rows(app)
    if not rows:  # nothing was durable: it is asked for again
        undone = await app.undo(bench.run, principal="ann")
        return undone.id, undone.output, []
    (row,) = rows
    found = await app.resume(row.run)
    asked: list[str] = []
    while found.status == "waiting":
        asked += await asked_about(app)
        found = await app.wait(row.run)
    assert found.status == "completed"
    return row.run, str(found.output), asked


async def check_whole(bench: Bench, where: str, *, attempts: int) -> list[str]:
    """Everything was taken back once, newest first; what failed is named and tried again alone."""
    async with bench.process(bench.store) as app:
        run, output, asked = await taken_up(app, bench)
        assert WORLD.done() == NEWEST_FIRST, where
        first, second = output.splitlines()
        assert first == "not undone: 1 of 5", where
        assert second.startswith(f"{bench.run}/c3-1 by cancel_room: "), where
        assert "the hotel is closed" in second, where
        keys = {(name, what): key for name, what, key in WORLD.asked}
        assert all(keys[name, what] == key for name, what, key in WORLD.asked), where
        tries = Counter(event.call for event in await told(app, run, ToolRequested))
        assert sum(tries.values()) <= attempts, where
        assert len(await told(app, run, ToolCompleted)) == len(NEWEST_FIRST), where
        WORLD.closed = False
        again = await app.undo(bench.run, principal="ann")
        assert again.output == "undone: 1 of 1", where
        assert WORLD.done() == [*NEWEST_FIRST, ("cancel_room", "7")], where
        with pytest.raises(NotAllowed, match="nothing to undo"):
            await app.undo(bench.run)
    return asked


@pytest.mark.requirement("TOOL-14", "DUR-1", "DUR-3", "DUR-6")
@pytest.mark.parametrize("cut", ["dead", "lost"])
async def test_an_undo_that_is_cut_at_any_record_is_finished_by_another_process(
    cut: Cut, bench: Bench
) -> None:
    at, repeated, asked = 0, 0, Counter[str]()
    while True:
        at += 1
        bench.rewind()
        if not await bench.undo_until(at, cut):
            break
        asked.update(await check_whole(bench, f"{cut} record {at}", attempts=6))
        repeated += len(WORLD.asked) > len(WORLD.done())
    assert at > 10, "hardly a record was cut, so nothing was shown"
    # Only what nobody can find out is asked: a mail, and a room that may have been cancelled.
    assert set(asked) == {"retract", "cancel_room"}
    # The bank was asked twice under one key exactly where the outcome was lost.
    assert bool(repeated) == (cut == "lost")


async def cancelled(app: App, run: str) -> None:
    """Take a run up that waits because of a doubt, and end it without settling that."""
    assert (await app.resume(run)).status == "waiting"
    assert [each.tool for each in await app.desk.doubts("local")] != []
    await app.cancel(run, principal="ann")
    assert (await app.wait(run)).status == "stopped"


@pytest.mark.requirement("TOOL-14", "DUR-3")
async def test_what_an_undo_left_in_doubt_is_named_and_repeated_only_on_a_humans_word(
    bench: Bench,
) -> None:
    for at in range(1, 99):
        bench.rewind()
        assert await bench.undo_until(at, "lost")
        if WORLD.done()[-1:] == [("retract", "ann")]:
            break
    WORLD.closed = False
    mail = f"{bench.run}/c1-2"
    async with bench.process(bench.store) as app:
        (row,) = await bench.undo_rows(app)
        await cancelled(app, row.run)
        left = await app.undo(bench.run, principal="ann")
        assert left.success is False
        first, second = left.output.splitlines()
        assert first == "not undone: 1 of 3"
        assert second == (
            f"{mail} by retract: nobody knows whether {row.run} took it back; look, and where it "
            f"is still to be taken back, undo with --doubtful {mail}"
        )
        assert Counter(WORLD.done()) == Counter([*NEWEST_FIRST, ("cancel_room", "7")])
        with pytest.raises(NotAllowed, match=f"(?s)nothing to undo but .* --doubtful {mail}"):
            await app.undo(bench.run)
        with pytest.raises(NotAllowed, match="c1-1: not in doubt"):
            await app.undo(bench.run, doubtful=[f"{bench.run}/c1-1"])
        said = await app.undo(bench.run, doubtful=[mail])
        assert said.output == "undone: 1 of 1"
        assert Counter(WORLD.done())["retract", "ann"] == 2
        with pytest.raises(NotAllowed, match=r"there is nothing to undo$"):
            await app.undo(bench.run)


@pytest.mark.requirement("TOOL-14", "DUR-3")
async def test_what_a_run_left_in_doubt_is_named_by_its_undo(bench: Bench) -> None:
    for at in range(1, 99):
        bench.rewind()
        bench.store = MemoryStore()
        assert await bench.until(at, "lost", lambda app: app.run(CLERK, "Serve."))
        if WORLD.mails:
            break
    async with bench.process(bench.store) as app:
        (row,) = await app.store.runs("local")
        await cancelled(app, row.run)
        left = await app.undo(row.run)
        assert (
            f"{row.run}/c1-2 by retract: nobody knows whether send_mail took place" in left.output
        )
        assert ("retract", "ann") not in WORLD.done()
        done = await app.undo(row.run, doubtful=[f"{row.run}/c1-2"])
        assert done.output.startswith("undone: ")
        assert WORLD.done().count(("retract", "ann")) == 1
