"""All 60 tickets, by the rule-based model over the wire: every one ends as the set expects."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from rehearsal.cases import Case, cases, planted
from rehearsal.play import Wish, play
from rehearsal.reading import language_of
from rehearsal.report import line, summary
from rehearsal.world import HERE


def test_the_set_is_varied() -> None:
    found = cases()
    assert len(found) == len({case.id for case in found}) == 60
    assert set(Counter(case.language for case in found)) >= {"en", "de", "fr", "es", "it", "pl"}
    tiers = Counter(case.expect.tier for case in found)
    assert min(tiers.values()) >= 9, tiers
    outcomes = Counter(case.expect.outcome for case in found)
    assert min(outcomes.values()) >= 2
    assert len(outcomes) == 6
    written = " ".join(case.body for case in found)
    assert all("{" + name + "}" in written for name in planted())
    raw = (HERE / "tickets.jsonl").read_text(encoding="utf-8")
    assert not any(value in raw for value in planted().values()), "no file holds a secret"


@pytest.mark.parametrize("case", cases(), ids=[case.id for case in cases()])
def test_the_clerk_tells_languages_apart(case: Case) -> None:
    assert language_of(f"{case.subject}\n{case.body}") == case.language


@pytest.mark.requirement(
    "REF-2", "TOOL-12", "TOOL-13", "BUD-1", "APR-3", "PERM-6", "SEC-1", "TEN-1"
)
async def test_60_tickets_end_as_the_set_expects(tmp_path: Path) -> None:
    report = await play(Wish(folder=tmp_path / "desk", quiet=True))
    assert report.wrong == {}
    assert report.doubled == []
    assert report.leaks == [], "what customers should not have written is in no event and no mail"
    tree = report.tree()
    assert tree["as_expected"] == {"attack": [9, 9], "high": [28, 28], "low": [23, 23]}
    assert tree["mails"] == 58, "all but the two advertisements"
    wanted = sum((Decimal(case.expect.refund or 0) for case in cases()), Decimal(0))
    assert (report.refunded, report.holds) == (wanted, True)
    assert all(0 < run.cost_nano < 250_000_000 for run in report.runs.values()), "below its cap"
    lines = summary(report)
    assert sum(each.startswith("✓") for each in lines) == 3
    assert any("aurora tenant, day" in each for each in lines)
    shown = line(cases()[0], report.seen["A-001"], report.runs["A-001"].cost_nano)
    assert "refund 49.90 by 1" in shown
    # The same world again: everything is done, nothing is done twice.
    again = await play(Wish(folder=tmp_path / "desk", quiet=True))
    assert (again.holds, again.cost_usd) == (True, report.cost_usd)
