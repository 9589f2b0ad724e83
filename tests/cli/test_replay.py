"""`remit replay` tells a run step by step, and decides it again."""

import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest

from remit.cli import replay as command
from remit.machine.state import State
from remit.projections.redecide import Redecision, redecide
from remit.projections.timeline import Pair
from tests.cli.terminal import Remit
from tests.cli.test_show import run_of


@pytest.mark.requirement("AUD-5")
def test_a_run_is_told_step_by_step(remit: Remit) -> None:
    run = run_of(remit, "help me")
    text = remit.good("replay", run)
    assert "clerk run_" in text
    assert "helper run_" in text
    for words in (
        "RunStarted        clerk is asked by local: help me",
        "SubrunRequested   c1-1 helper: Where is it?",
        "RunEnded          completed (answered)",
        "completed: Lost.",
    ):
        assert words in text, words
    whole, below = remit.rows("replay", run)
    assert (whole["agent"], below["agent"], whole["same_as_row"]) == ("clerk", "helper", True)
    steps = cast("list[dict[str, object]]", whole["steps"])
    assert [step["version"] for step in steps] == list(range(1, len(steps) + 1))
    assert (steps[0]["phase"], steps[-1]["phase"]) == ("thinking", "ended")
    events = cast("list[dict[str, object]]", steps[0]["events"])
    assert [event["type"] for event in events] == ["RunStarted", "ModelRequested"]


@pytest.mark.requirement("AUD-5")
def test_a_whole_session_is_replayed_oldest_first(remit: Remit) -> None:
    newest = remit.rows("runs", "--session", "s1")[0]
    found = remit.rows("replay", newest["run"], "--session")
    assert [each["run"] for each in found] == sorted(str(each["run"]) for each in found)
    assert len(found) == 2
    assert "note it twice" in remit.good("replay", newest["run"], "--session")


@pytest.mark.requirement("AUD-5")
def test_every_run_is_decided_the_same_again(remit: Remit) -> None:
    for row in remit.rows("runs"):
        tree = remit.tree("replay", row["run"], "--check")
        assert tree["same"], tree
        assert cast("int", tree["decisions"]) > 1
        assert tree["other_engines"] == []
    assert "all the same" in remit.good("replay", row["run"], "--check")


def test_other_rules_give_differences_and_a_no(
    remit: Remit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generous(state: State, pairs: Iterable[Pair]) -> Iterator[Redecision]:
        spec = state.spec.model_copy(update={"max_output_tokens": 9_999})
        for each in redecide(dataclasses.replace(state, spec=spec), pairs):
            older = dataclasses.replace(each.header, engine="0")
            yield dataclasses.replace(each, header=older)

    monkeypatch.setattr(command, "redecide", generous)
    run = run_of(remit, "look at order 17")
    result = remit("replay", run, "--check")
    assert result.exit_code == 1
    assert "  - ModelRequested" in result.stdout
    assert "  + ModelRequested" in result.stdout
    assert "some were decided by the engine 0" in result.stdout
    assert "2 differ" in result.stdout
    result = remit("replay", run, "--check", "--json")
    assert result.exit_code == 1
    tree = json.loads(result.stdout)
    assert (tree["same"], tree["other_engines"]) == (False, ["0"])
    decided = tree["differences"][0]["decided"][-1]
    assert decided["max_output_tokens"] == 9_999


def test_a_decision_that_cannot_be_made_says_why(
    remit: Remit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpriced(state: State, pairs: Iterable[Pair]) -> Iterator[Redecision]:
        spec = state.spec.model_copy(update={"model": "scripted:unknown"})
        return redecide(dataclasses.replace(state, spec=spec), pairs)

    monkeypatch.setattr(command, "redecide", unpriced)
    result = remit("replay", run_of(remit, "look at order 17"), "--check")
    assert result.exit_code == 1
    assert "without a price for scripted:unknown" in result.stdout


def test_a_row_that_says_otherwise_is_a_no(remit: Remit, journal: Path) -> None:
    run = run_of(remit, "look at order 17")
    with sqlite3.connect(journal) as connection:
        connection.execute("UPDATE runs SET status = 'stopped' WHERE run = ?", (run,))
    connection.close()
    result = remit("replay", run)
    assert result.exit_code == 1
    assert "the replay ends elsewhere: its row says stopped" in result.stdout
    result = remit("replay", run, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["same_as_row"] is False


def test_damage_is_said(remit: Remit, journal: Path) -> None:
    run = run_of(remit, "look at order 17")
    with sqlite3.connect(journal) as connection:
        connection.execute(
            "UPDATE records SET payload = substr(payload, 1, 9) "
            "WHERE position = (SELECT last FROM runs WHERE run = ?)",
            (run,),
        )
    connection.close()
    result = remit("replay", run)
    assert result.exit_code == 3
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr
