"""Commands open the journal that is meant, and find one run by a part of its id."""

from pathlib import Path

import pytest

from remit.app.pairs import pairs_of
from remit.cli import journal as module
from remit.cli.journal import find_run, open_journal, short, the_one, waiting
from remit.cli.options import Options
from remit.errors import ConfigError, NotFound, UsageError


def test_short_ids_are_the_end_that_differs() -> None:
    run = "run_01M7YZV1X7R27DP9QHGF4E5P5A"
    assert short(run) == "GF4E5P5A"
    assert short(f"{run}.c2-1") == "GF4E5P5A.c2-1"
    assert short(f"{run}.c2-1:c1-1") == "GF4E5P5A.c2-1:c1-1"


KNOWN = {"run_AAAB:c1-1": 1, "run_AAAB:c1-2": 2, "run_AAAC:c1-1": 3}


@pytest.mark.parametrize(
    ("given", "value"),
    [("run_AAAB:c1-1", 1), ("ab:c1-2", 2), ("AAAC", 3), ("run_AAAC", 3), ("c1-2", 2)],
)
def test_the_one_that_is_meant(given: str, value: int) -> None:
    assert the_one(given, "call", KNOWN) == value


def test_none_or_several_that_may_be_meant() -> None:
    with pytest.raises(NotFound, match="there is no call 'xyz'"):
        the_one("xyz", "call", KNOWN)
    for given in ("c1-1", "AAAB", ""):
        with pytest.raises(UsageError, match="means several"):
            the_one(given, "call", KNOWN)
    with pytest.raises(UsageError):
        the_one("", "call", {"run_A:c1": 1})


async def test_runs_beyond_the_first_page_are_found(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 2)
    options = Options(db=f"sqlite:///{journal}")
    async with open_journal(options) as opened:
        rows = await opened.store.runs(None)
        for row in rows:
            assert await find_run(opened.store, options, row.run[-9:]) == row
            assert await find_run(opened.store, options, row.run) == row
        foreign = next(row for row in rows if row.tenant == "acme")
        with pytest.raises(NotFound, match="of tenant local"):
            await find_run(opened.store, Options(tenant="local"), foreign.run)
        assert [each.row.status for each in await waiting(opened, options)] == ["waiting"] * 3


async def test_the_records_of_a_run_and_its_sub_runs(journal: Path) -> None:
    options = Options(db=f"sqlite:///{journal}")
    async with open_journal(options) as opened:
        below = next(row for row in await opened.store.runs(None) if row.parent is not None)
        parent = await find_run(opened.store, options, str(below.parent))
        pairs = await pairs_of(opened.store, parent)
    assert {header.run for header, _ in pairs} == {parent.run, below.run}
    assert len(pairs) == parent.version + below.version


async def test_no_journal_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///nothing.db", "memory:"):
        with pytest.raises(ConfigError):
            async with open_journal(Options(db=url)):
                pass
    assert list(tmp_path.iterdir()) == []
