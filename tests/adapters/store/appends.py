"""What every store must do with appends: versions, epochs, sessions, all or nothing."""

import asyncio

import pytest

from remit.errors import ChainBroken, StoreGone, UsageError
from remit.journal.admit import MAX_BLOB_BYTES
from remit.journal.record import GENESIS
from remit.journal.rows import (
    Appended,
    Balance,
    Blob,
    Conflict,
    Crossed,
    Exceeded,
    Fenced,
    VaultRow,
)
from remit.ports import Store
from tests.adapters.store.chains import NOW, Chain, hold, letter, post

ACCOUNT = "run:run_1|total|nano"
LEASE_MS = 30_000


class AppendContract:
    """Versions, epochs, sessions and what is written with a record."""

    async def test_a_record_comes_back_as_it_was_written(self, store: Store) -> None:
        chain = Chain()
        for _ in range(5):
            assert await chain.write(store) == Appended()
        assert await store.records("acme", "run_1") == chain.written
        assert await store.records("acme", "run_1", after=3) == chain.written[3:]
        assert await store.records("acme", "run_1", after=5) == []
        assert await store.records("acme", "other") == []

    @pytest.mark.requirement("TEN-1")
    async def test_runs_of_two_tenants_with_one_name_are_two_runs(self, store: Store) -> None:
        ours, theirs = Chain(), Chain(tenant="globex", salt=b"x" * 16)
        await ours.write(store)
        await theirs.write(store)
        await theirs.write(store)
        assert await store.records("acme", "run_1") == ours.written
        assert await store.records("globex", "run_1") == theirs.written

    async def test_the_row_says_what_the_run_is_and_where_it_stands(self, store: Store) -> None:
        chain = Chain(lease=("host-1", NOW + LEASE_MS))
        await chain.write(store)
        chain.now_ms += 5
        await chain.write(store, status="waiting", wake_at_ms=NOW + 60_000)
        row = await store.run("acme", "run_1")
        assert row is not None
        assert (row.tenant, row.run, row.root, row.parent) == ("acme", "run_1", "run_1", None)
        assert (row.agent, row.spec, row.user, row.session) == ("agent", "0" * 64, "ann", "s1")
        assert (row.status, row.version, row.epoch) == ("waiting", 2, 1)
        assert (row.created_ms, row.updated_ms, row.wake_at_ms) == (NOW, NOW + 5, NOW + 60_000)
        assert (row.owner, row.lease_until_ms) == ("host-1", NOW + LEASE_MS)
        assert await store.run("acme", "run_2") is None
        assert await store.run("globex", "run_1") is None

    @pytest.mark.parametrize("version", [0, 1, 3])
    async def test_another_version_is_a_conflict(self, store: Store, version: int) -> None:
        chain = Chain()
        await chain.write(store)
        await chain.write(store)
        head = chain.head if version else GENESIS
        other = Chain(version=version, head=head, salt=b"o" * 16)
        answer = await store.append(other.next())
        kind = "exists" if version == 0 else "version"
        assert answer == Conflict(kind, 2, "run_1")  # type: ignore[arg-type] # two literals
        assert await store.records("acme", "run_1") == chain.written

    async def test_an_append_to_no_run_is_a_conflict(self, store: Store) -> None:
        chain = Chain(version=4)
        assert await store.append(chain.next()) == Conflict("version", 0, "run_1")

    async def test_the_same_append_again_is_answered_appended(self, store: Store) -> None:
        chain = Chain()
        first = chain.next(holds=(hold(10),))
        await chain.send(store, first)
        assert await store.append(first) == Appended()
        second = chain.next(posts=(post(90),))
        assert await chain.send(store, second) == Appended((Crossed(ACCOUNT, 90, 100),))
        assert await store.append(second) == Appended()
        assert await store.append(first) == Appended()
        assert await store.records("acme", "run_1") == chain.written
        assert await store.balances("acme") == [Balance(ACCOUNT, 90, 0, 100)]

    async def test_a_record_that_does_not_follow_is_refused(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store)
        stray = Chain(version=1, head=b"\1" * 32)
        with pytest.raises(ChainBroken, match="acme/run_1 version 2"):
            await store.append(stray.next())
        assert await store.records("acme", "run_1") == chain.written

    async def test_appends_no_state_could_take_are_errors(self, store: Store) -> None:
        with pytest.raises(UsageError, match="epoch 1"):
            await store.append(Chain(epoch=2).next())
        with pytest.raises(UsageError, match="GENESIS"):
            await store.append(Chain(head=b"\1" * 32).next())
        late = Chain()
        await late.write(store)
        first = Chain(salt=b"z" * 16).next()
        second = late.next()
        with pytest.raises(UsageError, match="version 1"):
            await store.append(
                type(second)(record=second.record, status="running", wake_at_ms=None, new=first.new)
            )
        with pytest.raises(UsageError, match="claim"):
            await store.append(
                type(second)(
                    record=second.record, status="running", wake_at_ms=None, lease=("a", 1)
                )
            )

    async def test_a_higher_epoch_fences_the_old_driver(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store)
        claimed = await store.claim("acme", "run_1", owner="b", now_ms=NOW, lease_ms=LEASE_MS)
        assert claimed is not None
        assert claimed.row.epoch == 2
        assert await chain.write(store) == Fenced(2)
        chain.epoch = 2
        assert await chain.write(store) == Appended()

    async def test_one_active_root_run_per_session(self, store: Store) -> None:
        first = Chain()
        await first.write(store)
        second = Chain(run="run_2")
        assert await second.write(store) == Conflict("session", 1, "run_1")
        assert await Chain(run="run_3", session="s2").write(store) == Appended()
        assert await Chain(run="run_4", tenant="globex").write(store) == Appended()
        assert await Chain(run="run_1.c1", parent="run_1").write(store) == Appended()
        await first.write(store, status="waiting")
        assert await second.write(store) == Conflict("session", 2, "run_1")
        await first.write(store, status="completed")
        assert await second.write(store) == Appended()

    async def test_an_ended_run_does_not_live_again(self, store: Store) -> None:
        chain, other = Chain(), Chain(run="run_2", session="s1")
        await chain.write(store)
        await chain.write(store, status="completed")
        await other.write(store)
        with pytest.raises(UsageError, match="acme/run_1 version 3: the run has ended"):
            await chain.write(store)
        assert await chain.write(store, status="completed") == Appended()  # a late correction

    async def test_the_end_releases_the_lease(self, store: Store) -> None:
        chain = Chain(lease=("a", NOW + LEASE_MS))
        await chain.write(store)
        await chain.write(store, status="stopped")
        row = await store.run("acme", "run_1")
        assert row is not None
        assert (row.status, row.owner, row.lease_until_ms) == ("stopped", None, 0)

    async def test_vault_rows_and_blobs_are_kept_once_and_per_tenant(self, store: Store) -> None:
        chain = Chain()
        secret = VaultRow("[secret:aws_key:3f9a]", "run_1", b"sealed")
        await chain.send(store, chain.next(vault=(secret,), blobs=(Blob("ab", b"whole" * 99),)))
        again = VaultRow("[secret:aws_key:3f9a]", "run_1", b"sealed otherwise")
        await chain.send(store, chain.next(vault=(again,), blobs=(Blob("ab", b"whole" * 99),)))
        assert await store.vault("acme", secret.placeholder) == b"sealed"
        assert await store.vault("globex", secret.placeholder) is None
        assert await store.blob("acme", "ab") == b"whole" * 99
        assert await store.blob("globex", "ab") is None
        await store.put_blob("globex", Blob("ab", b""))
        await store.put_blob("globex", Blob("ab", b""))
        assert await store.blob("globex", "ab") == b""

    async def test_a_blob_that_is_too_large_is_refused(self, store: Store) -> None:
        with pytest.raises(UsageError, match="larger than"):
            await store.put_blob("acme", Blob("ab", bytes(MAX_BLOB_BYTES + 1)))
        assert await store.blob("acme", "ab") is None

    async def test_a_refused_append_leaves_nothing(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store)
        await store.send("acme", letter("waits"))
        number = (await store.inbox("acme", "run_1"))[0].number
        refused = chain.next(
            status="waiting",
            holds=(hold(60), hold(60, n=2)),
            posts=(post(5),),
            consumed=(number,),
            sends=(letter("other"),),
            vault=(VaultRow("[secret:x:1]", "run_1", b"s"),),
            blobs=(Blob("cd", b"x"),),
        )
        assert isinstance(await store.append(refused), Exceeded)
        row = await store.run("acme", "run_1")
        assert row is not None
        assert (row.status, row.version) == ("running", 1)
        assert [r.letter.key for r in await store.inbox("acme", "run_1")] == ["waits"]
        assert await store.balances("acme") == []
        assert await store.open_holds("acme", "run_1") == []
        assert await store.vault("acme", "[secret:x:1]") is None
        assert await store.blob("acme", "cd") is None
        assert await store.records("acme", "run_1") == chain.written

    async def test_many_appends_at_once_do_not_undo_each_other(self, store: Store) -> None:
        chains = [Chain(run=f"run_{n:02}", session=f"s{n}") for n in range(40)]
        clash = Chain(run="run_clash", session="s7")
        broke = Chain(run="run_broke", session="broke")
        stray = Chain(run="run_00", session="s0", version=1, head=b"\2" * 32)
        jobs = [chain.write(store) for chain in chains]
        jobs.insert(20, clash.write(store))
        jobs.insert(25, broke.write(store, holds=(hold(101),)))
        answers = await asyncio.gather(*jobs, stray.write(store), return_exceptions=True)
        assert isinstance(answers.pop(), ChainBroken)
        assert isinstance(answers.pop(25), Exceeded)
        assert answers.pop(20) == Conflict("session", 1, "run_07")
        assert answers == [Appended()] * 40
        assert len(await store.feed()) == 40

    async def test_a_closed_store_says_so(self, store: Store) -> None:
        await store.close()
        with pytest.raises(StoreGone, match="closed"):
            await store.append(Chain().next())
        with pytest.raises(StoreGone, match="closed"):
            await store.run("acme", "run_1")
        await store.close()
