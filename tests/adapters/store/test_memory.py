"""The in-memory store keeps the whole contract."""

from collections.abc import AsyncIterator

import pytest

from remit.adapters.memory.store import MemoryStore
from remit.ports import Store
from tests.adapters.store.chains import Chain
from tests.adapters.store.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = MemoryStore()
        await store.open()
        yield store
        await store.close()


async def test_it_keeps_its_content_while_the_object_lives() -> None:
    store = MemoryStore()
    await store.open()
    chain = Chain()
    await chain.write(store)
    await store.close()
    await store.open()
    assert await store.records("acme", "run_1") == chain.written
