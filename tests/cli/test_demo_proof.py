"""What the demo claims is checked: each claim can fail, and says what was seen."""

import dataclasses
from pathlib import Path

import pytest

from remit.app.verification import Damage
from remit.cli import demo_stage
from remit.cli.demo_proof import Proof, claims_of, outcome_of, scanned
from remit.cli.demo_stage import Stage, git
from remit.journal.events import ApprovalGiven, ToolCompleted
from remit.values.money import usd
from tests.cli.demo_facts import PASSED, SOUND, pairs_of, proof, state, text

AGREED = ("run_a", ApprovalGiven(approval="p", digest="d", principal="ann", channel="cli"))


def _scan(tree: str, *, passed: bool) -> tuple[str, ToolCompleted]:
    words = f'{{"tree":"{tree}","passed":{str(passed).lower()}}}'
    return "run_a", ToolCompleted(call="c1-1", text=text(words))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    return demo_stage.build("plain")


def _committed(stage: Stage) -> tuple[str, str]:
    (stage.repo / "README.md").write_text("changed\n")
    git(stage.repo, "commit", "--quiet", "--all", "-m", "x\n\nRemit-Call: run_a:c1-1")
    return git(stage.repo, "rev-parse", "HEAD"), git(stage.repo, "rev-parse", "HEAD^{tree}")


def _failing(stage: Stage, found: Proof) -> list[str]:
    return [claim.what for claim in claims_of(stage, found) if not claim.holds]


def test_a_commit_that_was_agreed_to_scanned_and_tested_holds(stage: Stage) -> None:
    commit, tree = _committed(stage)
    found = proof(AGREED, _scan(tree, passed=True), commits=(commit,))
    assert _failing(stage, found) == []
    assert len(list(claims_of(stage, found))) == 6


def test_no_commit_where_nobody_agreed_holds(stage: Stage) -> None:
    assert _failing(stage, proof()) == []


def test_each_claim_fails_where_it_must(stage: Stage) -> None:
    commit, tree = _committed(stage)
    good = proof(AGREED, _scan(tree, passed=True), commits=(commit,))
    unasked = proof(_scan(tree, passed=True), commits=(commit,))
    assert _failing(stage, unasked) == ["no commit, for nobody agreed"]
    unscanned = proof(AGREED, _scan(tree, passed=False), commits=(commit,))
    assert _failing(stage, unscanned) == ["it is the tree that the scan passed on"]
    failed = dataclasses.replace(good, tests=dataclasses.replace(PASSED, exit_code=1))
    assert _failing(stage, failed) == ["its tests pass, run confined"]
    untested = dataclasses.replace(good, tests=None)
    assert _failing(stage, untested) == ["its tests pass, run confined"]
    dear = dataclasses.replace(good, state=dataclasses.replace(state(), cost=usd("1.00") + 1))
    assert _failing(stage, dear) == ["the spend stayed under the cap"]
    damage = Damage(tenant="local", run="run_a", version=1, what="changed")
    broken = dataclasses.replace(good, verification=dataclasses.replace(SOUND, damages=(damage,)))
    assert _failing(stage, broken) == ["the journal is what was written"]
    stopped = dataclasses.replace(good, state=state("stopped"))
    assert _failing(stage, stopped) == ["the run came to its end"]
    git(stage.repo, "commit", "--quiet", "--allow-empty", "-m", "somebody else")
    assert _failing(stage, good) == ["exactly one commit"]


def test_only_trees_that_passed_count_as_scanned() -> None:
    found = pairs_of(_scan("a" * 40, passed=True), _scan("b" * 40, passed=False))
    assert scanned(found) == {"a" * 40}


def test_the_tests_are_told_in_a_line() -> None:
    assert outcome_of(PASSED) == "OK (bubblewrap)"
    assert outcome_of(None) == "not run: nothing confines programs here"
    silent = dataclasses.replace(PASSED, stderr=b"", ended="timeout")
    assert outcome_of(silent) == "timeout (bubblewrap)"
