"""One key of a caller is one run: again, at once, after a fault, from another process."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.adapters.keys import new_keys
from remit.adapters.memory.store import MemoryStore
from remit.app.app import App
from remit.app.launching import Wish
from remit.app.once import KEPT_MS, Begun, Once, Request
from remit.errors import NotAllowed, RequestRefused
from remit.runtime.books import Books
from remit.values.ids import made_ms
from tests.cli.shop import PRICES, clerk, model, shop
from tests.runtime.kit import TENANT, HandClock, services_on
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.requirement("UX-1")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def asking(key: str = "k1", body: str = "look") -> Request:
    return Request(tenant="acme", principal="key:ci", key=key, body=body.encode())


async def begin(
    app: App, what: Request, started: list[str], text: str = "look at it", session: str = "s1"
) -> Begun:
    async def start(run: str) -> None:
        started.append(run)
        wish = Wish(text=text, tenant="acme", user="ann", session=session, labels=(), run=run)
        await app.engine.begun("acme", await app.launch(clerk, wish))

    return await app.once.begin(what, start)


async def test_the_same_request_is_the_same_run_after_it_has_ended_and_in_another_process(
    tmp_path: Path,
) -> None:
    started: list[str] = []
    async with shop(tmp_path / "j.db") as app:
        first = await begin(app, asking(), started)
        assert not first.again
        await app.wait(first.run, tenant="acme")
        assert await begin(app, asking(), started) == Begun(run=first.run, again=True)
    async with shop(tmp_path / "j.db") as app:
        assert await begin(app, asking(), started) == Begun(run=first.run, again=True)
        other = await begin(app, asking("k2"), started)
        assert other.run > first.run
        await app.wait(other.run, tenant="acme")
    assert started == [first.run, other.run]


async def test_another_body_under_the_same_key_is_refused(
    tmp_path: Path,
) -> None:
    started: list[str] = []
    async with shop(tmp_path / "j.db") as app:
        first = await begin(app, asking("key-of-mine", "look at my secret plan"), started)
        with pytest.raises(RequestRefused, match=first.run) as refused:
            await begin(app, asking("key-of-mine", "look elsewhere"), started)
        assert refused.value.status == 409
        await app.wait(first.run, tenant="acme")
        assert started == [first.run]
        (book,) = await app.store.runs("acme", books=True)
        (page,) = await app.books.read("acme", book.run.removeprefix("book_").replace("-", ":", 1))
        kept = f"{book}{page}"
        assert "key-of-mine" not in kept
        assert "secret plan" not in kept


async def test_keys_of_others_and_of_other_tenants_are_other_keys(tmp_path: Path) -> None:
    started: list[str] = []
    async with shop(tmp_path / "j.db") as app:
        mine = await begin(app, asking(), started)
        await app.wait(mine.run, tenant="acme")
        theirs = Request(tenant="acme", principal="key:other", key="k1", body=b"look")
        assert (await begin(app, theirs, started)).run != mine.run
        await app.wait(started[-1], tenant="acme")


async def test_of_many_at_once_one_begins_the_run(tmp_path: Path) -> None:
    started: list[str] = []
    async with shop(tmp_path / "j.db") as app:
        found = await asyncio.gather(*(begin(app, asking(), started) for _ in range(20)))
        assert {each.run for each in found} == set(started)
        assert len(started) == 1
        assert [each.again for each in found].count(False) == 1
        await app.wait(started[0], tenant="acme")
        assert len(await app.store.runs("acme")) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_of_two_processes_at_once_one_begins_the_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    url = f"sqlite:///{tmp_path / 'j.db'}"
    if kind == "postgres":
        database: PostgresServer = request.getfixturevalue("postgres")
        url = database.database()
    started: list[str] = []
    one = App(url, agents=[clerk], models=model(), prices=PRICES)
    two = App(url, agents=[clerk], models=model(), prices=PRICES)
    async with one, two:
        for number in range(5):
            what, session = asking(f"k{number}"), f"s{number}"
            found = await asyncio.gather(
                *(begin(app, what, started, session=session) for app in (one, two, one, two))
            )
            assert len({each.run for each in found}) == 1
            await one.wait(found[0].run, tenant="acme")
        assert len(await one.store.runs("acme")) == 5


async def test_a_run_that_another_process_began_and_ended_meanwhile_is_the_run(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.db"
    async with shop(path) as one, shop(path) as two:
        reserved: list[str] = []

        async def slow(run: str) -> None:
            reserved.append(run)
            other = await begin(two, asking(), [])
            assert other.run == run
            await two.wait(run, tenant="acme")
            wish = Wish(
                text="look at it", tenant="acme", user="ann", session="s1", labels=(), run=run
            )
            await one.engine.begun("acme", await one.launch(clerk, wish))

        found = await one.once.begin(asking(), slow)
        assert [found.run] == reserved
        assert len(await one.store.runs("acme")) == 1


async def test_what_could_not_begin_is_begun_again_under_the_same_id(tmp_path: Path) -> None:
    started: list[str] = []
    async with shop(tmp_path / "j.db") as app:
        waits = await app.run(clerk, "refund order 17", tenant="acme", user="ann", session="s1")
        assert waits.status == "waiting"
        for _ in range(2):
            with pytest.raises(NotAllowed, match="active run"):
                await begin(app, asking(), started)
        await app.desk.cancel("acme", waits.id, principal="ann")
        await app.wait(waits.id, tenant="acme")
        found = await begin(app, asking(), started)
        assert set(started) == {found.run}
        await app.wait(found.run, tenant="acme")


async def test_a_run_between_makes_the_reserved_id_too_old_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    started: list[str] = []
    async with shop(tmp_path / "j.db") as app:
        waits = await app.run(clerk, "refund order 17", tenant="acme", user="ann", session="s1")
        with pytest.raises(NotAllowed, match="active run"):
            await begin(app, asking(), started)
        await app.desk.cancel("acme", waits.id, principal="ann")
        await app.wait(waits.id, tenant="acme")
        await app.run(clerk, "look at order 17", tenant="acme", user="ann", session="s1")
        with pytest.raises(NotAllowed, match="another key"):
            await begin(app, asking(), started)
        found = await begin(app, asking("k2"), started)
        await app.wait(found.run, tenant="acme")


async def test_a_key_is_free_again_after_a_day() -> None:
    store, clock = MemoryStore(), HandClock()
    await store.open()
    services = services_on(store, clock=clock)
    books = Books(store, clock, services.dice, services.signer)
    once = Once(store=store, books=books, dice=services.dice, secret=b"s" * 32)
    started: list[str] = []

    async def start(run: str) -> None:
        started.append(run)

    what = Request(tenant=TENANT, principal="key:ci", key="k", body=b"a")
    other = Request(tenant=TENANT, principal="key:ci", key="k", body=b"b")
    first = await once.begin(what, start)
    clock.at_ms += KEPT_MS - 1
    with pytest.raises(RequestRefused):
        await once.begin(other, start)
    clock.at_ms += 1
    second = await once.begin(other, start)
    assert not second.again
    assert second.run != first.run
    assert made_ms(second.run) == clock.at_ms
