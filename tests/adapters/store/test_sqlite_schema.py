"""The schema of a SQLite journal: migrated once, tenant first, lean, private."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remit.adapters.sqlite import reading
from remit.adapters.sqlite.opening import open_writer
from remit.adapters.sqlite.schema import MIGRATIONS, migrate
from remit.adapters.sqlite.store import SqliteStore
from tests.adapters.store.chains import Chain, hold, post


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


def test_openers_at_the_same_time_migrate_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        connections = list(threads.map(open_writer, [path] * 8))
    rows = connections[0].execute("SELECT number, title FROM migrations").fetchall()
    assert rows == [(number, title) for number, (title, _) in enumerate(MIGRATIONS, start=1)]
    for connection in connections:
        connection.close()


async def test_an_older_journal_is_brought_up_to_date(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await Chain().write(store)
    await store.close()
    newer = (*MIGRATIONS, ("a mark on runs", "ALTER TABLE runs ADD COLUMN mark TEXT;\nSELECT 1"))
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, "here", newer)
    assert connection.execute("SELECT run, mark FROM runs").fetchall() == [("run_1", None)]
    assert connection.execute("SELECT max(number) FROM migrations").fetchone() == (len(newer),)
    migrate(connection, "here", newer)
    connection.close()


def test_a_migration_that_fails_leaves_nothing(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    broken = (*MIGRATIONS, ("broken", "CREATE TABLE good (id INTEGER);\nCREATE TABLE good (again)"))
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, "here", broken)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    migrate(connection, "here")
    newest = connection.execute("SELECT max(number) FROM migrations").fetchone()
    assert newest == (len(MIGRATIONS),)
    connection.close()


def plan(path: Path, statement: str, values: list[str | int | None]) -> str:
    connection = sqlite3.connect(path)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    connection.close()
    return "\n".join(row[3] for row in rows)


@pytest.mark.requirement("DUR-2", "TEN-1")
async def test_a_session_is_looked_up_through_an_index(store: SqliteStore, path: Path) -> None:
    found = plan(path, *reading.runs_query("acme", "s1", (), None, None, 10))
    assert "SEARCH runs USING INDEX runs_by_session (tenant=? AND session=?)" in found
    assert "TEMP B-TREE" not in found.replace("RIGHT PART OF ORDER BY", "")
    found = plan(path, *reading.runs_query("acme", None, (), "run_1", None, 10))
    assert "USING INDEX runs_by_parent (tenant=? AND parent=?)" in found
    found = plan(path, *reading.runs_query("acme", None, (), None, "run_9", 10))
    assert "(tenant=? AND run<?)" in found
    found = plan(path, reading._FEED_OF_TENANT, ["acme", 5, 10])
    assert "SEARCH records USING INDEX records_by_tenant (tenant=? AND rowid>?)" in found


async def test_every_index_of_tenants_data_begins_with_the_tenant(
    store: SqliteStore, path: Path
) -> None:
    connection = sqlite3.connect(path)
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    seen = 0
    for table in tables:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        if "tenant" not in names:
            continue
        for row in connection.execute(f"PRAGMA index_list({table})").fetchall():
            first = connection.execute(f"PRAGMA index_info({row[1]})").fetchone()[2]
            assert first == "tenant", f"index {row[1]} of {table}"
            seen += 1
    connection.close()
    assert seen > 10


async def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.db"
    earlier = os.umask(0)
    try:
        store = SqliteStore(path)
        await store.open()
        await Chain(lease=("me", 2**50)).write(store)
        modes = {
            each.relative_to(tmp_path).as_posix(): stat.S_IMODE(each.stat().st_mode)
            for each in tmp_path.rglob("*")
        }
    finally:
        os.umask(earlier)
    (lock,) = [name for name in modes if name.endswith(".lock")]
    assert modes == {
        "new": 0o700,
        "new/journal.db": 0o600,
        "new/journal.db-wal": 0o600,
        "new/journal.db-shm": 0o600,
        "new/journal.db.owners": 0o700,
        lock: 0o600,
    }
    await store.close()
    assert list(path.parent.glob("*.owners/*")) == []


@pytest.mark.parametrize(("runs", "records"), [(20, 200)])
async def test_a_record_costs_little_more_than_its_payload(
    path: Path, runs: int, records: int
) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.close()
    empty = path.stat().st_size
    await store.open()

    async def write(run: str) -> int:
        chain = Chain(run=run, session=run)
        account = f"run:{run}|total|nano"
        for number in range(records):
            ends = "completed" if number == records - 1 else "running"
            opens = number % 2 == 0
            n = number // 2
            await chain.write(
                store,
                status=ends,  # type: ignore[arg-type] # two literals
                holds=(hold(1, account=account, n=n, limit=10**9),) if opens else (),
                posts=() if opens else (post(1, account=account, n=n),),
            )
        return sum(len(record.payload) for record in chain.written)

    payload = sum(await asyncio.gather(*(write(f"run_{n:026}") for n in range(runs))))
    await store.close()
    overhead = (path.stat().st_size - empty - payload) / (runs * records)
    # 64 bytes of hash, MAC and salt; the rest is numbers, index and the slack of pages.
    assert overhead < 64 + 50


async def test_the_same_bytes_mean_the_same_after_an_erasure(
    store: SqliteStore, path: Path
) -> None:
    """The layout of `proof` for an erased payload, as `schema` describes it."""
    chain = Chain()
    for _ in range(3):
        await chain.write(store)
    second = chain.written[1]
    connection = sqlite3.connect(path)
    proof = second.hash + second.mac + second.commitment
    connection.execute("UPDATE records SET payload = x'', proof = ? WHERE version = 2", (proof,))
    connection.commit()
    connection.close()
    one, erased, three = await store.records("acme", "run_1")
    assert (one, three) == (chain.written[0], chain.written[2])
    assert (erased.payload, erased.salt, erased.commitment) == (b"", b"", second.commitment)
    assert (erased.hash, erased.previous, erased.mac) == (second.hash, one.hash, second.mac)
