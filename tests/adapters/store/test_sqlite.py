"""The SQLite store keeps the whole contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from remit.adapters.sqlite.store import SqliteStore
from remit.ports import Store
from tests.adapters.store.contract import StoreContract


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "journal" / "journal.db")
        await store.open()
        yield store
        await store.close()
