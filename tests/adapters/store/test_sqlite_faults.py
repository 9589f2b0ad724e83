"""What goes wrong with a SQLite file is told with its name and a remedy, and loses nothing."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from remit.adapters.sqlite import faults
from remit.adapters.sqlite.schema import MIGRATIONS
from remit.adapters.sqlite.store import SqliteStore
from remit.errors import (
    ConfigError,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)
from remit.journal.rows import Appended, Blob
from tests.adapters.store.chains import Chain
from tests.adapters.store.processes import ROOT, check_chain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


def writer_of(store: SqliteStore) -> sqlite3.Connection:
    assert store._opened is not None
    return store._opened.writer._connection


# ---------------------------------------------------------------- what is no journal


async def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 999)
    with pytest.raises(StoreCorrupt, match=r"journal\.db: not a database.*backup"):
        await SqliteStore(path).open()
    assert path.read_bytes().startswith(b"Dear diary")


async def test_the_database_of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE invoices (id INTEGER)")
    other.close()
    with pytest.raises(ConfigError, match=r"journal\.db: this is the database of another program"):
        await SqliteStore(path).open()


async def test_a_journal_of_a_newer_remit(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    number = len(MIGRATIONS) + 1
    writer_of(store).execute("INSERT INTO migrations VALUES (?, 'from the future')", (number,))
    await store.close()
    with pytest.raises(StoreError, match=f"schema is version {number}, this Remit knows"):
        await SqliteStore(path).open()


async def test_a_damaged_header(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await Chain().write(store)
    await store.close()
    with path.open("r+b") as file:
        file.write(bytes(100))
    with pytest.raises(StoreCorrupt, match=r"journal\.db"):
        await SqliteStore(path).open()


async def test_a_damaged_page(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    chain = Chain()
    for _ in range(100):
        await chain.write(store)
    (page,) = (
        writer_of(store)
        .execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'")
        .fetchone()
    )
    await store.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(StoreCorrupt, match="damaged"):
        await store.records("acme", "run_1")
    with pytest.raises(StoreCorrupt, match="damaged"):
        await chain.write(store)
    await store.close()


async def test_a_payload_that_cannot_be_read_is_named(store: SqliteStore) -> None:
    chain = Chain()
    await chain.write(store)
    await chain.write(store)
    writer_of(store).execute("UPDATE records SET payload = x'01ff' WHERE version = 2")
    with pytest.raises(StoreCorrupt, match=r"acme/run_1 version 2: .*payload"):
        await store.records("acme", "run_1")
    assert len(await store.records("acme", "run_1", after=2)) == 0


# ---------------------------------------------------------------- locked by others


async def test_a_lock_that_is_held_for_ever_is_busy(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain()
    await chain.write(store)
    monkeypatch.setattr(faults, "PATIENCE_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    append = chain.next()
    with pytest.raises(StoreBusy, match=r"journal\.db: another process"):
        await store.append(append)
    assert await store.records("acme", "run_1") == chain.written
    other.execute("ROLLBACK")
    other.close()
    assert await chain.send(store, append) == Appended()
    assert await store.records("acme", "run_1") == chain.written


async def test_a_lock_that_is_held_for_a_moment_is_waited_for(
    store: SqliteStore, path: Path
) -> None:
    await Chain().write(store)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.03, lambda: other.execute("ROLLBACK"))
    release.start()
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(2, 12)]
    assert await asyncio.gather(*(c.write(store) for c in chains)) == [Appended()] * 10
    release.join()
    other.close()


# ---------------------------------------------------------------- taken away


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
async def test_a_file_that_vanished(store: SqliteStore, path: Path, name: str) -> None:
    chain = Chain()
    await chain.write(store)
    away = path.with_name("away")
    path.with_name(name).rename(away)
    append = chain.next()
    with pytest.raises(StoreGone, match=r"journal\.db: the database file was removed or replaced"):
        await store.append(append)
    with pytest.raises(StoreGone):
        await asyncio.gather(*(Chain(run=f"run_{n}", session="s").write(store) for n in (2, 3)))
    away.rename(path.with_name(name))
    assert await chain.send(store, append) == Appended()


async def test_a_file_that_was_replaced(store: SqliteStore, path: Path) -> None:
    await Chain().write(store)
    path.unlink()
    shutil.copy(f"{path}-wal", path)
    with pytest.raises(StoreGone, match="replaced"):
        await Chain(run="run_2", session="s2").write(store)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreGone, match=r"file/journal\.db: cannot be made"):
        await SqliteStore(tmp_path / "file" / "journal.db").open()


# ---------------------------------------------------------------- no room


async def test_a_full_database_keeps_what_it_has(store: SqliteStore) -> None:
    chain = Chain()
    await chain.write(store)
    (pages,) = writer_of(store).execute("PRAGMA page_count").fetchone()
    writer_of(store).execute(f"PRAGMA max_page_count = {pages + 1}")
    large = chain.next(blobs=(Blob("aa", os.urandom(100_000)),))
    with pytest.raises(StoreFull, match=r"journal\.db: no more can be written.*Make room"):
        await store.append(large)
    small = Chain(run="run_2", session="s2")
    also_large = Chain(run="run_3", session="s3")
    answers = await asyncio.gather(
        small.write(store),
        also_large.send(store, also_large.next(blobs=(Blob("bb", os.urandom(100_000)),))),
        return_exceptions=True,
    )
    assert answers[0] == Appended()
    assert isinstance(answers[1], StoreFull)
    writer_of(store).execute("PRAGMA max_page_count = 1000000")
    assert await chain.send(store, large) == Appended()
    assert await store.records("acme", "run_1") == chain.written
    assert await store.run("acme", "run_3") is None


_LIMITED = """
import asyncio, os, resource, sys
from remit.adapters.sqlite.store import SqliteStore
from remit.errors import StoreFull
from remit.journal.rows import Blob
from tests.adapters.store.chains import Chain

async def main():
    store = SqliteStore(sys.argv[1])
    await store.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    chain = Chain()
    faults = 0
    while faults < 3:
        blob = Blob(str(chain.version), os.urandom(20_000))
        try:
            await chain.send(store, chain.next(blobs=(blob,)))
            print(chain.version, chain.head.hex(), flush=True)
        except StoreFull as exc:
            faults += 1
            print(exc, file=sys.stderr)
    print(len(await store.records("acme", "run_1")), "records", flush=True)

asyncio.run(main())
"""


@pytest.mark.requirement("DUR-1")
async def test_a_file_that_may_not_grow_loses_nothing_acknowledged(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stderr.count("Make room") == 3
    *lines, count = done.stdout.splitlines()
    acknowledged = [(int(line.split()[0]), line.split()[1]) for line in lines]
    assert len(acknowledged) > 10
    assert count == f"{len(acknowledged)} records"
    store = SqliteStore(path)
    await store.open()
    assert await check_chain(store, "run_1", acknowledged) == len(acknowledged)
    await store.close()


# ---------------------------------------------------------------- not allowed

_AS_NOBODY = """
import asyncio, os, sys
from remit.adapters.sqlite.store import SqliteStore
from remit.errors import StoreReadOnly
from tests.adapters.store.chains import Chain

if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)

async def main():
    try:
        await SqliteStore(sys.argv[1]).open()
    except StoreReadOnly as exc:
        print(exc)

asyncio.run(main())
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that another user may look into, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


async def test_a_journal_that_may_not_be_written(public_folder: Path) -> None:
    path = public_folder / "journal.db"
    store = SqliteStore(path)
    await store.open()
    await Chain().write(store)
    await store.close()
    path.chmod(0o444)
    public_folder.chmod(0o555)
    for name in (path, public_folder / "new.db"):
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(name)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        assert f"{name}: may not be" in done.stdout
        assert "needs to write" in done.stdout
    public_folder.chmod(0o755)


def test_read_only_is_told_for_every_code_that_means_it(path: Path) -> None:
    path.touch()
    for name in ("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN"):
        exc = sqlite3.OperationalError("no")
        exc.sqlite_errorcode = getattr(sqlite3, name)
        exc.sqlite_errorname = name
        assert isinstance(faults.translate(exc, path), StoreReadOnly)
    plain = faults.translate(sqlite3.ProgrammingError("bad"), path)
    assert type(plain) is StoreError
    path.unlink()
    assert isinstance(faults.translate(sqlite3.OperationalError("disk I/O error"), path), StoreGone)
