"""A run as it goes on, for a terminal: roles, calls, verdicts, the spend against the cap."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from remit.cli.output import cell, state
from remit.cli.plain import one_line
from remit.journal.events import (
    ApprovalDenied,
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    Event,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    RunEnded,
    RunRecovered,
    RunStarted,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolDelayed,
    ToolFailed,
    ToolPostponed,
    ToolResolved,
    ToolUnknown,
)
from remit.runtime.hub import StreamDelta, StreamEvent, StreamItem, StreamRetraction
from remit.values.ids import root_of
from remit.values.money import format_usd

_ARGUMENT_CHARS = 46
_NOTE_CHARS = 70
_SAID_CHARS = 90
_BAR = 30
_ASK = "ask_"
_WAITS = {
    "ApprovalRequested": "asking",
    "ToolDelayed": "delayed",
    "ToolPostponed": "postponed",
    "SubrunRequested": "working",
}
_PRICED = (
    ToolCompleted,
    ToolFailed,
    ToolUnknown,
    InputRequested,
    ProbeCompleted,
    ToolResolved,
)


@dataclass(slots=True)
class CallLine:
    """One proposed call and what became of it."""

    tool: str
    arguments: str
    verdict: str = ""
    rule: str = ""
    status: str = ""
    note: str = ""


@dataclass(slots=True)
class Role:
    """One agent at work: the root run, or a sub-run."""

    run: str
    name: str
    calls: dict[str, CallLine] = field(default_factory=dict)
    said: str = ""
    pieces: dict[int, str] = field(default_factory=dict)
    """What came so far of each part of the answer under way."""
    cost: int = 0
    ended: str = ""
    children: list["Role"] = field(default_factory=list)

    def hear(self, part: int, text: str) -> None:
        """Take a piece of a part; what was held back of one may come when the next has begun."""
        self.pieces[part] = self.pieces.get(part, "") + text
        self.said = "".join(piece for _, piece in sorted(self.pieces.items()))

    def forget(self) -> None:
        """Nothing of the answer under way stands."""
        self.pieces.clear()
        self.said = ""

    def total(self) -> int:
        """What it and everything below it has cost, in nano-dollars."""
        return self.cost + sum(child.total() for child in self.children)


class LiveView:
    """Folds the stream of a run into something to look at.

    cap_nano: the limit of the root run. `lines` are what a terminal without cursor control prints.
    """

    def __init__(self, cap_nano: int) -> None:
        self.cap_nano = cap_nano
        self.roles: dict[str, Role] = {}
        self.root: Role | None = None
        self.calls = 0

    def add(self, item: StreamItem) -> list[str]:
        """Take one item; lines that tell about it to who cannot see the view."""
        role = self._role(item.run)
        if isinstance(item, StreamDelta):
            if item.kind == "text":
                role.hear(item.part, item.text)
            return []
        if isinstance(item, StreamRetraction):
            role.forget()
            return []
        return [f"{'  ' * item.run.count('.')}{line}" for line in self._fold(role, item)]

    def _role(self, run: str) -> Role:
        if run not in self.roles:
            self.roles[run] = Role(run, "")
            if run == root_of(run):
                self.root = self.roles[run]
            else:
                self._role(run.rpartition(".")[0]).children.append(self.roles[run])
        return self.roles[run]

    # ------------------------------------------------------------ folding

    def _fold(self, role: Role, item: StreamEvent) -> Iterator[str]:
        match item.event:
            case RunStarted() as event:
                role.name = event.agent
                yield f"{event.agent} begins"
            case RunRecovered() as event:
                doubts = len(event.in_doubt)
                yield f"{role.name} taken over, {doubts} in doubt"
            case ModelRequested():
                role.forget()
            case ModelCompleted() as event:
                role.cost += event.cost
                role.said = "".join(part.text for part in event.parts if part.kind == "text")
                for part in event.parts:
                    if part.kind == "call":
                        role.calls[part.call] = CallLine(part.tool, part.arguments)
                        self.calls += 1
                if role.said:
                    yield f"{role.name}: {one_line(role.said, _SAID_CHARS)}"
            case ModelFailed() as event:
                role.cost += event.cost
                yield f"{role.name}: the model failed ({event.kind})"
            case RunEnded() as event:
                role.ended = event.status
                yield f"{role.name} {event.status} ({format_usd(role.total())} so far)"
            case event:
                yield from self._fold_call(role, event)

    def _fold_call(self, role: Role, event: Event) -> Iterator[str]:
        if isinstance(event, _PRICED):
            role.cost += event.cost
        match event:
            case CallJudged():
                call = role.calls[event.call]
                call.verdict, call.rule = event.effect, event.rule
                arguments = one_line(call.arguments, _ARGUMENT_CHARS)
                yield f"{call.tool} {arguments} → {event.effect} ({event.rule})"
            case ApprovalRequested() | ToolDelayed() | ToolPostponed() | SubrunRequested():
                role.calls[event.call].status = _WAITS[event.type]
            case ApprovalGiven() | ApprovalDenied():
                who = event.principal
                verb = "agrees" if isinstance(event, ApprovalGiven) else "refuses"
                yield f"{who} {verb}"
            case ToolCompleted() | SubrunEnded():
                yield from self._done(role, event.call, "done", event.text)
            case ToolFailed():
                yield from self._done(role, event.call, event.kind, event.text)
            case ToolUnknown():
                yield from self._done(role, event.call, "in doubt", event.reason)
            case ProbeCompleted():
                yield from self._done(role, event.call, event.verdict, event.text)
            case _:
                pass

    def _done(self, role: Role, name: str, status: str, text: str) -> Iterator[str]:
        call = role.calls.get(name)
        if call is None:
            return
        call.status, call.note = status, one_line(text, _NOTE_CHARS)
        yield f"{call.tool}: {status}: {call.note}"

    # ------------------------------------------------------------ drawing

    def __rich__(self) -> RenderableType:
        if self.root is None:
            return Text("")
        return Group(self._draw(self.root), self._spend())

    def _draw(self, role: Role) -> Tree:
        line = Text().append_text(cell(role.name, "bold"))
        if role.ended:
            line.append(" ").append_text(state(role.ended))
        line.append(f"  {format_usd(role.total())}", "dim")
        tree = Tree(line, guide_style="dim")
        running = [child for child in role.children if not child.ended]
        if role.ended and role is not self.root:
            line.append(f", {len(role.calls)} calls", "dim")
            refused = [each for each in role.calls.values() if each.verdict == "deny"]
            for call in refused:
                tree.add(_call_line(call))
            return tree
        children = iter(role.children)
        for call in role.calls.values():
            child = next(children, None) if call.tool.startswith(_ASK) else None
            if child is None:
                tree.add(_call_line(call))
            else:
                tree.children.append(self._draw(child))
        if role.said and not running and not role.ended:
            tree.add(cell(one_line(role.said, _SAID_CHARS), "italic"))
        return tree

    def _spend(self) -> Text:
        spent = 0 if self.root is None else self.root.total()
        filled = min(_BAR, -(-spent * _BAR // max(1, self.cap_nano)))
        line = Text("spent ")
        line.append("█" * filled, "green").append("░" * (_BAR - filled), "dim")
        return line.append(f" {format_usd(spent)} of {format_usd(self.cap_nano, 2)}")


def _call_line(call: CallLine) -> Text:
    line = Text().append_text(cell(call.tool, "magenta"))
    line.append(" ").append_text(cell(one_line(call.arguments, _ARGUMENT_CHARS), "dim"))
    if call.verdict:
        line.append(" ").append_text(state(call.verdict))
        line.append(f" {call.rule}", "dim")
    if call.status:
        line.append(" ").append_text(state(call.status))
    if call.note and call.status not in ("done", ""):
        line.append(" ").append_text(cell(call.note))
    return line


def can_redraw(console: Console) -> bool:
    """Whether the view may draw over itself; a dumb terminal or a pipe gets lines."""
    return console.is_terminal and not console.is_dumb_terminal
