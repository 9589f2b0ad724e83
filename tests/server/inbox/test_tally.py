"""What waits is counted once for each version of a run, and a look reads few runs anew."""

from pathlib import Path

import pytest

from remit.app.app import App
from remit.app.desk import Desk
from remit.server.inbox import tally as tallying
from remit.server.inbox.states import States
from remit.server.inbox.tally import Count, Tally
from tests.server.office import clerk, office
from tests.server.stage import journal

pytestmark = pytest.mark.requirement("UX-2", "APR-2")


def tally_on(app: App) -> Tally:
    desk: Desk = app.desk
    return Tally(desk, States(app.engine.reader))


async def test_it_counts_what_a_tenants_runs_ask_and_counts_again_what_went_on(
    tmp_path: Path,
) -> None:
    async with office(journal(tmp_path)) as app:
        tally = tally_on(app)
        assert await tally.of("local") == Count(0)
        run = await app.run(clerk, "file it")
        await app.run(clerk, "colour it")
        await app.run(clerk, "file it", tenant="acme")
        await app.run(clerk, "look at it")
        assert await tally.of("local") == Count(2)
        assert await tally.of("acme") == Count(1)
        assert await tally.of(None) == Count(3)
        await app.approve(run.approvals[0].id, principal="ann")
        await app.wait(run.id)
        assert await tally.of("local") == Count(1)


async def test_a_look_reads_few_runs_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallying, "_FOLDS", 2)
    async with office(journal(tmp_path)) as app:
        for _ in range(5):
            await app.run(clerk, "file it")
        tally = tally_on(app)
        for told in (Count(2, more=True), Count(4, more=True), Count(5), Count(5)):
            assert await tally.of("local") == told
        assert len(tally.states._known) == 5
