"""The end of the demo in words and as JSON."""

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from remit.cli import demo_stage
from remit.cli.demo_attack import Attempt
from remit.cli.demo_end import Ending, ending_json, print_ending
from remit.cli.demo_proof import Claim
from tests.cli.demo_facts import proof, started


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ending:
    monkeypatch.chdir(tmp_path)
    return Ending(
        mode="plain",
        seed=None,
        url="sqlite:///.remit/journal.db",
        stage=demo_stage.build("plain"),
        proof=proof(("run_a", started("lomu"))),
        claims=(Claim("it holds", holds=True, seen="yes"),),
        doubts=(),
        attempts=(),
        seconds=1.23,
    )


def _printed(ending: Ending) -> str:
    out = io.StringIO()
    print_ending(Console(file=out, width=160), ending)
    return out.getvalue()


def test_what_holds_and_what_comes_next(ending: Ending) -> None:
    shown = _printed(ending)
    assert "✓ it holds yes" in shown
    for mode in ("--crash", "--attack"):
        assert f"remit demo {mode}" in shown
    assert "remit show" in shown
    assert ending.holds
    assert "what was tried" not in shown


def test_what_does_not_hold_stands_out(ending: Ending) -> None:
    broken = dataclasses.replace(ending, claims=(Claim("it holds", holds=False, seen="no"),))
    assert "✗ it holds no" in _printed(broken)
    assert not broken.holds
    assert ending_json(broken)["holds"] is False


def test_attempts_and_doubts_are_told_without_control_characters(ending: Ending) -> None:
    attempt = Attempt("coder", "read_file", '{"path":".env"}', "the tool", "refused \x1b[2J.env")
    full = dataclasses.replace(
        ending, mode="attack", attempts=(attempt,), doubts=("lomu: a model was being asked",)
    )
    shown = _printed(full)
    assert 'coder  read_file {"path":".env"}' in shown
    assert "the tool: refused .env" in shown
    assert "lomu: a model was being asked" in shown
    assert "\x1b" not in shown


def test_the_summary_is_json_with_stable_keys(ending: Ending) -> None:
    found = json.loads(json.dumps(ending_json(ending)))
    assert set(found) == {
        "mode", "holds", "seed", "run", "status", "answer", "repository", "journal", "agreed",
        "commits", "tests", "cost_nano", "cap_nano", "verification", "claims", "in_doubt",
        "attempts", "seconds",
    }  # fmt: skip
    assert (found["answer"], found["seconds"], found["cap_nano"]) == ("done", 1.2, 10**9)
