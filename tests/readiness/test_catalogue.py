"""The catalogue is complete, its ids are unique, and damage to it is named."""

import re
from collections import Counter

import pytest

from remit.errors import ConfigError, NotFound
from remit.readiness.catalogue import parse, requirement, requirements

ROW = """
[[requirement]]
id = "BUD-7"
section = "Money"
text = "Concurrent calls never overspend together"
source = ["+"]
proof = "500 concurrent calls against a cap for 100"
"""

# How many rows each family has: numbers run from 1 without a gap, so these counts are the whole
# catalogue. A new row changes its family's number here, on purpose.
FAMILIES = {
    "ALR": 3, "APR": 5, "AUD": 6, "BIL": 3, "BUD": 9, "DUR": 8, "ECO": 3, "EVA": 4, "GOV": 3,
    "MEM": 9, "OBS": 7, "OPS": 6, "ORC": 6, "PERM": 9, "PROV": 9, "RDY": 2, "RED": 3, "REF": 2,
    "ROL": 4, "RTR": 4, "SEC": 6, "STOP": 7, "TEN": 4, "TOOL": 18, "TST": 3, "UX": 2,
}  # fmt: skip


def test_it_holds_every_family_without_a_gap() -> None:
    rows = requirements()
    assert Counter(each.partition("-")[0] for each in rows) == FAMILIES
    for family, count in FAMILIES.items():
        assert {f"{family}-{n}" for n in range(1, count + 1)} <= rows.keys()
    assert len(rows) == 145


def test_every_row_says_something() -> None:
    for identifier, row in requirements().items():
        assert row.id == identifier
        assert len(row.text) > 10, identifier
        assert len(row.proof) > 3, identifier
        assert not re.search(r"\s{2}|\|", row.text + row.proof), identifier


def test_a_row_is_found_by_its_id() -> None:
    row = requirement("BUD-7")
    assert row.source == ("+",)
    assert "atomic reservations" in row.text
    assert row.section == "Money: budgets, plans, ledger"


@pytest.mark.parametrize(
    ("identifier", "remedy"),
    [("BUD-99", "BUD has BUD-1 to BUD-9"), ("bud-7", "BUD has BUD-1"), ("X", "ids look like")],
)
def test_an_unknown_id_is_refused_with_a_remedy(identifier: str, remedy: str) -> None:
    with pytest.raises(NotFound, match=remedy):
        requirement(identifier)


def test_the_mapping_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        requirements()["BUD-7"] = requirement("BUD-1")  # type: ignore[index]  # that is the point


def test_a_good_row_is_read() -> None:
    assert list(parse(ROW)) == ["BUD-7"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("= nonsense", "is not TOML"),
        ("", "and nothing else"),
        ("requirement = 1", "and nothing else"),
        (ROW + '\n[other]\nkey = "x"', "and nothing else"),
        (ROW + ROW, "row 2: id 'BUD-7' is taken"),
        (ROW.replace("proof", "prove"), "row 1: keys must be exactly id, section, text"),
        ("requirement = [1]", "row 1: keys must be exactly"),
        (ROW.replace('"Money"', '" "'), "row 1: section = ' ' must be a text"),
        (ROW.replace('"Money"', "7"), "row 1: section = 7 must be a text"),
        (ROW.replace("BUD-7", "BUD-07"), "id = 'BUD-07' must look like"),
        (ROW.replace('["+"]', '["S9"]'), "source = .'S9'. must list some of"),
        (ROW.replace('["+"]', '[["+"]]'), "source = .* must list"),
        (ROW.replace('["+"]', "[]"), "source = .. must list"),
        (ROW.replace('["+"]', '"+"'), "source = '.' must list"),
    ],
)
def test_damage_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse(text)
