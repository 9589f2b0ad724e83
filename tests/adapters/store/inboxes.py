"""What every store must do with letters to runs."""

import asyncio

import pytest

from remit.errors import NotFound
from remit.journal.rows import VaultRow
from remit.ports import Store
from tests.adapters.store.chains import Chain, letter


class InboxContract:
    """Letters between the driver of a run and everyone else."""

    async def test_letters_wait_in_order_and_are_consumed_with_an_append(
        self, store: Store
    ) -> None:
        chain = Chain()
        await chain.write(store)
        for key in ("k1", "k2", "k3"):
            assert await store.send("acme", letter(key, body=b'{"a":1}'))
        rows = await store.inbox("acme", "run_1")
        assert [row.letter for row in rows] == [
            letter(key, body=b'{"a":1}') for key in ("k1", "k2", "k3")
        ]
        assert [row.number for row in rows] == sorted(row.number for row in rows)
        await chain.write(store, consumed=(rows[0].number, rows[2].number))
        assert await store.inbox("acme", "run_1") == [rows[1]]

    async def test_a_key_sent_before_is_one_letter_even_when_consumed(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store)
        assert await store.send("acme", letter("k1"))
        assert not await store.send("acme", letter("k1", body=b"other"))
        (row,) = await store.inbox("acme", "run_1")
        assert row.letter.body == b"{}"
        await chain.write(store, consumed=(row.number,))
        assert not await store.send("acme", letter("k1"))
        assert await store.inbox("acme", "run_1") == []

    async def test_the_secrets_of_a_letter_are_kept_with_it(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store)
        first = VaultRow("[secret:x:1]", "run_1", b"sealed")
        again = VaultRow("[secret:x:1]", "run_1", b"sealed otherwise")
        other = VaultRow("[secret:x:2]", "run_1", b"another")
        assert await store.send("acme", letter("k1"), (first, other))
        assert await store.send("acme", letter("k2"), (again,))
        assert await store.vault("acme", "[secret:x:1]") == b"sealed"
        assert await store.vault("acme", "[secret:x:2]") == b"another"
        assert await store.vault("globex", "[secret:x:1]") is None
        with pytest.raises(NotFound):
            await store.send("globex", letter("k1"), (first,))
        assert await store.vault("globex", "[secret:x:1]") is None

    async def test_an_append_sends_to_other_runs_of_the_tenant(self, store: Store) -> None:
        parent, child = Chain(), Chain(run="run_1.c1", parent="run_1")
        await parent.write(store)
        foreign = Chain(tenant="globex")
        await foreign.write(store)
        await child.write(store, status="completed", sends=(letter("end"), letter("end")))
        assert [row.letter for row in await store.inbox("acme", "run_1")] == [letter("end")]
        assert await store.inbox("globex", "run_1") == []

    async def test_only_the_own_letters_are_consumed(self, store: Store) -> None:
        one, two = Chain(), Chain(run="run_2", session="s2")
        await one.write(store)
        await two.write(store)
        await store.send("acme", letter("k1", run="run_2"))
        (row,) = await store.inbox("acme", "run_2")
        await one.write(store, consumed=(row.number,))
        assert await store.inbox("acme", "run_2") == [row]

    async def test_a_letter_to_no_run_is_an_error(self, store: Store) -> None:
        with pytest.raises(NotFound, match="run_1"):
            await store.send("acme", letter())
        await Chain(tenant="globex").write(store)
        with pytest.raises(NotFound, match="acme"):
            await store.send("acme", letter())

    async def test_waiting_is_true_at_once_where_a_letter_lies(self, store: Store) -> None:
        await Chain().write(store)
        await store.send("acme", letter())
        assert await store.waiting("acme", "run_1", timeout_s=0)

    async def test_waiting_is_false_after_the_time(self, store: Store) -> None:
        await Chain().write(store)
        assert not await store.waiting("acme", "run_1", timeout_s=0.02)

    async def test_waiting_wakes_for_a_letter_and_only_for_its_run(self, store: Store) -> None:
        await Chain().write(store)
        await Chain(run="run_2", session="s2").write(store)
        mine = asyncio.create_task(store.waiting("acme", "run_1", timeout_s=60))
        other = asyncio.create_task(store.waiting("acme", "run_2", timeout_s=60))
        await asyncio.sleep(0.01)
        await store.send("acme", letter())
        assert await mine
        assert not other.done()
        child = Chain(run="run_1.c1", parent="run_1")
        await child.write(store, sends=(letter("k2", run="run_2"),))
        assert await other

    async def test_waiting_can_be_cancelled(self, store: Store) -> None:
        await Chain().write(store)
        task = asyncio.create_task(store.waiting("acme", "run_1", timeout_s=60))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_a_cancel_that_comes_with_a_letter_is_not_lost(self, store: Store) -> None:
        await Chain().write(store)
        task = asyncio.create_task(store.waiting("acme", "run_1", timeout_s=60))
        await asyncio.sleep(0.01)
        await store.send("acme", letter())
        if task.cancel():
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            assert await task
