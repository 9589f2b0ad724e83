"""Several processes keep one ledger: each record is entered once, whoever was first."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.ports import Store
from remit.projections.ledger import sums
from remit.runtime.ledger import Ledger, charges_of
from tests.adapters.store.processes import ROOT
from tests.runtime.ledgers import Spending


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str, Store]:
    """A kind of store, where it is, and one of it that is not open yet."""
    if request.param == "sqlite":
        path = str(tmp_path / "j.db")
        return "sqlite", path, SqliteStore(path)
    url: str = request.getfixturevalue("postgres_url")
    return "postgres", url, PostgresStore(url)


def summer(kind: str, where: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """A process that keeps the ledger; killed at the end if it has not ended."""

    @contextmanager
    def running() -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.adapters.store.summer", kind, where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield process
            finally:
                process.kill()

    return running()


def finish(process: subprocess.Popen[str]) -> int:
    """How many records the process entered, once it was told to end."""
    said, _ = process.communicate("end\n")
    return int(said)


@pytest.mark.requirement("BIL-1")
async def test_each_record_is_entered_by_one_process(journal: tuple[str, str, Store]) -> None:
    kind, where, store = journal
    await store.open()
    with summer(kind, where) as first, summer(kind, where) as second, summer(kind, where) as lost:
        runs = [await Spending(store, run=f"run_{n}").start() for n in range(3)]
        for step in range(12):
            await asyncio.gather(*(run.call() for run in runs))
            if step == 6:
                lost.kill()
        both = await asyncio.gather(
            asyncio.to_thread(finish, first), asyncio.to_thread(finish, second)
        )
    await Ledger(store).catch_up()
    assert sum(both) > 0
    entries = [each for row in await store.runs(None) for each in await charges_of(store, row)]
    assert len(entries) == 3 * 12
    assert {each.key: each.amounts for each in await store.ledger()} == sums(entries)
    await store.close()
