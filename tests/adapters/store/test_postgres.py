"""The Postgres store keeps the whole contract."""

from collections.abc import AsyncIterator

import pytest

from remit.adapters.postgres.leases import SKEW_MS
from remit.adapters.postgres.store import PostgresStore
from remit.ports import Store
from tests.adapters.store.contract import StoreContract


class TestPostgresStore(StoreContract):
    takeover_wait_ms = SKEW_MS

    @pytest.fixture
    async def store(self, postgres_url: str) -> AsyncIterator[Store]:
        store = PostgresStore(postgres_url)
        await store.open()
        yield store
        await store.close()
