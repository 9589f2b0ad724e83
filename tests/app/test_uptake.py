"""A word that was said is taken by the run, kept for later, or ignored with the run's reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from remit.app import uptake
from remit.app.uptake import taken
from remit.errors import NotAllowed
from tests.server.office import clerk, office
from tests.server.stage import journal

pytestmark = pytest.mark.requirement("APR-4")


async def test_a_word_is_taken_or_ignored_with_the_reason(tmp_path: Path) -> None:
    async with office(journal(tmp_path), environment="ci") as app:
        run = await app.run(clerk, "file it", user="ann")
        row = await app.store.run("local", run.id)
        assert row is not None
        ref = run.approvals[0].id
        await app.approve(ref, principal="ann")
        with pytest.raises(NotAllowed, match="did not take it: whose run it is"):
            await taken(app.store, row, ref, "ann")
        await app.approve(ref, principal="bob")
        assert await taken(app.store, row, ref, "bob")


async def test_without_a_driver_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uptake, "_WAIT_S", 0.1)
    async with office(journal(tmp_path)) as app:
        run = await app.run(clerk, "file it", user="ann")
    async with office(journal(tmp_path)) as other:
        row = await other.store.run("local", run.id)
        assert row is not None
        ref = run.approvals[0].id
        desk = replace(other.desk, wake=lambda _tenant, _run: None)
        await desk.approve("local", ref, principal="bob", channel="test")
        assert not await taken(other.store, row, ref, "bob")
