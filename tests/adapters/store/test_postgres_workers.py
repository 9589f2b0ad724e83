"""Several workers on one Postgres journal: late commits, lost connections, kills, competition."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import psycopg
import pytest

from remit.adapters.postgres import arrivals, batching
from remit.adapters.postgres.appending import append_batch
from remit.adapters.postgres.connecting import Connection
from remit.adapters.postgres.schema import PLACE_BITS
from remit.adapters.postgres.store import PostgresStore
from remit.adapters.postgres.writing import Written, write
from remit.errors import ChainBroken, StoreBusy, UsageError
from remit.journal.rows import (
    Answer,
    Append,
    Appended,
    Balance,
    Conflict,
    Crossed,
    Exceeded,
    LimitLine,
)
from remit.journal.settle import Settled
from tests.adapters.store.chains import Chain, book, hold, letter, post
from tests.adapters.store.processes import Appender, check_chain

Database = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(postgres_url: str, store: PostgresStore) -> AsyncIterator[PostgresStore]:
    other = PostgresStore(postgres_url)
    await other.open()
    yield other
    await other.close()


# ---------------------------------------------------------------- the feed


@pytest.mark.requirement("AUD-3")
async def test_a_transaction_that_commits_late_is_not_skipped(
    store: PostgresStore, postgres_url: str
) -> None:
    late, early = Chain(run="run_late", session="late"), Chain(run="run_early", session="early")
    written = Written()
    written.add(late.next(), Settled({}, {}, ()), ())
    slow = await psycopg.AsyncConnection.connect(postgres_url, autocommit=True)
    await slow.execute("BEGIN")
    await slow.execute("SELECT pg_current_xact_id()")  # its number is lower than that of `early`
    await early.write(store)
    assert await store.feed() == []
    assert await store.feed(tenant="acme") == []
    assert await store.sequence("acme") == 0
    await write(slow, written, 0)
    await slow.execute("COMMIT")
    await slow.close()
    feed = await store.feed()
    assert [item.record.header.run for item in feed] == ["run_late", "run_early"]
    assert await store.sequence("acme") == 2
    assert await store.leaves("acme", 0, 9) == [item.record.hash for item in feed]


async def test_positions_grow_under_competing_writers(
    store: PostgresStore, other: PostgresStore
) -> None:
    """A reader that goes on from its cursor, however writers overlap, misses nothing."""
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(12)]

    async def work(number: int, chain: Chain) -> None:
        for _ in range(15):
            await chain.write(store if number % 2 else other)

    seen: list[bytes] = []

    async def follow() -> None:
        cursor = 0
        while len(seen) < 12 * 15:
            for item in await store.feed(cursor, limit=7):
                assert item.position > cursor
                cursor = item.position
                seen.append(item.record.hash)

    await asyncio.wait_for(
        asyncio.gather(follow(), *(work(n, chain) for n, chain in enumerate(chains))), 60
    )
    assert sorted(seen) == sorted(r.hash for chain in chains for r in chain.written)


async def test_positions_go_on_after_a_dump_was_restored_elsewhere(
    store: PostgresStore, postgres_url: str
) -> None:
    """In a new server transaction ids begin low again, positions must not."""
    chain = Chain()
    await chain.write(store)
    await store.close()
    with psycopg.connect(postgres_url) as database:
        database.execute(
            "UPDATE remit.records SET position = position + (1000000::bigint << %s)", (PLACE_BITS,)
        )
    await store.open()
    (before,) = await store.feed()
    await chain.write(store)
    (after,) = await store.feed(before.position)
    assert after.record == chain.written[1]
    again = PostgresStore(postgres_url)
    await again.open()
    await chain.write(again)
    await again.close()
    assert [item.record for item in await store.feed()] == chain.written


# ---------------------------------------------------------------- lost connections

Batch = list[Answer | ChainBroken | UsageError]


def kill(connection: Connection, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))


@pytest.mark.requirement("DUR-1")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_connection_lost_around_the_commit_leaves_no_doubt(
    store: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    tries = 0

    async def unlucky(connection: Connection, appends: Sequence[Append], base: int) -> Batch:
        nonlocal tries
        tries += 1
        if tries > 1:
            return await append_batch(connection, appends, base)
        if when == "before":
            kill(connection, postgres_url)
            return await append_batch(connection, appends, base)
        await append_batch(connection, appends, base)
        kill(connection, postgres_url)
        await connection.execute("SELECT 1")  # the answer to COMMIT did not arrive
        raise AssertionError("the connection lives")

    monkeypatch.setattr(batching, "append_batch", unlucky)
    chain = Chain()
    account = "run:run_1|total|nano"
    append = chain.next(holds=(hold(10),), posts=(post(90, n=5),))
    answer = await chain.send(store, append)
    crossed = (Crossed(account, 90, 100),) if when == "before" else ()
    assert answer == Appended(crossed)
    assert tries == 2
    assert len(await store.inbox("acme", "run_1")) == 1  # the crossing is told in any case
    assert await store.balances("acme") == [Balance(account, 90, 10, 100)]
    await chain.write(store)
    assert await store.records("acme", "run_1") == chain.written


async def test_a_read_on_a_connection_that_was_closed_is_done_on_a_new_one(
    store: PostgresStore, postgres_url: str
) -> None:
    chain = Chain()
    await chain.write(store)
    assert await store.records("acme", "run_1") == chain.written
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await store.records("acme", "run_1") == chain.written
    assert await store.send("acme", letter())
    assert await chain.write(store) == Appended()


@pytest.mark.requirement("DUR-1")
async def test_nothing_acknowledged_is_lost_when_the_worker_is_killed(
    store: PostgresStore, postgres_url: str
) -> None:
    dice = random.Random(11)
    for number in range(3):
        run = f"run_{number}"
        appender = await asyncio.to_thread(Appender.start, "postgres", postgres_url, run, 1_000_000)
        appender.read(dice.randrange(1, 60))
        appender.kill()
        await check_chain(store, run, appender.acknowledged)


# ---------------------------------------------------------------- competition


@pytest.mark.requirement("BUD-7")
async def test_workers_at_once_never_overspend_a_shared_account(
    store: PostgresStore, other: PostgresStore
) -> None:
    account = "session:shared|total|nano"
    chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(60)]
    answers = await asyncio.gather(
        *(
            chain.write((store, other)[n % 2], holds=(hold(5, account=account, n=n),))
            for n, chain in enumerate(chains)
        )
    )
    assert answers.count(Appended()) == 20
    assert sum(isinstance(answer, Exceeded) for answer in answers) == 40
    assert await store.balances("acme") == [Balance(account, 0, 100, 100)]


async def test_workers_that_touch_the_same_accounts_in_any_order_do_not_deadlock(
    store: PostgresStore, other: PostgresStore
) -> None:
    dice = random.Random(3)
    names = [f"session:{n}|total|nano" for n in range(6)]

    async def work(number: int) -> None:
        chain = Chain(run=f"run_{number}", session=f"s{number}")
        for n in range(10):
            holds = [
                hold(1, account=name, limit=10**6, n=n, run=chain.run)
                for name in dice.sample(names, 4)
            ]
            assert await chain.write((store, other)[number % 2], holds=tuple(holds)) == Appended()

    await asyncio.gather(*(work(number) for number in range(10)))
    assert sum(balance.held for balance in await store.balances("acme")) == 10 * 10 * 4


@pytest.mark.requirement("BUD-7")
@pytest.mark.parametrize("before", [None, 60])
async def test_a_hold_waits_for_a_limit_that_is_being_set_and_keeps_it(
    store: PostgresStore, postgres_url: str, before: int | None
) -> None:
    """Also where there was no limit before, whose row could have been locked."""
    account, limited = "user:ann|day:2026-11-21|nano", "user:ann|day|nano"
    chain, other, operator = Chain(), Chain(tenant="globex"), book()
    await chain.write(store)
    if before is not None:
        await operator.write(store, status="completed", limits=(LimitLine(limited, before),))
    setter = await psycopg.AsyncConnection.connect(postgres_url, autocommit=True)
    await setter.execute("BEGIN")
    await setter.execute("SELECT pg_advisory_xact_lock(hashtextextended('limits acme', 0))")
    await setter.execute(
        "INSERT INTO remit.limits VALUES ('acme', %s, 10) "
        'ON CONFLICT (tenant, account) DO UPDATE SET "limit" = 10',
        (limited,),
    )
    holding = asyncio.create_task(chain.write(store, holds=(hold(50, account=account),)))
    with psycopg.connect(postgres_url, autocommit=True) as database:
        while not holding.done():  # it is known to wait, or it did not
            waits = database.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            if waits.fetchone() is not None:
                break
            await asyncio.sleep(0.01)
    assert not holding.done()
    elsewhere = PostgresStore(postgres_url)
    await elsewhere.open()
    theirs = await other.write(elsewhere, holds=(hold(50, account=account),))
    await elsewhere.close()
    assert theirs == Appended()  # only the tenant's own limits are waited for
    await setter.execute("COMMIT")
    await setter.close()
    assert await holding == Exceeded((Balance(account, 0, 0, 10),))


@pytest.mark.requirement("BUD-7")
async def test_limits_set_and_kept_by_two_workers_at_once(
    store: PostgresStore, other: PostgresStore
) -> None:
    """In the order of the feed no hold takes the account above the limit last set before it."""
    account, limited = "global:all|total|nano", "global:all|total|nano"
    both = (store, other)
    chains = [Chain(run=f"run_{n}", session=f"s{n}", tenant=f"t{n % 3}") for n in range(12)]
    operator = book("*")

    async def spend(number: int, chain: Chain) -> None:
        for turn in range(8):
            name = hold(1, account=account, n=turn, limit=10**6, run=chain.run)
            await chain.write(both[number % 2], holds=(name,))

    async def steer() -> None:
        for number, limit in enumerate((90, 30, 60, 45)):
            line = LimitLine(limited, limit)
            await operator.write(both[number % 2], status="completed", limits=(line,))
            await asyncio.sleep(0.005)

    await asyncio.gather(*(spend(n, c) for n, c in enumerate(chains)), steer())
    limits = iter((90, 30, 60, 45))
    held, limit = 0, 10**6
    for item in await store.feed():
        if item.record.header.run == operator.run:
            limit = next(limits)
        else:
            held += 1
            assert held <= limit
    assert next(limits, None) is None  # all four were set
    (balance,) = await store.balances("*")
    assert balance.held == held


async def test_of_two_workers_one_starts_the_session(
    store: PostgresStore, other: PostgresStore
) -> None:
    for number in range(10):
        session = f"s{number}"
        one, two = (
            Chain(run=f"a_{number}", session=session),
            Chain(run=f"b_{number}", session=session),
        )
        answers = await asyncio.gather(one.write(store), two.write(other))
        assert answers.count(Appended()) == 1
        (conflict,) = [answer for answer in answers if isinstance(answer, Conflict)]
        assert conflict.kind == "session"


async def test_a_lock_held_for_too_long_is_busy(
    store: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "_PATIENCE_S", 0.0)
    chain = Chain()
    await chain.write(store)
    append = chain.next()
    with psycopg.connect(postgres_url) as database:
        database.execute("SELECT 1 FROM remit.runs FOR UPDATE")
        writer = store._opened.batcher._connection if store._opened is not None else None
        assert writer is not None
        await writer.execute("SET lock_timeout = 50")
        with pytest.raises(StoreBusy, match="others keep it busy"):
            await store.append(append)
        assert await Chain(run="run_2", session="s2").write(store) == Appended()
    assert await chain.send(store, append) == Appended()


# ---------------------------------------------------------------- letters


async def test_a_letter_from_another_worker_wakes_by_notification(
    store: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "_POLL_S", 3600.0)
    await Chain().write(store)
    waiting = asyncio.create_task(store.waiting("acme", "run_1", timeout_s=60))
    while store._opened is None or store._opened.arrivals._listener is None:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # it listens by now, or its first look finds the letter
    child = Chain(run="run_1.c1", parent="run_1")
    await child.write(other, status="completed", sends=(letter(),))
    assert await waiting


async def test_a_letter_without_notification_is_found_by_polling(
    store: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "_POLL_S", 0.05)
    await Chain().write(store)
    waiting = asyncio.create_task(store.waiting("acme", "run_1", timeout_s=60))
    await asyncio.sleep(0.1)
    with psycopg.connect(postgres_url) as database:
        database.execute(
            "INSERT INTO remit.letters (tenant, run, key, kind, body, time_ms) "
            "VALUES ('acme', 'run_1', 'k', 'cancel', '{}', 1)"
        )
    assert await waiting


async def test_a_listener_that_lost_its_connection_listens_again(
    store: PostgresStore, other: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "_RECONNECT_S", 0.01)
    await Chain().write(store)
    waiting = asyncio.create_task(store.waiting("acme", "run_1", timeout_s=60))
    await asyncio.sleep(0.1)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await asyncio.sleep(0.05)
    await other.send("acme", letter())
    assert await waiting
