"""What a human sees at the gate, and who answers where nobody sits at a terminal."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from remit.app.run import PendingApproval
from remit.cli import demo_stage
from remit.cli.demo_gate import Viewer, chosen
from remit.cli.demo_play import Answer
from remit.cli.demo_stage import git
from remit.runtime.hub import StreamEvent
from tests.cli.demo_facts import started


def _pending(**arguments: str) -> PendingApproval:
    return PendingApproval(
        id="run_a:c1-1",
        run="run_a",
        tool="commit_changes",
        arguments=json.dumps(arguments),
        digest="d" * 32,
        needed=1,
        given=(),
        rule="remit.approvals.commit_changes",
        expires_ms=0,
    )


def _viewer(repo: Path, *, agrees: bool = True) -> tuple[Viewer, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    return Viewer(console, repo, lambda _: Answer(agrees=agrees, comment="why")), out


async def test_the_whole_call_and_its_change_are_shown_before_the_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repo = demo_stage.build("plain").repo
    (repo / "new.py").write_text("NEW = '\x1b[2J'\n")
    git(repo, "add", "--all")
    tree = git(repo, "write-tree")
    viewer, out = _viewer(repo)
    answer = await viewer.decide(_pending(tree=tree, message="Fix \x1b[2Jit\n\nBecause."))
    shown = out.getvalue()
    assert answer.agrees
    for part in (tree, "Because.", "new.py", "+NEW = ''", "remit.approvals.commit_changes",
                 "d" * 32, "agreed as local:"):  # fmt: skip
        assert part in shown
    assert "\x1b" not in shown


async def test_a_long_change_is_cut_with_the_way_to_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repo = demo_stage.build("plain").repo
    (repo / "long.txt").write_text("line\n" * 500)
    git(repo, "add", "--all")
    tree = git(repo, "write-tree")
    viewer, out = _viewer(repo)
    await viewer.decide(_pending(tree=tree, message="x"))
    assert out.getvalue().count("+line") < 100
    assert f"more lines: git -C {repo} diff HEAD {tree[:12]}" in out.getvalue()


@pytest.mark.parametrize("tree", ["--output=/tmp/x", "HEAD", ""])
async def test_what_is_no_tree_is_not_handed_to_git(tmp_path: Path, tree: str) -> None:
    viewer, out = _viewer(tmp_path, agrees=False)
    assert not (await viewer.decide(_pending(tree=tree, message="x"))).agrees
    assert "refused as local:" in out.getvalue()


def test_lines_are_printed_where_nothing_can_be_redrawn(tmp_path: Path) -> None:
    viewer, out = _viewer(tmp_path)
    viewer.recall(StreamEvent("run_a", 1, 0, started("lead")))
    assert out.getvalue() == ""
    viewer.see(StreamEvent("run_a.c1-1", 1, 0, started("coder")))
    viewer.rest()
    assert out.getvalue() == "  coder begins\n"


def test_a_terminal_gets_a_view_that_stays_when_it_rests(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, _environ={"TERM": "xterm"})
    viewer = Viewer(console, tmp_path, None)
    viewer.see(StreamEvent("run_a", 1, 0, started("lead")))
    viewer.rest()
    viewer.rest()
    assert "lead" in out.getvalue()
    assert "spent" in out.getvalue()


def test_who_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    yes = chosen(yes=True)
    assert yes is not None
    assert yes(_pending()) == Answer(agrees=True, comment="--yes")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    nobody = chosen(yes=False)
    assert nobody is not None
    assert "no terminal" in nobody(_pending()).comment
