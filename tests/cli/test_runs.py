"""`remit runs` lists runs, newest first."""

from pathlib import Path

import pytest

from tests.cli.terminal import Remit


def test_runs_are_listed_newest_first_with_what_they_spent(remit: Remit) -> None:
    rows = remit.rows("runs")
    assert [row["agent"] for row in rows] == ["clerk"] * 8
    ids = [str(row["run"]) for row in rows]
    assert ids == sorted(ids, reverse=True)
    assert all(isinstance(row["cost_nano"], int) and row["cost_nano"] > 0 for row in rows)
    assert set(rows[0]) == {
        "run",
        "tenant",
        "agent",
        "status",
        "user",
        "session",
        "root",
        "parent",
        "version",
        "waits_until",
        "created",
        "updated",
        "cost_nano",
    }
    text = remit.good("runs")
    assert text.splitlines()[0].split() == [
        "RUN",
        "STATUS",
        "AGENT",
        "STARTED",
        "SPENT",
        "USER",
        "TENANT",
    ]
    assert len(text.splitlines()) == 9
    assert ids[0][-8:] in text


def test_the_list_can_be_narrowed(remit: Remit) -> None:
    assert [row["tenant"] for row in remit.rows("runs", "--tenant", "acme")] == ["acme"]
    assert [row["tenant"] for row in remit.rows("--tenant", "acme", "runs")] == ["acme"]
    assert {row["status"] for row in remit.rows("runs", "--status", "waiting")} == {"waiting"}
    assert len(remit.rows("runs", "--session", "s1")) == 2
    below = [row for row in remit.rows("runs", "--all") if row["parent"]]
    assert [row["agent"] for row in below] == ["helper"]
    first, second = remit.rows("runs", "--limit", "2")
    older = remit.rows("runs", "--limit", "1", "--before", first["run"])
    assert older == [second]


def test_nothing_to_list(remit: Remit) -> None:
    assert remit.good("runs", "--tenant", "nobody") == "no runs\n"
    assert remit.rows("runs", "--tenant", "nobody") == []


def test_a_journal_that_is_not_there_is_not_made(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REMIT_URL")
    result = remit("runs")
    assert result.exit_code == 2
    assert "there is no journal at .remit/journal.db" in result.stderr
    assert not Path(".remit").exists()
    result = remit("runs", "--db", "memory:")
    assert result.exit_code == 2
    assert "memory" in result.stderr
    assert remit("runs", "--db", f"sqlite:///{tmp_path / 'j.db'}").exit_code == 0


def test_wrong_options_are_usage_errors(remit: Remit) -> None:
    assert remit("runs", "--status", "asleep").exit_code == 2
    assert remit("runs", "--limit", "0").exit_code == 2
