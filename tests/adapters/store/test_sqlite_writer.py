"""The writer commits together what came in together, and keeps jobs from harming each other."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from remit.adapters.sqlite import writer as writing
from remit.adapters.sqlite.names import Names
from remit.adapters.sqlite.store import SqliteStore
from remit.adapters.sqlite.writer import Writer
from remit.errors import StoreGone
from remit.journal.rows import Appended, Blob
from tests.adapters.store.chains import Chain


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "journal.db")
    await store.open()
    yield store
    await store.close()


def writer_of(store: SqliteStore) -> Writer:
    assert store._opened is not None
    return store._opened.writer


def thread_of(connection: sqlite3.Connection, names: Names) -> int:
    connection.execute("SELECT 1")
    return threading.get_ident()


def count_commits(store: SqliteStore) -> list[str]:
    commits: list[str] = []

    def trace(statement: str) -> None:
        if statement == "COMMIT":
            commits.append(statement)

    writer_of(store)._connection.set_trace_callback(trace)
    return commits


async def test_one_tick_is_one_commit(store: SqliteStore) -> None:
    commits = count_commits(store)
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(20)]
    assert await asyncio.gather(*(c.write(store) for c in chains)) == [Appended()] * 20
    assert len(commits) == 1
    await chains[0].write(store)
    await chains[0].write(store)
    assert len(commits) == 3


async def test_a_huge_tick_is_cut_into_bounded_commits(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_JOBS", 8)
    commits = count_commits(store)
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(20)]
    assert await asyncio.gather(*(c.write(store) for c in chains)) == [Appended()] * 20
    assert len(commits) == 3


async def test_one_job_alone_stays_on_the_callers_thread(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_INLINE_S", 60.0)  # every disk is faster than this
    here = threading.get_ident()
    writer = writer_of(store)
    assert await writer.do(thread_of) == here
    threads = await asyncio.gather(*(writer.do(thread_of) for _ in range(3)))
    assert len(set(threads)) == 1
    assert here not in threads


async def test_heavy_work_and_slow_disks_do_not_stop_the_loop(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_INLINE_S", 60.0)
    here = threading.get_ident()
    writer = writer_of(store)
    assert await writer.do(thread_of, heavy=True) != here
    assert await writer.do(thread_of) == here
    monkeypatch.setattr(writing, "_INLINE_S", 0.0)  # every disk is slower than this
    assert await writer.do(thread_of) != here


async def test_a_job_that_fails_in_an_unforeseen_way_fails_alone(store: SqliteStore) -> None:
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(4)]
    bad = Chain(run="run_bad", session="bad")
    answers = await asyncio.gather(
        *(c.write(store) for c in chains[:2]),
        bad.write(store, wake_at_ms=2**70),  # more than the database can hold
        *(c.write(store) for c in chains[2:]),
        return_exceptions=True,
    )
    assert isinstance(answers.pop(2), OverflowError)
    assert answers == [Appended()] * 4
    with pytest.raises(OverflowError):
        await bad.write(store, wake_at_ms=2**70)
    assert await bad.write(store) == Appended()
    assert len(await store.feed()) == 5


async def test_a_cancelled_caller_leaves_the_writer_in_order(store: SqliteStore) -> None:
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(3)]
    tasks = [asyncio.create_task(c.write(store)) for c in chains]
    await asyncio.sleep(0)
    tasks[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert [await tasks[0], await tasks[2]] == [Appended()] * 2
    assert await Chain(run="run_9", session="s9").write(store) == Appended()


async def test_a_number_given_in_a_rolled_back_transaction_is_forgotten(
    store: SqliteStore,
) -> None:
    bad = Chain(tenant="new")
    with pytest.raises(OverflowError):
        await bad.write(store, wake_at_ms=2**70)
    other = Chain(tenant="other")
    await other.write(store)
    fine = Chain(tenant="new")
    await fine.write(store)
    assert await store.records("new", "run_1") == fine.written
    assert await store.records("other", "run_1") == other.written


async def test_closing_finishes_what_was_handed_in(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "journal.db")
    await store.open()
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(5)]
    tasks = [asyncio.create_task(c.write(store)) for c in chains]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*tasks) == [Appended()] * 5
    with pytest.raises(StoreGone, match="closed"):
        await chains[0].write(store)
    await store.open()
    assert len(await store.feed()) == 5
    await store.close()


@pytest.mark.parametrize("together", [1, 8])
async def test_the_log_is_copied_into_the_database_after_a_while(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(writing, "_CHECKPOINT_JOBS", 50)
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(together)]
    for _ in range(200 // together):
        await asyncio.gather(*(c.write(store) for c in chains))
    before = (tmp_path / "journal.db").stat().st_size
    assert before > 20 * 4096  # the empty tables alone are fewer pages than this with 200 records
    log = (tmp_path / "journal.db-wal").stat().st_size
    assert log < 200 * 4 * 4096  # it began again from its start
    for chain in chains:
        assert await store.records("acme", chain.run) == chain.written


async def test_a_large_commit_is_copied_at_once(store: SqliteStore, tmp_path: Path) -> None:
    content = os.urandom(10_000_000)
    before = (tmp_path / "journal.db").stat().st_size
    await store.put_blob("acme", Blob("aa", content))
    assert await store.blob("acme", "aa") == content
    await Chain().write(store)  # after the copy, for the writer does one thing after the other
    await writer_of(store).do(thread_of, heavy=True)
    assert (tmp_path / "journal.db").stat().st_size > before
