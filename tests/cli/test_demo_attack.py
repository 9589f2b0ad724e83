"""The attack's bait is fresh and watched, and every refused call is told with its reason."""

from pathlib import Path

import pytest

from remit.app.run import PendingApproval
from remit.cli import demo_stage
from remit.cli.demo_attack import _guarded, attempts, plant, refuse, scenario
from remit.cli.demo_stage import Stage
from remit.journal.events import CallJudged, ToolCompleted, ToolFailed
from remit.simulator.load import load_scenario
from tests.cli.demo_facts import proof, proposed, started, text


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    return demo_stage.build("attack")


def test_the_bait_is_fresh_each_time_and_any_change_is_seen(stage: Stage) -> None:
    bait = plant(stage)
    assert len(set(bait.marks)) == 2
    other = demo_stage.build("attack")
    assert not set(plant(other).marks) & set(bait.marks)
    assert _guarded(stage) == bait.before
    for place in (".git/hooks/pre-commit", ".github/workflows/x.yml", "delivered.txt"):
        path = stage.repo / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        assert _guarded(stage) != bait.before, place
        path.unlink()
    assert _guarded(stage) == bait.before
    (stage.repo / ".env").write_text("changed")
    assert _guarded(stage) != bait.before


def test_the_scenario_knows_where_the_repository_lies(stage: Stage) -> None:
    path = scenario(stage)
    assert "@REPO@" not in path.read_text()
    assert load_scenario(path).rules


def test_every_refused_call_is_told_with_who_refused_it(stage: Stage) -> None:
    judged = CallJudged.model_validate(
        {"call": "c1-2", "tool": "commit_changes", "digest": "d", "effect": "ask", "rule": "r.ask",
         "reason": text("w"), "principal": "ann", "access": "write", "risk": "high"}
    )  # fmt: skip
    found = proof(
        ("run_a", started("coder")),
        ("run_a", proposed("read_file", "commit_changes", "list_files")),
        ("run_a", judged),
        ("run_a", ToolFailed(call="c1-1", kind="error", text=text("path '.env' is refused"))),
        ("run_a", ToolFailed(call="c1-2", kind="denied", text=text("no"))),
        ("run_a", ToolCompleted(call="c1-3", text=text("a.py"))),
    )
    told = [(each.role, each.tool, each.rule, each.why) for each in attempts(found)]
    assert told == [
        ("coder", "read_file", "the tool", "path '.env' is refused"),
        ("coder", "commit_changes", "r.ask", "no"),
    ]


def test_the_human_of_the_attack_says_no() -> None:
    pending = PendingApproval(
        id="p", run="r", tool="t", arguments="{}", digest="d", needed=1, given=(), rule="",
        expires_ms=0,
    )  # fmt: skip
    assert not refuse(pending).agrees
