"""What a branch cost is its own and what is below it, parents first."""

from pathlib import Path

from remit.app.pairs import pairs_of
from remit.app.replay import rows_below
from remit.projections.spend import entries
from remit.server.runs.branches import branches_of
from tests.cli.shop import fill, shop


async def test_a_parent_counts_what_is_below_it(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with shop(tmp_path / "j.db") as app:
        known = await app.store.runs("local", limit=100)
        child = next(row for row in known if row.parent is not None)
        root = next(row for row in known if row.run == child.parent)
        rows = await rows_below(app.store, root)
        top, below = branches_of(rows, entries(await pairs_of(app.store, root)))
        assert (top.row.run, top.depth, below.row.run, below.depth) == (root.run, 0, child.run, 1)
        assert top.whole.cost == top.own.cost + below.whole.cost
        assert below.own == below.whole
        assert below.own.calls == 2


def test_nothing_has_no_branch() -> None:
    assert branches_of([], []) == ()
