"""The last day is read from where it begins; its hours agree with the ledger, whoever asks when."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from remit.app import recent
from remit.app.app import App
from remit.app.recent import HOUR_MS, Recent
from remit.values.ledger import LedgerFilter
from tests.server.office import clerk, office
from tests.server.stage import journal

pytestmark = pytest.mark.requirement("OBS-3", "UX-2")


@dataclass
class Later:
    """The wall clock of later on."""

    app: App
    by_ms: int = 0

    def now_ms(self) -> int:
        return self.app.desk.clock.now_ms() + self.by_ms


async def test_its_sums_are_those_of_the_ledger(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        known = Recent(app.store, app.desk.clock)
        await known.catch_up(5)
        assert all(each.amounts.cost == 0 for each in known.hours(None))
        await app.run(clerk, "look", tenant="acme")
        await app.run(clerk, "file it", tenant="beta")
        late = Recent(app.store, app.desk.clock)
        for each in (known, late):
            await each.catch_up(5)
            assert not each.behind
            for tenant in ("acme", "beta", None):
                view = await app.ledger(tenant=tenant)
                summed = sum(hour.amounts.cost for hour in each.hours(tenant))
                assert summed == view.total.cost
                assert summed > 0
                assert sum(hour.amounts.calls for hour in each.hours(tenant)) == view.total.calls
        hours = known.hours("acme")
        assert len(hours) == 24
        assert {late.start_ms - early.start_ms for early, late in pairwise(hours)} == {HOUR_MS}
        assert sum(hour.amounts.cost for hour in known.hours("nobody")) == 0


async def test_what_is_older_than_a_day_is_forgotten_and_not_read(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        await app.run(clerk, "look")
        clock = Later(app)
        known = Recent(app.store, clock)
        await known.catch_up(5)
        assert sum(each.amounts.calls for each in known.hours(None)) == 2
        clock.by_ms = 25 * HOUR_MS
        await known.catch_up(5)
        assert sum(each.amounts.calls for each in known.hours(None)) == 0
        fresh = Recent(app.store, clock)
        await fresh.catch_up(5)
        assert fresh._position > 0, "it begins near the end"
        assert sum(each.amounts.calls for each in fresh.hours(None)) == 0


@pytest.mark.parametrize("runs", [3, 7])
async def test_too_long_a_day_is_counted_from_later_on(
    runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(journal(tmp_path)) as app:
        for _ in range(runs):
            await app.run(clerk, "look")
        end = (await app.store.feed(0))[-1].position
        monkeypatch.setattr(recent, "_MOST", 5)
        known = Recent(app.store, app.desk.clock)
        await known.catch_up(5)
        assert known._position == end
        calls = sum(each.amounts.calls for each in known.hours(None))
        assert 1 <= calls <= 5, "those of the last five records"
        assert known.since_ms > known.hours(None)[0].start_ms
        assert (await app.ledger(tenant=None)).total.calls == 2 * runs


async def test_runs_that_were_stopped_stand_with_their_reason(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        await app.run(clerk, "look", tenant="acme")
        run = await app.run(clerk, "file it", tenant="acme")
        await app.cancel(run.id, tenant="acme", principal="ann", reason="enough")
        await app.wait(run.id, tenant="acme")
        known = Recent(app.store, app.desk.clock)
        await known.catch_up(5)
        (ending,) = known.stopped("acme")
        assert (ending.run, ending.reason) == (run.id, "cancelled")
        assert known.stopped("beta") == ()
        assert known.stopped(None) == (ending,)


async def test_it_reads_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_PAGE", 3)
    async with office(journal(tmp_path)) as app:
        await app.run(clerk, "look")
        known = Recent(app.store, app.desk.clock)
        await known.catch_up(0)
        assert known.behind
        await known.catch_up(5)
        assert not known.behind
        total = (await app._open.ledger.total(LedgerFilter())).cost
        assert total in (0, sum(each.amounts.cost for each in known.hours(None)))
