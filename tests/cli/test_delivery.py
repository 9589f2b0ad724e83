"""A word is delivered: taken, kept, or refused with the run's reason."""

from pathlib import Path

import pytest

from remit.app import uptake
from remit.cli.delivery import deliver, fate
from remit.cli.journal import find_run, open_journal
from remit.cli.options import Options
from remit.cli.person import CHANNEL, principal


async def test_a_word_to_a_run_that_nobody_drives_is_kept(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uptake, "_WAIT_S", 0.1)
    options = Options(db=f"sqlite:///{journal}")
    async with open_journal(options) as opened:
        (each, *_) = await opened.desk.approvals()
        row = await find_run(opened.store, options, each.run)
        said = opened.desk.deny(row.tenant, each.id, principal=principal(), channel=CHANNEL)
        assert not await deliver(opened, row, each.id, said)
        assert len(await opened.store.inbox(row.tenant, row.run)) == 1
    assert "remit resume MODULE:AGENT" in fate(row, taken=False)
    assert fate(row, taken=True) == "the run goes on"
