"""The demo's audience: a person at a terminal with a live view, or lines where there is none."""

import json
import sys
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from remit.app.run import PendingApproval
from remit.cli.asking import read_line
from remit.cli.demo_play import CAP_USD, Answer
from remit.cli.live import LiveView, can_redraw
from remit.cli.output import cell
from remit.cli.person import principal
from remit.cli.plain import printable
from remit.cli.previewing import preview_lines
from remit.runtime.hub import StreamItem
from remit.values.money import usd

_PER_SECOND = 8  # redraws: smooth enough, cheap enough
_DIFF_LINES = 80  # a screen or two


class Viewer:
    """Draws the run on a console. `fixed` answers for the human; None asks at the terminal."""

    def __init__(self, console: Console, fixed: Callable[[PendingApproval], Answer] | None) -> None:
        self.console = console
        self.view = LiveView(usd(CAP_USD))
        self._fixed = fixed
        self._live: Live | None = None

    def recall(self, item: StreamItem) -> None:
        """Put what happened before into the view."""
        self.view.add(item)

    def see(self, item: StreamItem) -> None:
        """Draw what happened, or print it where nothing can be redrawn."""
        lines = self.view.add(item)
        if can_redraw(self.console):
            if self._live is None:
                self._live = Live(
                    self.view,
                    console=self.console,
                    refresh_per_second=_PER_SECOND,
                    vertical_overflow="crop",
                    transient=True,
                )
                self._live.start()
            return
        for line in lines:
            self.console.print(cell(line), soft_wrap=True)

    def rest(self) -> None:
        """Leave the view as it stands, and the cursor below it."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            self.console.print(self.view)

    async def decide(self, pending: PendingApproval) -> Answer:
        """Show the exact call and what it changes, then take the human's word."""
        self.rest()
        self._show(pending)
        if self._fixed is not None:
            answer = self._fixed(pending)
        else:
            answer = await self._ask()
        verb = "agreed" if answer.agrees else "refused"
        why = f" ({answer.comment})" if answer.comment else ""
        self.console.print(cell(f"{verb} as {principal()}{why}", "bold"))
        return answer

    def _show(self, pending: PendingApproval) -> None:
        self.console.print(cell("\n── a human must agree ──", "bold yellow"))
        self.console.print(cell(pending.tool, "bold magenta"))
        for name, value in _arguments(pending.arguments):
            inside = value.replace("\n", "\n    ")  # no line of it passes for one of Remit's
            self.console.print(cell(f"  {name}: ", "bold"), cell(inside), soft_wrap=True)
        if pending.preview is not None:
            width = self.console.width
            for line in preview_lines(pending.preview, most=_DIFF_LINES, width=width):
                self.console.print(Text.from_ansi(line), soft_wrap=True)
        self.console.print(
            cell(f"rule {pending.rule}, digest of the exact call {pending.digest}", "dim"),
            soft_wrap=True,
        )

    async def _ask(self) -> Answer:
        self.console.file.flush()
        try:
            said = await read_line("Agree to exactly this? [y/N] ")
        except EOFError:
            return Answer(agrees=False, comment="the terminal was closed")
        return Answer(agrees=said.strip().lower() in ("y", "yes"), comment="")


def _arguments(text: str) -> list[tuple[str, str]]:
    """The arguments of a call by name, each in printable lines."""
    tree = json.loads(text)
    return [
        (printable(str(name)), printable(value if isinstance(value, str) else json.dumps(value)))
        for name, value in tree.items()
    ]


def chosen(*, yes: bool) -> Callable[[PendingApproval], Answer] | None:
    """Who answers: `--yes`, the terminal, or, where there is none, the local user unasked."""
    if yes:
        return lambda _: Answer(agrees=True, comment="--yes")
    if sys.stdin.isatty() and sys.stderr.isatty():
        return None
    return lambda _: Answer(agrees=True, comment="no terminal to ask at, so as with --yes")
