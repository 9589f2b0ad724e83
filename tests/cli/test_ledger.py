"""`remit ledger` prints what was used as a table, as JSON and as CSV, all of the same numbers."""

import csv
import io
from pathlib import Path
from typing import cast

import pytest

from tests.app.damages import edit
from tests.cli.terminal import Remit


def rows(tree: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", tree["rows"])


@pytest.mark.requirement("BIL-1", "OBS-3")
def test_table_json_and_csv_say_the_same(remit: Remit) -> None:
    tree = remit.tree("ledger", "--by", "tenant", "--by", "agent")
    assert tree["by"] == ["tenant", "agent"]
    assert [(row["tenant"], row["agent"]) for row in rows(tree)] == [
        ("acme", "clerk"),
        ("local", "clerk"),
        ("local", "helper"),
    ]
    total = cast("dict[str, int]", tree["total"])
    for key in ("calls", "input", "output", "cost_nano"):
        assert total[key] == sum(cast("int", row[key]) for row in rows(tree)) > 0
    text = remit.good("ledger", "--by", "tenant", "--by", "agent", "--csv")
    read = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["cost_nano"]) for row in read] == [row["cost_nano"] for row in rows(tree)]
    for row in read:
        assert int(row["cost_nano"]) == int(row["cost_usd"].replace(".", ""))
    table = remit.good("ledger", "--by", "tenant", "--by", "agent")
    assert "TENANT" in table
    assert f"{total['input']:,}" in table
    assert table.splitlines()[-1].startswith("total")


@pytest.mark.requirement("TEN-1", "BIL-1")
def test_filters(remit: Remit) -> None:
    whole = remit.tree("ledger")
    assert whole["by"] == ["tenant", "day", "user", "agent", "model"]
    day = str(rows(whole)[0]["day"])
    acme = remit.tree("ledger", "--tenant", "acme", "--by", "user")
    assert [row["user"] for row in rows(acme)] == ["bob"]
    assert rows(remit.tree("ledger", "--user", "bob", "--by", "tenant"))[0]["tenant"] == "acme"
    assert remit.tree("ledger", "--day", day, "--by", "model")["rows"]
    assert remit.tree("ledger", "--since", "2999-01-01")["rows"] == []
    assert remit.good("ledger", "--until", "1999-01-01") == "nothing was used\n"
    one = remit.good("ledger", "--by", "agent", "--limit", "1")
    assert "the first 1 rows; the total is that of all" in one
    sessions = rows(remit.tree("ledger", "--by", "session", "--tenant", "local"))
    assert {"tenant": "local", "session": "s1"}.items() <= sessions[0].items()


def test_what_cannot_be_asked_is_wrongly_called(remit: Remit) -> None:
    assert remit("ledger", "--day", "yesterday").exit_code == 2
    assert remit("ledger", "--csv", "--json").exit_code == 2
    assert remit("ledger", "--by", "colour").exit_code == 2


@pytest.mark.requirement("BIL-1")
def test_sums_can_be_made_anew(remit: Remit, journal: Path) -> None:
    before = remit.tree("ledger")
    edit(journal, "UPDATE ledger SET cost = cost + 1")
    assert remit.tree("ledger") != before
    assert remit.tree("ledger", "--rebuild") == before
