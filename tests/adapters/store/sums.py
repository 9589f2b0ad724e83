"""What every store must do with the sums of the ledger and the cursor they reach to."""

import asyncio
from dataclasses import replace

import pytest

from remit.ports import Store
from remit.values.ledger import (
    FIELDS,
    LEDGER_CURSOR,
    Amounts,
    LedgerFilter,
    LedgerKey,
    LedgerSum,
)

KEY = LedgerKey(tenant="acme", day="2026-11-21", user="ann", agent="clerk", model="sim:m")
CALL = Amounts(
    calls=1,
    input=10,
    cache_read=9,
    cache_write=8,
    cache_write_1h=7,
    output=6,
    reasoning=5,
    cost=400,
    assumed=3,
    over_hold=2,
)


def row(**changes: str) -> LedgerSum:
    return LedgerSum(replace(KEY, **changes), CALL)


async def cost(store: Store, **wanted: str) -> int:
    found = await store.ledger((), LedgerFilter(**wanted))
    return found[0].amounts.cost if found else 0


class SumContract:
    """Rows are added to, exactly once for each step of the cursor, and summed by any fields."""

    @pytest.mark.requirement("BIL-1")
    async def test_rows_and_cursor_move_together(self, store: Store) -> None:
        assert await store.ledger() == []
        assert await store.ledger(()) == []
        assert await store.enter_ledger([row()], after=0, upto=5)
        assert await store.cursor(LEDGER_CURSOR) == 5
        assert await store.ledger() == [LedgerSum(KEY, CALL)]
        assert not await store.enter_ledger([row()], after=0, upto=5), "it was entered before"
        assert not await store.enter_ledger([row()], after=4, upto=9)
        assert await store.ledger() == [LedgerSum(KEY, CALL)]
        assert await store.enter_ledger([row()], after=5, upto=6)
        assert await store.ledger() == [LedgerSum(KEY, CALL + CALL)]
        assert await store.enter_ledger([], after=6, upto=2**53)
        assert await store.cursor(LEDGER_CURSOR) == 2**53
        assert await store.cursor("another") == 0

    async def test_a_correction_is_added_below_zero(self, store: Store) -> None:
        back = LedgerSum(KEY, Amounts(cost=-500, assumed=-500))
        await store.enter_ledger([row()], after=0, upto=1)
        await store.enter_ledger([back], after=1, upto=2)
        assert await store.ledger() == [LedgerSum(KEY, CALL + back.amounts)]

    @pytest.mark.requirement("BIL-1")
    async def test_of_many_at_once_each_step_is_entered_by_one(self, store: Store) -> None:
        for step in range(5):
            done = await asyncio.gather(
                *(store.enter_ledger([row()], after=step, upto=step + 1) for _ in range(8))
            )
            assert sum(done) == 1
        assert await cost(store) == 5 * CALL.cost

    async def test_clearing_begins_anew(self, store: Store) -> None:
        await store.clear_ledger()
        await store.enter_ledger([row()], after=0, upto=7)
        await store.clear_ledger()
        assert await store.ledger() == []
        assert await store.cursor(LEDGER_CURSOR) == 0
        assert not await store.enter_ledger([row()], after=7, upto=9)
        assert await store.enter_ledger([row()], after=0, upto=7)
        assert await cost(store) == CALL.cost

    @pytest.mark.requirement("OBS-3", "TEN-1")
    async def test_sums_by_any_fields_of_any_rows(self, store: Store) -> None:
        rows = [
            row(),
            row(day="2026-11-22"),
            row(user="bob"),
            row(tenant="globex"),
            row(agent="boss", model="sim:n"),
        ]
        await store.enter_ledger(rows, after=0, upto=1)

        async def by(*fields: str, **wanted: str) -> list[tuple[tuple[str, ...], int]]:
            found = await store.ledger(fields, LedgerFilter(**wanted))  # type: ignore[arg-type] # names of fields
            return [
                (tuple(getattr(each.key, name) for name in fields), each.amounts.calls)
                for each in found
            ]

        assert await by("tenant") == [(("acme",), 4), (("globex",), 1)]
        assert await by("user", tenant="acme") == [(("ann",), 3), (("bob",), 1)]
        assert await by("day", "tenant") == [
            (("2026-11-21", "acme"), 3),
            (("2026-11-21", "globex"), 1),
            (("2026-11-22", "acme"), 1),
        ]
        assert await by("model", user="ann") == [(("sim:m",), 3), (("sim:n",), 1)]
        assert await by(agent="clerk", model="sim:m") == [((), 4)]
        assert await by(since="2026-11-22") == [((), 1)]
        assert await by(since="2026-11-20", until="2026-11-21") == [((), 4)]
        assert await by(tenant="nobody") == []
        assert await by("tenant", tenant="nobody") == []
        (found,) = await store.ledger(("user",), LedgerFilter(user="bob"))
        assert found.key == LedgerKey(user="bob")

    async def test_pages_follow_each_other(self, store: Store) -> None:
        rows = [
            row(tenant=tenant, user=user)
            for tenant in ("a", "B", "ä")
            for user in ("x", "Y", "%", "_")
        ]
        await store.enter_ledger(rows, after=0, upto=1)
        whole = await store.ledger()
        assert [each.key for each in whole] == sorted(
            (each.key for each in rows), key=lambda key: (key.tenant, key.user)
        )
        found: list[LedgerSum] = []
        after: LedgerKey | None = None
        while page := await store.ledger(FIELDS, after=after, limit=5):
            found += page
            after = page[-1].key
        assert found == whole
