"""Records of a tree of runs are read parents first; erased ones are left out."""

from pathlib import Path

from remit.app.pairs import pairs_of, spent_by
from tests.cli.shop import fill, shop


async def test_a_run_is_read_with_what_it_handed_over(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with shop(tmp_path / "j.db") as app:
        rows = await app.store.runs("local", limit=100)
        child = next(row for row in rows if row.parent is not None)
        parent = next(row for row in rows if row.run == child.parent)
        runs = [header.run for header, _ in await pairs_of(app.store, parent)]
        assert set(runs) == {parent.run, child.run}
        assert runs.index(child.run) == runs.count(parent.run), "parents first"
        assert await spent_by(app.store, parent) > await spent_by(app.store, child) >= 0
