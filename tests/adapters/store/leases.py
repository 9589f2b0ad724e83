"""What every store must do about who drives a run, and which runs want it."""

import asyncio

from remit.ports import Store
from tests.adapters.store.chains import NOW, Chain, letter

LEASE_MS = 30_000


class LeaseContract:
    """Who may drive a run, and which runs want it."""

    takeover_wait_ms = 0
    """How long after the end of a lease another owner still has to wait."""

    async def test_a_free_run_is_claimed_and_its_epoch_raised(self, store: Store) -> None:
        await Chain().write(store)
        claimed = await store.claim("acme", "run_1", owner="a", now_ms=NOW, lease_ms=LEASE_MS)
        assert claimed is not None
        assert claimed.previous_owner is None
        assert (claimed.row.owner, claimed.row.epoch) == ("a", 2)
        assert claimed.row.lease_until_ms == NOW + LEASE_MS
        assert await store.run("acme", "run_1") == claimed.row

    async def test_the_owner_claims_again_without_a_new_epoch(self, store: Store) -> None:
        await Chain(lease=("a", NOW + LEASE_MS)).write(store)
        claimed = await store.claim("acme", "run_1", owner="a", now_ms=NOW + 1, lease_ms=LEASE_MS)
        assert claimed is not None
        assert (claimed.row.epoch, claimed.previous_owner) == (1, "a")
        assert claimed.row.lease_until_ms == NOW + 1 + LEASE_MS

    async def test_an_owner_whose_lease_is_over_gets_a_new_epoch(self, store: Store) -> None:
        await Chain(lease=("a", NOW + LEASE_MS)).write(store)
        late = NOW + LEASE_MS
        claimed = await store.claim("acme", "run_1", owner="a", now_ms=late, lease_ms=LEASE_MS)
        assert claimed is not None
        assert claimed.row.epoch == 2

    async def test_a_leased_run_is_not_given_to_another(self, store: Store) -> None:
        await Chain(lease=("a", NOW + LEASE_MS)).write(store)
        late = NOW + LEASE_MS + self.takeover_wait_ms
        assert (
            await store.claim("acme", "run_1", owner="b", now_ms=late - 1, lease_ms=LEASE_MS)
            is None
        )
        claimed = await store.claim("acme", "run_1", owner="b", now_ms=late, lease_ms=LEASE_MS)
        assert claimed is not None
        assert (claimed.previous_owner, claimed.row.owner, claimed.row.epoch) == ("a", "b", 2)

    async def test_no_one_claims_what_has_ended_or_is_not(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store)
        await chain.write(store, status="completed")
        for run in ("run_1", "run_2"):
            assert await store.claim("acme", run, owner="a", now_ms=NOW, lease_ms=LEASE_MS) is None

    async def test_of_many_claims_at_once_one_succeeds(self, store: Store) -> None:
        await Chain().write(store)
        claims = await asyncio.gather(
            *(
                store.claim("acme", "run_1", owner=f"o{n}", now_ms=NOW, lease_ms=LEASE_MS)
                for n in range(8)
            )
        )
        assert sum(claimed is not None for claimed in claims) == 1

    async def test_a_lease_is_renewed_until_fenced(self, store: Store) -> None:
        await Chain(lease=("a", NOW + LEASE_MS)).write(store)
        until = NOW + 2 * LEASE_MS
        assert await store.renew("acme", "run_1", epoch=1, lease_until_ms=until)
        row = await store.run("acme", "run_1")
        assert row is not None
        assert row.lease_until_ms == until
        late = until + self.takeover_wait_ms
        await store.claim("acme", "run_1", owner="b", now_ms=late, lease_ms=LEASE_MS)
        assert not await store.renew("acme", "run_1", epoch=1, lease_until_ms=late)
        await store.release("acme", "run_1", epoch=1)
        row = await store.run("acme", "run_1")
        assert row is not None
        assert (row.owner, row.lease_until_ms) == ("b", late + LEASE_MS)

    async def test_a_released_run_is_free(self, store: Store) -> None:
        await Chain(lease=("a", NOW + LEASE_MS)).write(store)
        await store.release("acme", "run_1", epoch=1)
        assert not await store.renew("acme", "run_1", epoch=1, lease_until_ms=NOW)
        assert not await store.renew("acme", "run_2", epoch=1, lease_until_ms=NOW)
        claimed = await store.claim("acme", "run_1", owner="b", now_ms=NOW, lease_ms=LEASE_MS)
        assert claimed is not None
        assert claimed.row.epoch == 2

    async def test_what_is_due(self, store: Store) -> None:
        async def start(run: str, *, owned: bool = False) -> Chain:
            lease = ("a", NOW + LEASE_MS) if owned else None
            chain = Chain(run=run, session=run, lease=lease)
            await chain.write(store)
            return chain

        await start("run_orphan")
        await start("run_driven", owned=True)
        for run, wake in (("run_idle", None), ("run_later", NOW + 10), ("run_awake", NOW)):
            chain = await start(run)
            await chain.write(store, status="waiting", wake_at_ms=wake)
        letters = await start("run_letter")
        await letters.write(store, status="waiting")
        await store.send("acme", letter(run="run_letter"))
        ended = await start("run_ended")
        await store.send("acme", letter(run="run_ended"))
        await ended.write(store, status="completed")
        busy = await start("run_busy", owned=True)
        await busy.write(store, status="waiting", wake_at_ms=NOW)
        await store.send("acme", letter(run="run_busy"))
        assert sorted(await store.due(NOW)) == [
            ("acme", "run_awake"),
            ("acme", "run_letter"),
            ("acme", "run_orphan"),
        ]
        over = NOW + LEASE_MS + self.takeover_wait_ms
        names = {run for _, run in await store.due(over)}
        assert names == {
            "run_awake",
            "run_busy",
            "run_driven",
            "run_later",
            "run_letter",
            "run_orphan",
        }
        assert len(await store.due(over, limit=2)) == 2
