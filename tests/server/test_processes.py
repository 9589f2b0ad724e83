"""Several servers on one PostgreSQL journal: a key or sign-in of one is one of all, and ends so."""

from collections.abc import AsyncIterator, Iterator

import pytest

from remit.adapters.keys import new_keys
from remit.server.identity import MAX_AGE_MS
from tests.server.acting import asked, program, start, tree, wait
from tests.server.stage import Served, served, shop_app, signed_in
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.requirement("OPS-5", "TEN-1")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with PostgresServer() as server:
        yield server.database()


@pytest.fixture
async def both(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Served, Served]]:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    async with served(shop_app(database)) as one, served(shop_app(database)) as two:
        yield one, two


def later(found: Served, ms: int) -> None:
    """Let the time of a server's memory go on."""
    identity = found.server.state.identity
    real = identity.now_ms
    identity.now_ms = lambda: real() + ms
    for aged in (identity._keys, identity._sessions, identity._users):
        aged.now_ms = identity.now_ms


async def test_a_key_ends_everywhere(both: tuple[Served, Served]) -> None:
    one, two = both
    made = await one.app.access.issue_key("acme", "ci", roles=["viewer"], principal="root")
    clients = [each.client(authorization=f"Bearer {made.token}") for each in both]
    assert [(await each.get("/api/v1/me")).status for each in clients] == [200, 200]
    await two.app.access.revoke_key("acme", made.state.key, principal="root")
    later(one, MAX_AGE_MS)
    assert (await clients[0].get("/api/v1/me")).status == 401


async def test_a_sign_in_holds_and_ends_everywhere(both: tuple[Served, Served]) -> None:
    one, two = both
    ann = await signed_in(one, "ann", {"acme": frozenset({"viewer"})})
    value = ann.headers["cookie"].partition("=")[2]
    there = two.client(cookie=f"remit-{two.url.rpartition(':')[2]}={value}")
    assert (await there.get("/api/v1/me")).status == 200
    assert (await ann.ask("POST", "/logout")).status == 303
    later(two, MAX_AGE_MS)
    assert (await there.get("/api/v1/me")).status == 401


async def test_who_approves_may_ask_another_process(both: tuple[Served, Served]) -> None:
    one, two = both
    run = await start(await program(one, "acme", "operator"), "refund order 17")
    ann = await signed_in(two, "ann", {"acme": frozenset({"approver"})})
    call = asked(run)
    told = await ann.ask(
        "POST", f"/api/v1/approvals/{call['approval']}/approve", json={"digest": call["digest"]}
    )
    assert told.status == 200, told.text
    assert (await wait(ann, run))["output"] == "Refunded."
    shown = tree(await (await program(one, "acme", "viewer")).get(f"/api/v1/runs/{run['run']}"))
    assert shown["status"] == "completed"
