"""A journal in PostgreSQL is verified like any other, and its damage is found."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from remit.adapters.keys import Keys, new_keys, parse_keys
from remit.adapters.postgres.store import PostgresStore
from remit.app.app import App
from remit.app.audit import verify_journal
from remit.app.verification import KnownHead, Verification
from tests.app.damages import NOW_MS
from tests.cli.shop import PRICES, clerk, model
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    url = server.database()
    yield url
    server.drop(url)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    text = new_keys()
    monkeypatch.setenv("REMIT_KEYS", text)
    return parse_keys(text, "REMIT_KEYS")


async def verified(url: str, keys: Keys, *heads: KnownHead) -> Verification:
    store = PostgresStore(url)
    await store.open()
    try:
        (found,) = await verify_journal(
            store, keys.head, keys.macs(), tenants=["local"], heads=heads, now_ms=NOW_MS
        )
    finally:
        await store.close()
    return found


DAMAGES = {
    "payload": "UPDATE remit.records SET payload = '\\x00' || substr(payload, 2)",
    "row": "UPDATE remit.runs SET \"user\" = 'other' WHERE agent = 'helper'",
    "run": "DELETE FROM remit.runs WHERE agent = 'helper'",
    "records": "DELETE FROM remit.records WHERE version = 3",
    "account": "UPDATE remit.accounts SET posted = posted + 1",
    "held": "UPDATE remit.accounts SET held = held + 1",
    "limit": "INSERT INTO remit.limits VALUES ('local', 'user:ann|day|nano', 5)",
    "ledger": "UPDATE remit.ledger SET cost = cost + 1",
}


@pytest.mark.requirement("AUD-1", "AUD-3")
@pytest.mark.parametrize("kind", DAMAGES)
async def test_sound_then_damaged(kind: str, url: str, keys: Keys) -> None:
    async with App(url, agents=[clerk], models=model(), prices=PRICES) as app:
        await app.run(clerk, "note it twice")
        await app.run(clerk, "help me")
    sound = await verified(url, keys)
    assert sound.damages == ()
    assert (sound.runs, sound.records) == (3, sound.size)
    with psycopg.connect(url) as connection:
        assert connection.execute(sql.SQL(DAMAGES[kind])).rowcount > 0
    head = KnownHead(tenant="local", size=sound.size, root=sound.root, where="the kept head")
    assert (await verified(url, keys, head)).damages
