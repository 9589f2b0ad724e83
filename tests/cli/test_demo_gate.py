"""What a human sees at the gate, and who answers where nobody sits at a terminal."""

import io
import json
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from remit.app.run import PendingApproval
from remit.cli.demo_gate import Viewer, chosen
from remit.cli.demo_play import Answer
from remit.runtime.hub import StreamEvent
from remit.values.clean import Clean
from remit.values.preview import Preview
from remit.values.preview_lines import drawn, kept
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


def _with(pending: PendingApproval, preview: Preview) -> PendingApproval:
    return replace(pending, preview=kept(drawn(preview, Clean.vouch))[0])


def _viewer(*, agrees: bool = True) -> tuple[Viewer, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    return Viewer(console, lambda _: Answer(agrees=agrees, comment="why")), out


async def test_the_whole_call_and_its_change_are_shown_before_the_word() -> None:
    files = Preview.files({"new.py": (None, "NEW = '\x1b[2J'\n")})
    viewer, out = _viewer()
    pending = _pending(tree="a" * 40, message="Fix \x1b[2Jit\n\nBecause.")
    answer = await viewer.decide(_with(pending, files))
    shown = out.getvalue()
    assert answer.agrees
    for part in ("a" * 40, "Because.", "@ new.py (new)", "+ NEW = '\\u001b[2J'",
                 "remit.approvals.commit_changes", "d" * 32, "agreed as local:"):  # fmt: skip
        assert part in shown
    assert "\x1b" not in shown
    assert "\n    Because." in shown


async def test_a_long_change_is_cut_with_the_way_to_the_rest() -> None:
    viewer, out = _viewer()
    await viewer.decide(_with(_pending(), Preview.files({"a": (None, "line\n" * 500)})))
    assert out.getvalue().count("+ line") < 100
    assert "422 more lines: remit approvals show ID" in out.getvalue()


async def test_a_call_whose_tool_tells_nothing_is_shown_by_its_arguments() -> None:
    viewer, out = _viewer(agrees=False)
    assert not (await viewer.decide(_pending(message="x"))).agrees
    assert "refused as local:" in out.getvalue()
    assert "what it would do" not in out.getvalue()


def test_lines_are_printed_where_nothing_can_be_redrawn() -> None:
    viewer, out = _viewer()
    viewer.recall(StreamEvent("run_a", 1, 0, started("lead")))
    assert out.getvalue() == ""
    viewer.see(StreamEvent("run_a.c1-1", 1, 0, started("coder")))
    viewer.rest()
    assert out.getvalue() == "  coder begins\n"


def test_a_terminal_gets_a_view_that_stays_when_it_rests() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, _environ={"TERM": "xterm"})
    viewer = Viewer(console, None)
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
