"""What goes wrong with a Postgres journal is told with its address and a remedy."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import errors

from remit.adapters.postgres import batching, reading
from remit.adapters.postgres.connecting import Server
from remit.adapters.postgres.schema import MIGRATIONS, migrate
from remit.adapters.postgres.store import PostgresStore
from remit.errors import (
    ConfigError,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)
from remit.journal.rows import Appended
from tests.adapters.store.chains import Chain
from tests.adapters.store.processes import ROOT
from tests.support.postgres import PostgresServer


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url)
    await store.open()
    yield store
    await store.close()


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        for statement in statements:
            database.execute(statement.encode())


# ---------------------------------------------------------------- addresses


async def test_an_address_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="postgresql://user:password@host") as caught:
        PostgresStore("postgresql://ann:tops3cret@[::1/x")
    assert "tops3cret" not in str(caught.value)


async def test_a_server_that_is_not_there_and_no_password_in_the_message() -> None:
    store = PostgresStore("postgresql://ann:tops3cret@127.0.0.1:1/journal")
    with pytest.raises(StoreGone, match=r"postgresql://127\.0\.0\.1/journal: cannot be") as caught:
        await store.open()
    assert "tops3cret" not in str(caught.value) + store.url


async def test_a_database_that_is_not_there(postgres: PostgresServer) -> None:
    with pytest.raises(StoreGone, match="nowhere"):
        await PostgresStore(postgres.url("nowhere")).open()


async def test_without_psycopg_the_extra_is_named() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from remit.errors import MissingExtra\n"
        "try:\n    import remit.adapters.postgres.store\n"
        "except MissingExtra as exc:\n    print(exc)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "pip install 'remit[postgres]'" in done.stdout


# ---------------------------------------------------------------- a server in trouble


@pytest.mark.requirement("DUR-1")
async def test_a_server_that_dies_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with PostgresServer(durable=True) as server:
        store = PostgresStore(server.database())
        await store.open()
        chain = Chain()
        for _ in range(20):
            await chain.write(store)
        server.kill()
        monkeypatch.setattr(batching, "_PATIENCE_S", 0.05)
        append = chain.next()
        with pytest.raises(StoreGone, match="Check that the server runs"):
            await store.append(append)
        with pytest.raises(StoreGone):
            await asyncio.gather(*(Chain(run=f"run_{n}").write(store) for n in (2, 3)))
        with pytest.raises(StoreGone):
            await store.records("acme", "run_1")
        server.start()
        assert await store.records("acme", "run_1") == chain.written
        monkeypatch.setattr(batching, "_PATIENCE_S", 5.0)
        assert await chain.send(store, append) == Appended()
        server.kill()
        restarted = asyncio.get_running_loop().run_in_executor(None, server.start)
        assert await chain.write(store) == Appended()  # waited for
        await restarted
        assert await store.records("acme", "run_1") == chain.written
        await store.close()


async def test_a_database_that_only_reads(store: PostgresStore, postgres_url: str) -> None:
    chain = Chain()
    await chain.write(store)
    await store.close()
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    run(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StoreReadOnly, match="Connect to the primary server"):
        await store.open()
    run(
        postgres_url,
        "SET default_transaction_read_only = off",
        f"ALTER DATABASE {name} RESET default_transaction_read_only",
    )


async def test_a_user_without_rights(postgres: PostgresServer, postgres_url: str) -> None:
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    run(postgres_url, f"CREATE ROLE guest_{name} LOGIN")
    store = PostgresStore(postgres_url.replace("remit@", f"guest_{name}@"))
    with pytest.raises(StoreReadOnly, match="owns the schema `remit` or may create it"):
        await store.open()
    run(postgres_url, f"DROP ROLE guest_{name}")


async def test_a_job_the_database_refuses_fails_alone(store: PostgresStore) -> None:
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(4)]
    bad = Chain(run="run_bad", session="a\0b")
    answers = await asyncio.gather(
        *(c.write(store) for c in chains[:2]),
        bad.write(store),
        *(c.write(store) for c in chains[2:]),
        Chain(run="run_far", session="far").write(store, wake_at_ms=2**70),
        return_exceptions=True,
    )
    assert isinstance(answers.pop(5), StoreError)
    assert isinstance(answers.pop(2), Exception)
    assert answers == [Appended()] * 4
    assert len(await store.feed()) == 4


async def test_a_cancelled_caller_leaves_the_writer_in_order(store: PostgresStore) -> None:
    task = asyncio.create_task(Chain().write(store))
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await Chain(run="run_2", session="s2").write(store) == Appended()


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (errors.DiskFull("no space left on device"), StoreFull),
        (errors.IndexCorrupted("index row size"), StoreCorrupt),
        (errors.DataCorrupted("invalid page"), StoreCorrupt),
        (errors.DeadlockDetected("deadlock"), StoreBusy),
        (errors.QueryCanceled("statement timeout"), StoreBusy),
        (errors.ReadOnlySqlTransaction("cannot execute"), StoreReadOnly),
        (psycopg.InterfaceError("closed"), StoreGone),
        (errors.UndefinedTable("no such table"), StoreError),
    ],
)
def test_every_fault_has_its_class(exc: psycopg.Error, kind: type[StoreError]) -> None:
    fault = Server("postgresql://somewhere/x").fault(exc)
    assert type(fault) is kind
    assert "postgresql://somewhere/x" in str(fault)


# ---------------------------------------------------------------- schema


async def test_openers_at_the_same_time_migrate_once(postgres_url: str) -> None:
    stores = [PostgresStore(postgres_url) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    with psycopg.connect(postgres_url) as database:
        rows = database.execute("SELECT number, title FROM remit.migrations").fetchall()
    assert rows == [(number, title) for number, (title, _) in enumerate(MIGRATIONS, start=1)]
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_journal_of_a_newer_remit(store: PostgresStore, postgres_url: str) -> None:
    number = len(MIGRATIONS) + 1
    with psycopg.connect(postgres_url) as database:
        database.execute("INSERT INTO remit.migrations VALUES (%s, 'from the future')", (number,))
    with pytest.raises(StoreError, match=f"schema is version {number}, this Remit knows"):
        await PostgresStore(postgres_url).open()


async def test_a_migration_that_fails_leaves_nothing(postgres_url: str) -> None:
    connection = await Server(postgres_url).connect()
    broken = (*MIGRATIONS, ("broken", "CREATE TABLE remit.runs (again int)"))
    with pytest.raises(errors.DuplicateTable):
        await migrate(connection, "here", broken)
    found = await connection.execute("SELECT to_regnamespace('remit') IS NULL")
    assert await found.fetchone() == (True,)
    newer = (*MIGRATIONS, ("a mark", "ALTER TABLE remit.runs ADD COLUMN mark text"))
    await migrate(connection, "here")
    await migrate(connection, "here", newer)
    await migrate(connection, "here", newer)
    found = await connection.execute("SELECT max(number) FROM remit.migrations")
    assert await found.fetchone() == (len(newer),)
    await connection.close()


@pytest.mark.requirement("DUR-2", "TEN-1")
async def test_a_session_is_looked_up_through_an_index(
    store: PostgresStore, postgres_url: str
) -> None:
    def plan(session: str | None, parent: str | None) -> str:
        query, values = reading.runs_query("acme", session, (), parent, None, 10)
        with psycopg.connect(postgres_url) as database:
            database.execute("SET enable_seqscan = off")
            found = database.execute(f"EXPLAIN {query}".encode(), values)
            return "\n".join(str(row[0]) for row in found)

    assert "runs_by_session" in plan("s1", None)
    assert "runs_by_parent" in plan(None, "run_1")


async def test_every_index_of_tenants_data_begins_with_the_tenant(
    store: PostgresStore, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as database:
        rows = database.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'remit' "
            "AND tablename IN (SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'remit' AND column_name = 'tenant')"
        ).fetchall()
    operators = {"records_by_position"}  # the feed over all tenants
    assert len(rows) > 10
    for name, definition in rows:
        assert "(tenant" in str(definition) or name in operators, definition
