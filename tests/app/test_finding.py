"""Runs are found by who, outcome and cost, and by what happened in them, within bounds."""

from pathlib import Path

import pytest

from remit.app import finding
from remit.app.finding import Findings, Wish, find_runs
from tests.cli.shop import fill, shop

pytestmark = pytest.mark.requirement("UX-2")


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await fill(tmp_path / "j.db")
    return tmp_path / "j.db"


def users(found: Findings) -> list[str]:
    return [each.row.user for each in found.runs]


@pytest.mark.requirement("TEN-1")
async def test_rows_tell_who_and_how(path: Path) -> None:
    async with shop(path) as app:
        whole = await find_runs(app.store, None, Wish())
        assert (len(whole.runs), whole.next, whole.whole) == (6, None, True)
        assert all(each.row.parent is None for each in whole.runs)
        assert users(await find_runs(app.store, "acme", Wish())) == ["bob"]
        assert users(await find_runs(app.store, "acme", Wish(user="ann"))) == []
        assert users(await find_runs(app.store, "local", Wish(user="ann"))) == ["ann"]
        assert len((await find_runs(app.store, "local", Wish(session="s1"))).runs) == 2
        assert len((await find_runs(app.store, "local", Wish(status="waiting"))).runs) == 1
        assert (await find_runs(app.store, None, Wish(agent="helper"))).runs == (), "a sub-run's"


async def test_money_is_a_bound_on_both_sides(path: Path) -> None:
    async with shop(path) as app:
        whole = await find_runs(app.store, None, Wish())
        costs = sorted(each.cost_nano for each in whole.runs)
        most = await find_runs(app.store, None, Wish(most_nano=costs[2]))
        least = await find_runs(app.store, None, Wish(least_nano=costs[3]))
        assert (len(most.runs), len(least.runs)) == (3, 3)
        assert (await find_runs(app.store, None, Wish(least_nano=10**12))).runs == ()


async def test_what_happened_is_read_in_the_journals(path: Path) -> None:
    async with shop(path) as app:
        for wish, count in (
            (Wish(text="TWO LAMPS"), 1),
            (Wish(text="where is it?"), 1),  # said to the sub-run
            (Wish(tool="refund_order"), 2),
            (Wish(tool="refund_order", status="waiting"), 1),
            (Wish(tool="find_order", text="lost"), 1),
            (Wish(rule="builtin.unknown-tool"), 1),
            (Wish(rule="builtin"), 0),
            (Wish(text="no such words"), 0),
        ):
            assert len((await find_runs(app.store, None, wish)).runs) == count, wish


async def test_pages_and_bounds_go_on_where_they_stopped(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(path) as app:
        first = await find_runs(app.store, None, Wish(), limit=4)
        rest = await find_runs(app.store, None, Wish(), before=first.next, limit=4)
        assert (len(first.runs), len(rest.runs), rest.next) == (4, 2, None)
        assert {each.row.run for each in first.runs}.isdisjoint(e.row.run for e in rest.runs)
        monkeypatch.setattr(finding, "_OPENED", 1)
        seen, before = 0, None
        for _ in range(7):
            part = await find_runs(app.store, None, Wish(text="refund"), before=before)
            seen, before = seen + len(part.runs), part.next
            if before is None:
                break
            assert not part.whole
        assert seen == 3
        monkeypatch.setattr(finding, "_PAGE", 2)
        monkeypatch.setattr(finding, "_ROWS", 2)
        part = await find_runs(app.store, None, Wish(user="nobody"))
        assert (part.runs, part.looked_at, part.whole) == ((), 2, False)
        assert part.next is not None


async def test_a_run_whose_content_was_erased_is_found_by_its_row_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def erased(*_: object) -> list[object]:
        return []

    async with shop(path) as app:
        monkeypatch.setattr(finding, "pairs_of", erased)
        assert len((await find_runs(app.store, None, Wish())).runs) == 6
        assert (await find_runs(app.store, None, Wish(text="refund"))).runs == ()
