"""States are folded once for each version of a run; a damaged run hides no other."""

from dataclasses import replace
from pathlib import Path

from remit.app.desk import LIVING
from remit.server.inbox import states as states_module
from remit.server.inbox.states import States
from tests.server.office import clerk, office
from tests.server.stage import journal


async def test_a_run_that_stands_still_is_read_once(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        run = await app.run(clerk, "file it")
        (row,) = await app.desk.living(None)
        states = States(app.engine.reader)
        first = await states.of(row)
        assert await states.of(row) is first
        await app.approve(run.approvals[0].id, principal="ann")
        await app.wait(run.id)
        later = await app.store.run("local", run.id)
        assert later is not None
        state = await states.of(later)
        assert state is not None
        assert state.phase == "ended"


async def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        await app.run(clerk, "file it")
        (row,) = await app.desk.living(None)
        lost = replace(row, run="run_lost")
        damaged = replace(row, spec="0" * 64, version=99)
        states = States(app.engine.reader)
        assert [each.run async for each, _ in states.each([lost, damaged, row])] == [row.run]


def test_as_many_are_kept_as_a_page_looks_through() -> None:
    assert states_module._KEPT > LIVING, "else a page that goes through all finds none of them"
