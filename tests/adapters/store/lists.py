"""What every store must do with lists, the feed, tree leaves, cursors, switches."""

import asyncio

import pytest

from remit.journal.rows import (
    Switch,
)
from remit.ports import Store
from tests.adapters.store.chains import NOW, Chain


class ListContract:
    """Lists of runs, the feed, the leaves of the tree, switches, cursors."""

    @pytest.mark.requirement("DUR-2", "TEN-1")
    async def test_runs_newest_first_by_tenant_session_status_parent(self, store: Store) -> None:
        for number, (tenant, session) in enumerate(
            [("acme", "s1"), ("acme", "s2"), ("globex", "s1"), ("acme", "s1")]
        ):
            chain = Chain(run=f"run_{number}", tenant=tenant, session=session)
            await chain.write(store)
            await chain.write(store, status="completed" if number < 2 else "waiting")
        await Chain(run="run_3.c1", parent="run_3").write(store)

        async def names(*args: str | None, **kwargs: object) -> list[str]:
            return [row.run for row in await store.runs(*args, **kwargs)]  # type: ignore[arg-type] # forwarded

        assert await names(None) == ["run_3.c1", "run_3", "run_2", "run_1", "run_0"]
        assert await names("acme") == ["run_3.c1", "run_3", "run_1", "run_0"]
        assert await names("acme", session="s1") == ["run_3.c1", "run_3", "run_0"]
        assert await names("acme", status=("completed",)) == ["run_1", "run_0"]
        assert await names("acme", status=("running", "waiting")) == ["run_3.c1", "run_3"]
        assert await names("acme", parent="run_3") == ["run_3.c1"]
        assert await names("acme", before="run_3") == ["run_1", "run_0"]
        assert await names("acme", limit=2) == ["run_3.c1", "run_3"]
        assert await names("globex", session="s1") == ["run_2"]
        assert await names("nobody") == []

    async def test_the_feed_has_every_record_once_in_commit_order(self, store: Store) -> None:
        one, two = Chain(), Chain(tenant="globex")
        assert await store.feed_end() == 0
        order = [one, two, one, one, two]
        for chain in order:
            await chain.write(store)
        feed = await store.feed()
        heads = {"acme": iter(one.written), "globex": iter(two.written)}
        assert [item.record for item in feed] == [next(heads[c.tenant]) for c in order]
        positions = [item.position for item in feed]
        assert positions == sorted(set(positions))
        assert await store.feed(positions[1], limit=2) == feed[2:4]
        assert await store.feed(positions[-1]) == []
        assert await store.feed_end() == positions[-1]
        own = [item for item in feed if item.record.header.tenant == "acme"]
        assert await store.feed(tenant="acme") == own
        assert await store.feed(own[0].position, tenant="acme", limit=1) == own[1:2]
        assert await store.feed(tenant="nobody") == []

    async def test_cursors(self, store: Store) -> None:
        assert await store.cursor("metrics") == 0
        await store.set_cursor("metrics", 17)
        await store.set_cursor("metrics", 18)
        await store.set_cursor("alerts", 3)
        assert (await store.cursor("metrics"), await store.cursor("alerts")) == (18, 3)

    async def test_of_several_that_expect_the_same_position_one_moves_the_cursor(
        self, store: Store
    ) -> None:
        moved = [await store.set_cursor("lane", 5, expect=0) for _ in range(2)]
        assert moved == [True, False]
        both = await asyncio.gather(
            *(store.set_cursor("lane", position, expect=5) for position in (6, 7))
        )
        assert sorted(both) == [False, True]
        assert await store.cursor("lane") in (6, 7)
        assert await store.set_cursor("lane", 2**53)
        assert await store.cursor("lane") == 2**53

    @pytest.mark.requirement("AUD-3")
    async def test_leaves_are_the_tenants_records_in_feed_order(self, store: Store) -> None:
        one, two, three = Chain(), Chain(tenant="globex"), Chain(run="run_2", session="s2")
        assert await store.sequence("acme") == 0
        for chain in (one, two, one, one, two, three, one):
            await chain.write(store)
        assert await store.sequence("acme") == 5
        hashes = [
            item.record.hash for item in await store.feed() if item.record.header.tenant == "acme"
        ]
        assert await store.leaves("acme", 0, 5) == hashes
        for chain in (two, three, three):
            await chain.write(store)
        assert await store.leaves("acme", 0, 9) == hashes
        assert await store.sequence("acme") == 7
        assert await store.sequence("acme") == 7
        assert await store.sequence("globex") == 3
        assert await store.leaves("acme", 0, 5) == hashes
        assert await store.leaves("acme", 5, 7) == [r.hash for r in three.written[1:]]
        assert await store.leaves("acme", 2, 6) == [*hashes[2:], three.written[1].hash]
        assert await store.leaves("globex", 1, 2) == [two.written[1].hash]
        assert await store.leaves("nobody", 0, 5) == []

    async def test_leaves_when_sequenced_by_many_at_once(self, store: Store) -> None:
        chain = Chain()
        for _ in range(6):
            await chain.write(store)
        counts = await asyncio.gather(*(store.sequence("acme") for _ in range(5)))
        assert counts == [6] * 5
        assert await store.leaves("acme", 0, 99) == [record.hash for record in chain.written]

    async def test_heads_largest_first(self, store: Store) -> None:
        for size in (3, 12, 7):
            await store.add_head("acme", size, b"head %d" % size)
        await store.add_head("acme", 7, b"second of the same size")
        await store.add_head("globex", 1, b"theirs")
        assert await store.heads("acme") == [(12, b"head 12"), (7, b"head 7"), (3, b"head 3")]
        assert await store.heads("acme", limit=1) == [(12, b"head 12")]

    @pytest.mark.requirement("TEN-3")
    async def test_switches(self, store: Store) -> None:
        off = Switch("tenant:acme", "cost explosion", "ann", NOW, None)
        timed = Switch("agent:x", "drill", "bob", NOW, NOW + 1)
        await store.switch(off, "tenant:acme")
        await store.switch(timed, "agent:x")
        assert await store.switches() == [timed, off]
        again = Switch("agent:x", "for good", "bob", NOW, None)
        await store.switch(again, "agent:x")
        await store.switch(None, "tenant:acme")
        await store.switch(None, "tenant:unknown")
        assert await store.switches() == [again]
