"""What people ask of the ledger through an app: sums by anything, filters, days, sessions."""

import asyncio
from pathlib import Path

import pytest

from remit import App
from remit.app.ledger_view import MOST_ROWS, LedgerView, ledger_filter
from remit.errors import UsageError
from remit.projections.spend import Spent, entries, total
from remit.runtime import watch
from remit.values.ledger import LedgerFilter
from tests.app.spending import COST, DAY_MS, clock, spending, worker
from tests.cli.journal_pairs import all_pairs
from tests.cli.shop import fill, shop
from tests.runtime.kit import HandClock

__all__ = ["clock"]
WORKER = worker()


def told(view: LedgerView) -> dict[tuple[str, ...], int]:
    return {tuple(row.names.values()): row.amounts.calls for row in view.rows}


async def three_days(app: App, clock: HandClock) -> None:
    for user, session in (("ann", "s1"), ("ann", "s1"), ("bob", "s2")):
        await app.run(WORKER, "Go", tenant="acme", user=user, session=session)
        clock.at_ms += DAY_MS
    await app.run(WORKER, "Go", tenant="globex", user="ann", session="s1")


@pytest.mark.requirement("BIL-1", "OBS-3", "TEN-1")
async def test_an_app_answers_by_any_fields(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        await three_days(app, clock)
        whole = await app.ledger(tenant="acme")
        assert told(whole) == {
            ("acme", "2026-11-21", "ann", "worker", "scripted:x"): 1,
            ("acme", "2026-11-22", "ann", "worker", "scripted:x"): 1,
            ("acme", "2026-11-23", "bob", "worker", "scripted:x"): 1,
        }
        assert (whole.total.cost, whole.total.input, whole.more) == (3 * COST, 300, False)
        assert told(await app.ledger("user", tenant="acme")) == {("ann",): 2, ("bob",): 1}
        assert told(await app.ledger("tenant", "user", tenant=None)) == {
            ("acme", "ann"): 2,
            ("acme", "bob"): 1,
            ("globex", "ann"): 1,
        }
        assert told(await app.ledger("day", tenant="acme", user="ann", until="2026-11-21")) == {
            ("2026-11-21",): 1
        }
        day = await app.ledger("agent", "model", tenant=None, day="2026-11-24", agent="worker")
        assert told(day) == {("worker", "scripted:x"): 1}
        none = await app.ledger(tenant="acme", model="other:x", since="2026-11-22")
        assert (none.rows, none.total.calls) == ((), 0)
        few = await app.ledger("day", tenant="acme", limit=2)
        assert (len(few.rows), few.more, few.total.calls) == (2, True, 3)
        assert told(await app.ledger()) == {}, "nobody else's, unless it is asked for"


@pytest.mark.requirement("OBS-3", "TEN-1")
async def test_sessions_are_those_of_their_tenants(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        await three_days(app, clock)
        found = await app.ledger("session", tenant=None)
        assert found.by == ("tenant", "session")
        assert told(found) == {("acme", "s1"): 2, ("acme", "s2"): 1, ("globex", "s1"): 1}
        assert found.total == (await app.ledger("tenant", tenant=None)).total
        mine = await app.ledger("session", "day", tenant="acme", user="ann", limit=1)
        assert (told(mine), mine.more) == ({("acme", "s1", "2026-11-21"): 1}, True)
        assert mine.total.calls == 2


@pytest.mark.requirement("OBS-3")
async def test_the_ledger_agrees_with_runs_and_sub_runs(tmp_path: Path) -> None:
    """Turns, sub-runs, tools and refusals of a whole shop."""
    await fill(tmp_path / "j.db")
    async with shop(tmp_path / "j.db") as app:
        view = await app.ledger("tenant", tenant=None)
        spent = {row.names["tenant"]: (row.amounts.cost, row.amounts.tokens) for row in view.rows}
        for tenant in ("local", "acme"):
            sums: Spent = total(entries(await all_pairs(app.store, tenant)))
            assert spent[tenant] == (sums.cost, sums.usage.total)


@pytest.mark.requirement("BIL-1")
async def test_a_worker_keeps_the_ledger_up(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEDGER_S", 0.001)
    async with spending(agents=[WORKER], worker=True) as app:
        await app.run(WORKER, "Go", tenant="acme", user="ann")
        while not await app.store.ledger():
            await asyncio.sleep(0.01)  # a store in memory never lets others work by itself
        (row,) = await app.store.ledger()
        assert (row.key.user, row.amounts.cost) == ("ann", COST)


def test_a_day_is_written_in_one_way() -> None:
    assert ledger_filter("acme", day="2026-11-21") == LedgerFilter(
        tenant="acme", since="2026-11-21", until="2026-11-21"
    )
    for text in ("2026-1-1", "20261121", "2026-11-31", "today", "2026-11-21T00"):
        with pytest.raises(UsageError, match="a day is written as"):
            ledger_filter(since=text)
    with pytest.raises(UsageError, match="either one day, or since and until"):
        ledger_filter(day="2026-11-21", until="2026-11-22")


async def test_what_cannot_be_asked_says_why(clock: HandClock) -> None:
    async with spending(agents=[WORKER]) as app:
        for by in (("colour",), ("day", "day")):
            with pytest.raises(UsageError, match="say different ones of tenant, day, user"):
                await app.ledger(*by)
        for limit in (0, MOST_ROWS + 1):
            with pytest.raises(UsageError, match="it is between 1 and"):
                await app.ledger(limit=limit)
