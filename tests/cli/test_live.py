"""The live view folds a run's stream into roles, calls, verdicts and the spend."""

import io

from rich.console import Console

from remit.cli.live import LiveView, can_redraw
from remit.journal.events import (
    ApprovalDenied,
    ApprovalRequested,
    CallJudged,
    Event,
    ModelCompleted,
    ModelFailed,
    ProbeCompleted,
    RunEnded,
    RunRecovered,
    RunStarted,
    SubrunRequested,
    ToolCompleted,
    ToolFailed,
    ToolUnknown,
)
from remit.runtime.hub import StreamDelta, StreamEvent, StreamRetraction
from remit.values.clean import Clean
from remit.values.message import CallPart, Origin, TextPart
from remit.values.money import usd
from remit.values.usage import Usage

MODEL = Origin(kind="model", name="m")
SUB = "run_a.c1-1"


def _text(text: str) -> Clean:
    return Clean.vouch(text)


def _started(agent: str) -> RunStarted:
    return RunStarted(
        agent=agent, spec="", user="ann", session="s", input=(), root="run_a", deadline_ms=0
    )


def _said(call: str, text: str, *tools: str, cost: int = 0) -> ModelCompleted:
    calls = [
        CallPart(call=f"{call}-{number}", tool=tool, arguments=_text('{"a":1}'), origin=MODEL)
        for number, tool in enumerate(tools, 1)
    ]
    return ModelCompleted(
        call=call,
        parts=(TextPart(text=_text(text), origin=MODEL), *calls),
        stop="tools",
        usage=Usage(),
        model="m",
        cost=cost,
    )


def _judged(call: str, tool: str, effect: str, rule: str) -> CallJudged:
    return CallJudged.model_validate(
        {
            "call": call,
            "tool": tool,
            "digest": "d",
            "effect": effect,
            "rule": rule,
            "reason": _text("why"),
            "principal": "ann",
            "access": "read",
            "risk": "low",
        }
    )


def _view(*events: tuple[str, Event]) -> tuple[LiveView, list[str]]:
    view = LiveView(usd("1.00"))
    lines = [
        line
        for number, (run, event) in enumerate(events)
        for line in view.add(StreamEvent(run, number, 0, event))
    ]
    return view, lines


def _drawn(view: LiveView) -> str:
    console = Console(file=io.StringIO(), width=140, force_terminal=False)
    console.print(view)
    return str(console.file.getvalue()) if isinstance(console.file, io.StringIO) else ""


def test_roles_calls_verdicts_and_spend_are_drawn() -> None:
    view, lines = _view(
        ("run_a", _started("lead")),
        ("run_a", _said("c1", "first", "ask_coder", cost=usd("0.25"))),
        ("run_a", _judged("c1-1", "ask_coder", "allow", "builtin.read")),
        ("run_a", SubrunRequested(call="c1-1", agent="coder", child=SUB, brief=_text("b"))),
        (SUB, _started("coder")),
        (SUB, _said("c1", "look", "read_file", "shell", cost=usd("0.25"))),
        (SUB, _judged("c1-1", "read_file", "allow", "builtin.read")),
        (SUB, _judged("c1-2", "shell", "deny", "builtin.unknown-tool")),
        (SUB, ToolFailed(call="c1-2", kind="denied", text=_text("no such tool"))),
        (SUB, ToolCompleted(call="c1-1", text=_text("content"))),
    )
    drawn = _drawn(view)
    assert drawn.index("lead") < drawn.index("coder") < drawn.index("read_file")
    assert "read_file" in drawn
    assert "allow builtin.read done" in drawn
    assert "deny builtin.unknown-tool denied no such tool" in drawn
    assert "spent" in drawn
    assert "█" * 15 + "░" * 15 + " $0.5000 of $1.00" in drawn
    assert '  read_file {"a":1} → allow (builtin.read)' in lines
    assert "  shell: denied: no such tool" in lines


def test_a_role_that_has_ended_is_one_line_and_its_refusals() -> None:
    view, lines = _view(
        ("run_a", _started("lead")),
        ("run_a", _said("c1", "", "ask_coder")),
        (SUB, _started("coder")),
        (SUB, _said("c1", "", "read_file", "shell")),
        (SUB, _judged("c1-2", "shell", "deny", "r")),
        (SUB, RunEnded(status="completed", reason="answered")),
    )
    drawn = _drawn(view)
    assert "coder completed" in drawn
    assert "2 calls" in drawn
    assert "read_file" not in drawn
    assert "shell" in drawn
    assert "  coder completed ($0.0000 so far)" in lines


def test_the_gate_the_doubt_and_the_take_over_are_told() -> None:
    view, lines = _view(
        ("run_a", _started("lead")),
        ("run_a", _said("c1", "", "commit_changes")),
        ("run_a", _judged("c1-1", "commit_changes", "ask", "remit.approvals.commit_changes")),
        (
            "run_a",
            ApprovalRequested.model_validate(
                {"approval": "p", "call": "c1-1", "tool": "commit_changes", "digest": "d",
                 "needed": 1, "rule": "r", "reason": _text("w"), "expires_ms": 1}
            ),
        ),
    )  # fmt: skip
    assert "ask remit.approvals.commit_changes asking" in _drawn(view)
    more: list[Event] = [
        RunRecovered(epoch=2, in_doubt=("c1-1",)),
        ToolUnknown(call="c1-1", reason=_text("the driver was lost")),
        ProbeCompleted(call="c1-1", verdict="happened", text=_text("commit 1")),
        ApprovalDenied(approval="p", principal="local:ann", channel="cli"),
        ModelFailed(call="c2", kind="overloaded", cost=usd("0.10")),
    ]
    lines = [
        line
        for number, event in enumerate(more)
        for line in view.add(StreamEvent("run_a", 9 + number, 0, event))
    ]
    assert lines == [
        "lead taken over, 1 in doubt",
        "commit_changes: in doubt: the driver was lost",
        "commit_changes: happened: commit 1",
        "local:ann refuses",
        "lead: the model failed (overloaded)",
    ]
    assert "$0.1000 of $1.00" in _drawn(view)


def test_words_appear_while_they_are_said_and_cannot_drive_the_terminal() -> None:
    view, _ = _view(("run_a", _started("lead")))
    assert view.add(StreamDelta("run_a", "c1", 1, 0, 0, "text", "thinking \x1b[2Jaloud")) == []
    assert view.add(StreamDelta("run_a", "c1", 1, 1, 0, "call", "read_file")) == []
    assert "thinking aloud" in _drawn(view)
    assert "\x1b" not in _drawn(view)


def test_nothing_has_begun_and_nothing_is_known() -> None:
    view = LiveView(usd("1.00"))
    assert _drawn(view).strip() == ""
    assert view.add(StreamEvent("run_a", 1, 0, ToolCompleted(call="c9", text=_text("x")))) == []


def test_a_pipe_gets_lines() -> None:
    assert not can_redraw(Console(file=io.StringIO()))
    assert can_redraw(Console(file=io.StringIO(), force_terminal=True))


def test_pieces_stand_in_the_order_of_their_parts() -> None:
    view = LiveView(usd("1"))

    def hear(part: int, offset: int, text: str) -> str:
        view.add(StreamDelta("run_a", "c1", 1, part, offset, "text", text))
        return view.roles["run_a"].said

    assert hear(0, 0, "One a") == "One a"
    assert hear(1, 0, " Two.") == "One a Two."
    assert hear(0, 5, "nd more.") == "One and more. Two.", "held back until now"
    view.add(StreamRetraction("run_a", "c1", 1))
    assert hear(0, 0, "Three.") == "Three."
