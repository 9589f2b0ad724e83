"""Several processes on one SQLite journal: killed, competing, waiting for each other."""

import asyncio
import random
from pathlib import Path

import pytest

from remit.adapters.sqlite.store import SqliteStore
from remit.errors import UsageError
from remit.journal.rows import Appended, Balance, Conflict
from tests.adapters.store.chains import NOW, Chain, letter
from tests.adapters.store.processes import Appender, check_chain

LEASE_MS = 600_000


@pytest.mark.requirement("DUR-1", "DUR-3")
async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    dice = random.Random(7)
    path = tmp_path / "journal.db"
    killed: list[tuple[str, Appender]] = []
    for number in range(5):
        run = f"run_{number}"
        appender = Appender.start("sqlite", str(path), run, 1_000_000)
        appender.read(dice.randrange(1, 120))
        appender.kill()
        killed.append((run, appender))
        store = SqliteStore(path)
        await store.open()
        for earlier, each in killed:
            await check_chain(store, earlier, each.acknowledged)
        await store.close()


@pytest.mark.requirement("DUR-1")
async def test_a_dead_owner_is_known_at_once_and_a_living_one_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    dying = Appender.start("sqlite", str(path), "run_dead", 1_000_000)
    living = Appender.start("sqlite", str(path), "run_alive", 1_000_000)
    dying.read(3)
    living.read(3)
    dying.kill()
    store = SqliteStore(path)
    await store.open()
    row = await store.run("acme", "run_dead")
    assert row is not None
    now = row.created_ms + 1  # long before the lease ends
    assert await store.due(now) == [("acme", "run_dead")]
    claimed = await store.claim("acme", "run_dead", owner="me", now_ms=now, lease_ms=LEASE_MS)
    assert claimed is not None
    assert (claimed.previous_owner, claimed.row.epoch) == ("owner of run_dead", 2)
    assert await store.claim("acme", "run_alive", owner="me", now_ms=now, lease_ms=LEASE_MS) is None
    living.kill()
    claimed = await store.claim("acme", "run_alive", owner="me", now_ms=now, lease_ms=LEASE_MS)
    assert claimed is not None
    await store.close()


@pytest.mark.requirement("BUD-7")
async def test_processes_at_once_never_overspend_a_shared_account(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    account = "session:shared|total|nano"
    store = SqliteStore(path)
    await store.open()
    appenders = [
        await asyncio.to_thread(Appender.start, "sqlite", str(path), f"run_{n}", 60, account)
        for n in range(3)
    ]
    await asyncio.gather(*(asyncio.to_thread(each.finish) for each in appenders))
    written = sum(len(each.acknowledged) for each in appenders)
    assert written == 100
    assert sum(each.exceeded for each in appenders) == 80
    assert await store.balances("acme") == [Balance(account, 0, 100, 100)]
    for number, each in enumerate(appenders):
        assert await check_chain(store, f"run_{number}", each.acknowledged) == 60
    positions = [item.position for item in await store.feed()]
    assert positions == list(range(1, 181))
    await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def two(path: Path) -> tuple[SqliteStore, SqliteStore]:
    one, other = SqliteStore(path), SqliteStore(path)
    await asyncio.gather(one.open(), other.open())
    return one, other


async def test_two_stores_see_each_others_writes(path: Path) -> None:
    one, other = await two(path)
    chain = Chain()
    await chain.write(one)
    await chain.write(other)
    assert await one.records("acme", "run_1") == chain.written
    assert await Chain(run="run_2").write(other) == Conflict("session", 2, "run_1")
    await one.close()
    assert await chain.write(other) == Appended()
    await other.close()


async def test_a_letter_from_another_store_wakes(path: Path) -> None:
    one, other = await two(path)
    await Chain().write(one)
    waiting = asyncio.create_task(one.waiting("acme", "run_1", timeout_s=60))
    await asyncio.sleep(0.01)
    await other.send("acme", letter())
    assert await waiting
    await one.close()
    await other.close()


async def test_an_owner_name_belongs_to_one_open_store(path: Path) -> None:
    one, other = await two(path)
    await Chain(lease=("a", NOW + LEASE_MS)).write(one)
    with pytest.raises(UsageError, match="'a'"):
        await other.claim("acme", "run_1", owner="a", now_ms=NOW, lease_ms=LEASE_MS)
    assert await other.claim("acme", "run_1", owner="b", now_ms=NOW, lease_ms=LEASE_MS) is None
    await one.close()
    claimed = await other.claim("acme", "run_1", owner="b", now_ms=NOW, lease_ms=LEASE_MS)
    assert claimed is not None
    assert claimed.previous_owner is None
    await other.close()


async def test_lock_files_of_dead_owners_are_removed_when_nothing_is_left_to_take_over(
    path: Path,
) -> None:
    folder = path.with_name("journal.db.owners")
    for run in ("run_1", "run_2"):
        appender = Appender.start("sqlite", str(path), run, 1_000_000)
        appender.read(2)
        appender.kill()
    store = SqliteStore(path)
    await store.open()
    assert len(list(folder.iterdir())) == 2
    now = NOW + 10 * LEASE_MS * 1_000
    await store.claim("acme", "run_1", owner="me", now_ms=now, lease_ms=LEASE_MS)
    await store.close()
    store = SqliteStore(path)
    await store.open()
    assert len(list(folder.iterdir())) == 1  # run_2 still waits for its takeover
    await store.close()
