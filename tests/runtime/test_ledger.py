"""The sums of the ledger are those of the journal: entered once, by whoever looks, in any steps."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.adapters.sqlite.store import SqliteStore
from remit.errors import ChainBroken
from remit.journal.events import AssumptionCorrected
from remit.journal.fact import Post
from remit.journal.record import Record
from remit.journal.rows import FeedItem
from remit.ports import Store
from remit.projections.ledger import sums
from remit.runtime import ledger as module
from remit.runtime.ledger import Ledger, charges_of
from remit.values.ledger import (
    ALL,
    FIELDS,
    LEDGER_CURSOR,
    NOTHING,
    Amounts,
    LedgerFilter,
    LedgerKey,
)
from tests.runtime.ledgers import COST, DAY_MS, NOW_MS, TODAY, TOMORROW, Spending


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    await store.open()
    yield store
    await store.close()


async def rows(store: Store) -> dict[LedgerKey, Amounts]:
    return {each.key: each.amounts for each in await store.ledger()}


async def truth(store: Store) -> dict[LedgerKey, Amounts]:
    """The sums of all entries, read run by run."""
    found = [
        charge
        for books in (False, True)
        for row in await store.runs(None, books=books)
        for charge in await charges_of(store, row)
    ]
    return sums(found)


@pytest.mark.requirement("BIL-1", "OBS-3")
async def test_rows_are_by_tenant_day_user_agent_model(store: MemoryStore) -> None:
    run = await Spending(store).start()
    await run.call(2)
    run.now_ms += DAY_MS
    await run.call()
    await (await Spending(store, run="run_2", tenant="globex", user="bob").start()).call()
    assert await Ledger(store).catch_up() == 10
    key = LedgerKey(tenant="acme", day=TODAY, user="ann", agent="clerk", model="sim:m")
    call = Amounts(calls=1, input=20, output=10, cost=COST)
    assert await rows(store) == {
        key: call + call,
        replace(key, day=TOMORROW): call,
        replace(key, tenant="globex", user="bob"): call,
    }
    assert await Ledger(store).catch_up() == 0


@pytest.mark.requirement("BIL-1")
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_steps_of_any_size_come_to_the_same(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, size: int, *, fresh: bool
) -> None:
    """Also where a call is asked for in one step and settled in another, by another process."""
    monkeypatch.setattr(module, "_BATCH", size)
    monkeypatch.setattr(module, "_RUNS", 1)
    ledger = Ledger(store)
    runs = [await Spending(store, run=f"run_{n}").start() for n in range(3)]
    for _ in range(4):
        for run in runs:
            await run.ask()
        await ledger.catch_up()
        if fresh:
            ledger = Ledger(store)
        for run in runs:
            await run.settle()
    await ledger.catch_up()
    assert await rows(store) == await truth(store)
    assert await ledger.total(ALL) == Amounts(calls=12, input=240, output=120, cost=12 * COST)


@pytest.mark.requirement("BIL-1")
async def test_dropped_and_made_anew_it_is_the_same(store: MemoryStore) -> None:
    run = await Spending(store).start()
    await run.call(3)
    ledger = Ledger(store)
    await ledger.catch_up()
    before, cursor = await rows(store), await store.cursor(LEDGER_CURSOR)
    assert await ledger.rebuild() == 7
    assert (await rows(store), await store.cursor(LEDGER_CURSOR)) == (before, cursor)


@pytest.mark.requirement("BIL-1")
async def test_several_on_one_file_enter_each_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 3)
    stores = [SqliteStore(tmp_path / "j.db") for _ in range(4)]
    for store in stores:
        await store.open()
    ledgers = [Ledger(store) for store in stores]
    runs = [await Spending(stores[0], run=f"run_{n}").start() for n in range(4)]
    entered = 0
    for _ in range(5):
        writing = asyncio.gather(*(run.call() for run in runs))
        entered += sum(await asyncio.gather(*(ledger.catch_up() for ledger in ledgers)))
        await writing
    entered += sum(await asyncio.gather(*(ledger.catch_up() for ledger in ledgers)))
    assert entered == 4 + 4 * 5 * 2
    assert await rows(stores[0]) == await truth(stores[0])
    assert (await ledgers[0].total(ALL)).calls == 20
    for store in stores:
        await store.close()


class Overtaken(MemoryStore):
    """A store in which somebody else enters the same records in between, once."""

    other: Ledger | None = None

    @override
    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        found = await super().feed(after, tenant=tenant, limit=limit)
        other, self.other = self.other, None
        if other is not None:
            await other.catch_up()
        return found


@pytest.mark.requirement("BIL-1")
async def test_whoever_is_overtaken_enters_nothing_twice() -> None:
    store = Overtaken()
    await store.open()
    await (await Spending(store).start()).call()
    store.other = Ledger(store)
    assert await Ledger(store).catch_up() == 0
    assert await rows(store) == await truth(store)


@pytest.mark.requirement("BIL-1")
async def test_a_correction_counts_for_whose_call_it_was(store: MemoryStore) -> None:
    run = await Spending(store).start()
    await run.ask()
    await run.lose(100)
    fact = AssumptionCorrected(
        provider="sim",
        day=TODAY,
        run=run.run,
        call="c1",
        model="m",
        assumed=100,
        billed=40,
        posts=(Post(account="run:run_1|total|nano", amount=-60),),
    )
    book = Spending(store, run="book_bills-sim", agent="", user="", now_ms=NOW_MS + DAY_MS)
    await book.write(fact, status="completed")
    ledger = Ledger(store)
    await ledger.catch_up()
    key = LedgerKey(tenant="acme", day=TODAY, user="ann", agent="clerk", model="sim:m")
    assert await rows(store) == {
        key: Amounts(calls=1, cost=100, assumed=100),
        replace(key, day=TOMORROW): Amounts(cost=-60, assumed=-100),
    }
    assert await ledger.total(LedgerFilter(user="ann")) == Amounts(calls=1, cost=40)
    assert [each.kind async for each in ledger.charges(ALL)] == ["model", "correction"]


@pytest.mark.requirement("OBS-3")
async def test_sessions_are_read_from_their_runs(store: MemoryStore) -> None:
    for number, user in enumerate(("ann", "ann", "bob")):
        run = Spending(store, run=f"run_{number}", user=user, now_ms=NOW_MS + number * DAY_MS)
        await (await run.start()).call(number + 1)
    ledger = Ledger(store)
    assert await ledger.total(ALL) == NOTHING, "nobody has looked yet"
    found = await ledger.sessions(LedgerFilter(tenant="acme"))
    assert {name: each.calls for name, each in found.items()} == {
        ("acme", "s-run_0"): 1,
        ("acme", "s-run_1"): 2,
        ("acme", "s-run_2"): 3,
    }
    assert set(await ledger.sessions(LedgerFilter(user="bob"))) == {("acme", "s-run_2")}
    assert set(await ledger.sessions(LedgerFilter(since=TOMORROW))) == {
        ("acme", "s-run_1"),
        ("acme", "s-run_2"),
    }
    assert set(await ledger.sessions(LedgerFilter(until=TODAY))) == {("acme", "s-run_0")}
    assert await ledger.sessions(LedgerFilter(agent="boss")) == {}
    mine = [each async for each in ledger.charges(ALL, session="s-run_1")]
    assert [each.run for each in mine] == ["run_1", "run_1"]


async def test_a_damaged_record_stops_it_and_is_told(store: MemoryStore) -> None:
    run = await Spending(store).start()
    await run.call()
    good = store._feed[2]
    bad = replace(good.record, salt=b"x" * 16)
    store._feed[2] = replace(good, record=bad)
    with pytest.raises(ChainBroken, match="its payload was changed"):
        await Ledger(store).catch_up()
    assert await rows(store) == {}
    store._feed[2] = good
    assert await Ledger(store).catch_up() == 3


async def test_erased_records_are_left_out(store: MemoryStore) -> None:
    def erase(record: Record) -> Record:
        return replace(record, payload=b"", salt=b"")

    run = await Spending(store).start()
    await run.call(2)
    for number in (0, 2):  # the beginning, and one settled call
        item = store._feed[number]
        store._feed[number] = replace(item, record=erase(item.record))
        store._records["acme", "run_1"][number] = erase(item.record)
    await Ledger(store).catch_up()
    (row,) = await store.ledger(FIELDS)
    assert (row.key.user, row.key.agent, row.amounts.calls) == ("ann", "clerk", 1)


async def test_many_records_leave_others_a_turn(store: MemoryStore) -> None:
    run = await Spending(store).start()
    await run.call(40)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await Ledger(store).catch_up()
    task.cancel()
    assert turns >= 4


@pytest.mark.requirement("BUD-9")
async def test_what_it_remembers_is_bounded(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RUNS", 8)
    ledger = Ledger(store)
    for number in range(100):
        run = await Spending(store, run=f"run_{number:03d}", user=f"u{number}").start()
        await run.call(3)
    await ledger.catch_up()
    assert len(ledger._runs) == 8
    assert all(not (run._asked or run._tools) for run in ledger._runs.values())
    assert (await ledger.total(ALL)).calls == 300
