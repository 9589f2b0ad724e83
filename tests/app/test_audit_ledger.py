"""The trial balance finds every kind of damage to money, and nothing in a sound journal."""

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from remit import App
from remit.adapters.keys import read_keys
from remit.adapters.sqlite.store import SqliteStore
from remit.app.load import make_store
from remit.app.verification import Verification
from remit.journal.codec import open_record, seal
from remit.journal.events import AssumptionCorrected, BudgetSet, Event, ModelCompleted
from remit.journal.fact import Post
from remit.journal.record import GENESIS, SALT_BYTES, Body
from remit.journal.rows import Append, LimitLine, NewRun
from remit.policy.allowance import Budget
from remit.ports import Store
from remit.runtime.books import Entry
from remit.runtime.ledger import Ledger
from remit.values.usage import Usage
from tests.app.damages import damages, edit, rows, verified
from tests.app.spending import spending, worker

WORKER = worker()
BUDGETS = (
    Budget(of="global", window="day", cost_usd="5"),
    Budget(of="user", window="hour", calls=50),
    Budget(of="tenant", tokens=10**6),
)
BOSS = {"principal": "boss", "reason": "it is time"}
COUNTED = ("acme", "globex", "*")


async def fill(path: Path) -> None:
    async with spending(*BUDGETS, agents=[WORKER], url=f"sqlite:///{path}") as app:
        for tenant in ("acme", "globex"):
            for user in ("ann", "bob"):
                await app.run(WORKER, "Go", tenant=tenant, user=user)
        await app.budgets.set("acme", "user:ann", window="day", amounts={"calls": 40}, **BOSS)
        await app.budgets.set("acme", "user:ann", window="day", amounts={"calls": 50}, **BOSS)
        await app.budgets.set("acme", "tenant", amounts={"cost_usd": "7"}, **BOSS)
        await app.budgets.set("globex", "global", amounts={"calls": 99}, **BOSS)
        await app.run(WORKER, "Go", tenant="acme", user="ann")
        await Ledger(app.store).catch_up()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("money") / "j.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
def journal(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    for each in made.parent.glob(f"{made.name}*"):
        if each.is_file():
            shutil.copy(each, tmp_path)
    return tmp_path / made.name


def by_tenant(found: Sequence[Verification]) -> dict[str, Verification]:
    return {each.tenant: each for each in found}


@pytest.mark.requirement("BIL-1", "AUD-3")
async def test_a_sound_ledger_balances(journal: Path) -> None:
    found = by_tenant(await verified(journal))
    assert {tenant: each.damages for tenant, each in found.items()} == dict.fromkeys(COUNTED, ())
    assert [(each.runs, each.books) for each in found.values()] == [(3, 2), (2, 0), (0, 1)]
    assert all(each.head for each in found.values())
    (acme,) = await verified(journal, tenant="acme")
    assert acme.damages == ()
    (operator,) = await verified(journal, tenant="*")
    assert (operator.damages, operator.books) == ((), 1)


def _run(path: Path) -> tuple[str, int]:
    """A run of acme, and the number of its tenant."""
    ((run, tenant),) = rows(
        path,
        "SELECT run, runs.tenant FROM runs JOIN tenants ON tenants.id = tenant "
        "WHERE name = 'acme' AND agent <> '' ORDER BY run LIMIT 1",
    )
    return str(run), int(str(tenant))


@pytest.mark.requirement("BIL-1", "AUD-3")
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "UPDATE accounts SET posted = posted + 1 WHERE account LIKE 'user:ann|hour%'",
            "the account user:ann|hour:",
        ),
        (
            "UPDATE accounts SET posted = posted - 1 WHERE account LIKE 'global:all|day%'",
            "*: the account global:all|day:",
        ),
        ("UPDATE accounts SET held = 7 WHERE account LIKE 'global:all|day%'", "holds 7, its open"),
        ("DELETE FROM accounts WHERE account LIKE 'tenant:acme|total|tokens'", "says 0, the ev"),
        ("UPDATE accounts SET held = held + 5 WHERE account = 'tenant:acme|total|nano'", "holds 5"),
        ("UPDATE limits SET \"limit\" = 51 WHERE account = 'user:ann|day|calls'", "is 51, the bo"),
        ("DELETE FROM limits WHERE account = 'tenant:acme|total|nano'", "is none, the books say 7"),
        ("UPDATE limits SET \"limit\" = 5 WHERE account LIKE 'global:%'", "*: the limit of global"),
        ("UPDATE ledger SET cost = cost + 1", "nano-dollars in"),
        ("UPDATE ledger SET output = 0", "of 200 tokens"),
        ("UPDATE ledger SET user = 'eve' WHERE user = 'bob'", "user eve"),
        ("DELETE FROM ledger", "says 0 nano-dollars in 0 calls"),
        ("UPDATE cursors SET position = position - 3 WHERE name = 'ledger'", "remit ledger --reb"),
    ],
)
async def test_what_was_changed_by_hand_is_found(journal: Path, statement: str, what: str) -> None:
    edit(journal, statement)
    found = await damages(journal)
    assert any(what in each for each in found), found
    assert not any(each.head for each in await verified(journal) if each.damages)


@pytest.mark.requirement("BIL-1", "AUD-3")
async def test_a_limit_that_no_book_tells_of_is_found(journal: Path) -> None:
    _, tenant = _run(journal)
    edit(journal, "INSERT INTO limits VALUES (?, 'user:eve|day|nano', 10)", tenant)
    assert await damages(journal) == [
        "acme: the limit of user:eve|day|nano is 10, the books say none"
    ]


@pytest.mark.requirement("BIL-1", "BUD-7")
async def test_a_hold_that_an_ended_run_left_is_found(journal: Path) -> None:
    run, tenant = _run(journal)
    place = (tenant, f"{run}:c9:1", "tenant:acme|total|tokens")
    edit(journal, "INSERT INTO holds VALUES (?, ?, ?, 5, 100)", *place)
    edit(journal, "UPDATE accounts SET held = 5 WHERE account = ?", place[2])
    assert await damages(journal) == [f"acme/{run}: it has ended and left 1 holds"]


@pytest.mark.requirement("AUD-3", "BIL-1")
async def test_a_book_that_is_gone_is_found(journal: Path) -> None:
    edit(journal, "DELETE FROM runs WHERE run = 'book_user-ann'")
    found = await damages(journal)
    assert any("belongs to no run" in each for each in found)


@pytest.mark.requirement("AUD-3", "BIL-1")
async def test_a_changed_book_is_found(journal: Path) -> None:
    edit(
        journal,
        "UPDATE records SET payload = x'00' WHERE run = "
        "(SELECT id FROM runs WHERE run = 'book_user-ann')",
    )
    assert any("book_user-ann" in each for each in await damages(journal))


async def _forge(store: Store, path: Path, change: dict[str, object]) -> str:
    """Seal a copy of a run of acme anew, with the real keys and another outcome."""
    keys = read_keys(path.with_name(f"{path.name}.keys"), make=False)
    run, _ = _run(path)
    name, previous = "run_forged", GENESIS
    for record in await store.records("acme", run):
        body = open_record(record)
        assert body is not None
        events: tuple[Event, ...] = tuple(
            event.model_copy(update=change) if isinstance(event, ModelCompleted) else event
            for event in body.events
        )
        row = await store.run("acme", run)
        assert row is not None
        forged = seal(
            replace(record.header, run=name),
            Body(causes=body.causes, events=tuple(_own(event, run, name) for event in events)),
            previous=previous,
            salt=b"s" * SALT_BYTES,
            key=keys.mac,
            key_id=keys.mac_id,
        )
        last = record.header.version == row.version
        new = NewRun(
            root=name,
            parent=None,
            agent=row.agent,
            spec=row.spec,
            user=row.user,
            session=row.session,
        )
        await store.append(
            Append(
                record=forged,
                status="completed" if last else "running",
                wake_at_ms=None,
                new=new if record.header.version == 1 else None,
            )
        )
        previous = forged.hash
    return name


def _own(event: Event, run: str, name: str) -> Event:
    root = getattr(event, "root", None)
    return event.model_copy(update={"root": name}) if root == run else event


@pytest.mark.requirement("BIL-1", "AUD-3")
async def test_a_wrong_cost_is_found_even_if_its_writer_had_the_keys(journal: Path) -> None:
    store = SqliteStore(journal)
    await store.open()
    name = await _forge(store, journal, {"cost": 1})
    await store.close()
    found = await damages(journal)
    assert any(name in each and "its usage costs 300000 nano-dollars" in each for each in found)


@pytest.mark.requirement("BIL-1")
async def test_a_limit_in_the_book_of_another_is_found(journal: Path) -> None:
    line = LimitLine("user:bob|day|calls", 9)
    fact = BudgetSet(account=line.account, limit=line.limit, principal="eve")
    async with App(f"sqlite:///{journal}", agents=[]) as app:
        await app.books.enter("acme", "user:ann", lambda *_: Entry(events=(fact,), limits=(line,)))
    (found,) = await damages(journal)
    assert "acme/book_user-ann: tells of user:bob|day|calls, which is another holder's" in found


@pytest.mark.requirement("BIL-1")
async def test_more_accounts_than_one_page_are_checked(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remit.app.audit_ledger._PAGE", 2)
    assert await damages(journal) == []
    edit(journal, "UPDATE accounts SET posted = 1 WHERE account LIKE 'user:bob|hour%calls'")
    edit(journal, "UPDATE accounts SET posted = 5 WHERE account LIKE 'user:bob|hour%calls'")
    assert len(await damages(journal)) == 2, "one in each tenant"


@pytest.mark.requirement("BIL-1")
async def test_closed_windows_are_checked_too(journal: Path) -> None:
    _, tenant = _run(journal)
    old = "user:ann|hour:1999-01-01T00|calls"
    edit(journal, "INSERT INTO accounts VALUES (?, ?, 3, 0, 50, 0)", tenant, old)
    assert await damages(journal) == [f"acme: the account {old} says 3, the events 0"]


@pytest.mark.requirement("BIL-1")
async def test_what_is_posted_meanwhile_is_no_damage(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process goes on between the reading of the journal and that of the accounts."""
    read = SqliteStore.balances
    url, again = f"sqlite:///{journal}", True

    async def balances(
        store: SqliteStore, tenant: str, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> object:
        nonlocal again
        found = await read(store, tenant, prefix, after=after, limit=limit)
        if again:
            again = False
            async with spending(*BUDGETS, agents=[WORKER], url=url) as app:
                for name in ("acme", "globex", "initech"):
                    await app.run(WORKER, "Go", tenant=name, user="ann")
        return found

    monkeypatch.setattr(SqliteStore, "balances", balances)
    assert await damages(journal) == []


@pytest.mark.requirement("BIL-1")
async def test_erased_records_leave_the_rest_to_be_checked(journal: Path) -> None:
    store = make_store(f"sqlite:///{journal}")
    await store.open()
    run, _ = _run(journal)
    (record, *_) = await store.records("acme", run)
    await store.close()
    proof = record.hash + record.mac + record.commitment
    edit(
        journal,
        "UPDATE records SET payload = x'', proof = ? WHERE substr(proof, 1, 32) = ?",
        proof,
        record.hash,
    )
    found = by_tenant(await verified(journal))
    assert [each.damages for each in found.values()] == [(), (), ()]
    assert found["acme"].erased == 1
    edit(journal, "UPDATE accounts SET posted = posted + 1 WHERE account LIKE 'user:bob|hour%'")
    assert {each.partition(":")[0] for each in await damages(journal)} == {"globex"}


@pytest.mark.requirement("BIL-1", "AUD-3")
async def test_a_tenant_that_was_removed_is_missed_by_its_ledger(journal: Path) -> None:
    ((number,),) = rows(journal, "SELECT id FROM tenants WHERE name = 'globex'")
    for table in ("records", "runs", "heads", "spans", "accounts", "holds"):
        connection = sqlite3.connect(journal)
        with connection:
            connection.execute(f"DELETE FROM {table} WHERE tenant = ?", (number,))  # noqa: S608  # literals
        connection.close()
    found = await damages(journal)
    assert any(each.startswith("globex: the ledger of") for each in found), found


@pytest.mark.requirement("BIL-1", "BIL-2")
async def test_a_correction_balances_on_every_account_it_touches(journal: Path) -> None:
    run, _ = _run(journal)
    ((day,),) = rows(journal, "SELECT account FROM accounts WHERE account LIKE 'global:all|day:%'")
    fact = AssumptionCorrected(
        provider="scripted",
        day="2026-11-20",
        run=run,
        call="c1",
        model="scripted:x",
        assumed=300_000,
        billed=100_000,
        usage=Usage(input=40, output=30),
        posts=(
            Post(account=f"run:{run}|total|nano", amount=-200_000),
            Post(account=str(day), amount=-200_000),
            Post(account="tenant:acme|total|tokens", amount=-130),
        ),
    )
    async with App(f"sqlite:///{journal}", agents=[]) as app:
        await app.books.enter("acme", "bills:scripted", lambda *_: Entry(events=(fact,)))
        view = await app.ledger("user", tenant="acme")
        assert sum(row.amounts.cost for row in view.rows) == 3 * 300_000 - 200_000
        assert all(row.names["user"] for row in view.rows), "it counts for whose call it was"
    found = by_tenant(await verified(journal))
    assert {tenant: each.damages for tenant, each in found.items()} == dict.fromkeys(COUNTED, ())
    edit(journal, "UPDATE accounts SET posted = posted + 200000 WHERE account = ?", day)
    assert [each.partition(":")[0] for each in await damages(journal)] == ["*"]
