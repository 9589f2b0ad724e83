"""`remit show` draws the decision tree, and lists decisions and spend."""

from typing import cast

import pytest

from tests.cli.terminal import Remit


def run_of(remit: Remit, task: str) -> str:
    """The run that was asked to do this."""
    for row in remit.rows("runs"):
        tree = remit.tree("show", row["run"])
        children = cast("list[dict[str, object]]", tree["children"])
        if any(child.get("text") == task for child in children):
            return str(row["run"])
    raise AssertionError(task)


@pytest.mark.requirement("ORC-5")
def test_the_tree_has_every_kind_of_node(remit: Remit) -> None:
    run = run_of(remit, "help me")
    text = remit.good("show", run)
    for words in (
        "run clerk completed",
        "question local: help me",
        "thought scripted:x",
        'call ask_helper done: {"brief": "Where is it?"}',
        "verdict builtin.read allow",
        "run helper completed",
        "call find_order done",
        "answer find_order done: xxx",
        "answer clerk completed: Lost.",
        "tokens",
    ):
        assert words in text, words
    tree = remit.tree("show", run)
    assert (tree["kind"], tree["label"], tree["status"]) == ("run", "clerk", "completed")


def test_what_tools_say_cannot_drive_the_terminal(remit: Remit) -> None:
    run = run_of(remit, "look at order 17")
    for options in ((), ("--full",), ("--audit",)):
        text = remit.good("show", run, *options)
        assert "\x1b" not in text
        assert "[31m" not in text
    assert "two lamps" in remit.good("show", run)


def test_errors_and_denials_are_shown(remit: Remit) -> None:
    text = remit.good("show", run_of(remit, "wrong things"))
    assert "verdict builtin.schema deny" in text
    assert "verdict builtin.unknown-tool deny" in text
    assert "error invalid" in text


@pytest.mark.requirement("PERM-3", "APR-4")
def test_decisions_are_listed(remit: Remit) -> None:
    run = run_of(remit, "refund order 17")
    rows = remit.rows("show", run, "--audit")
    assert [(row["what"], row["effect"], row["principal"]) for row in rows] == [
        ("judged", "ask", "local"),
        ("approved", "allow", "boss"),
    ]
    assert rows[0]["arguments"] == '{"order": "17"}'
    assert rows[1]["rule"] == "remit.approvals.refund_order"
    text = remit.good("show", run, "--audit")
    assert "refund_order" in text
    assert "approved" in text


@pytest.mark.requirement("OBS-3")
def test_spend_is_listed_and_summed(remit: Remit) -> None:
    run = run_of(remit, "help me")
    tree = remit.tree("show", run, "--spend")
    calls = cast("list[dict[str, object]]", tree["calls"])
    total = cast("dict[str, int]", tree["total"])
    assert [call["agent"] for call in calls] == ["clerk", "clerk", "helper", "helper"]
    assert total["cost_nano"] == sum(cast("int", call["cost_nano"]) for call in calls)
    (row,) = [row for row in remit.rows("runs") if row["run"] == run]
    assert row["cost_nano"] == total["cost_nano"]
    assert "COST" in remit.good("show", run, "--spend")


def test_ids_may_be_shortened(remit: Remit) -> None:
    run = run_of(remit, "help me")
    for given in (run, run[-8:], run[-8:].lower(), f"{run[-8:]}.c1-1", f"{run}:c1-1", run[:30]):
        assert remit("show", given).exit_code == 0, given
    sub = remit.tree("show", f"{run[-8:]}.c1-1")
    assert sub["label"] == "helper"


def test_an_id_of_none_or_of_several(remit: Remit) -> None:
    missing = remit("show", "nosuchrun")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "there is no run 'nosuchrun'" in missing.stderr
    assert "of tenant acme" in remit("show", "nosuchrun", "--tenant", "acme").stderr
    several = remit("show", "run_")
    assert several.exit_code == 2
    assert "means several runs" in several.stderr
    assert remit("show", "").exit_code == 2
    assert remit("show").exit_code == 2


@pytest.mark.requirement("OBS-3", "BUD-1")
def test_spend_tells_what_was_used_of_each_account(remit: Remit) -> None:
    run = run_of(remit, "help me")
    tree = remit.tree("show", run, "--spend")
    accounts = cast("list[dict[str, object]]", tree["accounts"])
    total = cast("dict[str, object]", tree["total"])
    used = {str(each["account"]): each["used"] for each in accounts}
    assert used[f"run:{run}|total|nano"] == total["cost_nano"]
    text = remit.good("show", run, "--spend")
    assert "ACCOUNT" in text
    assert "$5.00" in text
