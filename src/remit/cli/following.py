"""Follows a run while it goes on, on standard error: a view at a terminal, else lines."""

import click
from rich.console import Console
from rich.live import Live

from remit.cli.journal import short
from remit.cli.live import LiveView, can_redraw
from remit.cli.telling import tell
from remit.runtime.hub import StreamEvent, StreamItem

# What a person wants to see pass by, and how it looks; the rest stands in `remit show`.
_SHOWN = {
    "ApprovalDenied": ("denied", "red"),
    "ApprovalExpired": ("expired", "red"),
    "ApprovalGiven": ("approved", "green"),
    "ApprovalRequested": ("approval", "yellow"),
    "BudgetRefused": ("budget", "red"),
    "BudgetWarned": ("budget", "yellow"),
    "CostAlerted": ("budget", "yellow"),
    "HookAnswered": ("hook", "yellow"),
    "CallJudged": ("verdict", "yellow"),
    "ToolDegraded": ("degraded", "yellow"),
    "CallRecalled": ("recall", "yellow"),
    "CancelRequested": ("cancel", "red"),
    "CheckCompleted": ("check", "yellow"),
    "InboxIgnored": ("ignored", "red"),
    "InputReceived": ("answer", "green"),
    "InputRequested": ("question", "cyan"),
    "ModelCompleted": ("thought", "blue"),
    "ContinuationAsked": ("continued", "yellow"),
    "ModelDrifted": ("drift", "red"),
    "ModelFailed": ("error", "red"),
    "ModelSwitched": ("model", "yellow"),
    "OutputEscalated": ("cut", "yellow"),
    "PeersAborted": ("abort", "red"),
    "PlanChanged": ("plan", "yellow"),
    "PlanRefused": ("plan", "red"),
    "ProbeCompleted": ("probe", "yellow"),
    "RetryPlanned": ("retry", "yellow"),
    "RunEnded": ("end", "bold"),
    "RunRecovered": ("recovery", "yellow"),
    "RunStarted": ("run", "bold"),
    "RunStopping": ("stop", "red"),
    "SubrunRequested": ("hand-over", "magenta"),
    "SubrunEnded": ("answer", "green"),
    "ToolCompleted": ("answer", "green"),
    "ToolDelayed": ("delay", "yellow"),
    "ToolFailed": ("error", "red"),
    "ToolPostponed": ("rate", "yellow"),
    "ToolRequested": ("call", "magenta"),
    "ToolResolved": ("resolved", "green"),
    "ToolUnknown": ("in doubt", "red"),
    "WrapUpAsked": ("wrap-up", "yellow"),
}
_PER_SECOND = 8  # redraws: smooth enough, cheap enough
_WIDTH = 10  # of the longest word above, and a space


class Follower:
    """Shows what passes by: drawn over itself at a terminal, else one line per event.

    cap_nano: the limit of the root run, for the view. A quiet one shows nothing.
    """

    def __init__(self, *, quiet: bool, cap_nano: int) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        self._view = LiveView(cap_nano)
        self._live: Live | None = None
        self._seen: dict[str, tuple[int, int]] = {}

    def see(self, item: StreamItem) -> None:
        """Show an item, unless it was shown before."""
        if self.quiet or not self._is_new(item):
            return
        if can_redraw(self._console):
            self._view.add(item)
            if self._live is None:
                self._live = self._start()
        elif isinstance(item, StreamEvent):
            self._print(item)

    def _is_new(self, item: StreamItem) -> bool:
        if not isinstance(item, StreamEvent):
            return True
        place = (item.version, item.index)
        if place <= self._seen.get(item.run, (0, 0)):
            return False
        self._seen[item.run] = place
        return True

    def _start(self) -> Live:
        live = Live(
            self._view, console=self._console, refresh_per_second=_PER_SECOND, transient=True
        )
        live.start()
        return live

    def _print(self, item: StreamEvent) -> None:
        """One line, on standard error: standard output is for the answer."""
        shown = _SHOWN.get(item.event.type)
        if shown is None:
            return
        word, colour = shown
        mark = f"{word:<{_WIDTH}}"
        style = click.style(mark, bold=True) if colour == "bold" else click.style(mark, fg=colour)
        indent = "  " * item.run.count(".")
        click.echo(f"{indent}{style} {tell(item.event)}", err=True)

    def rest(self) -> None:
        """Leave the view as it stands, and the cursor below it."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._console.print(self._view)

    def say(self, text: str) -> None:
        """Print a line below what was shown, unless quiet."""
        self.rest()
        if not self.quiet:
            click.echo(text, err=True)

    def begin(self, run: str) -> None:
        """Say which run this is."""
        self.say(click.style(f"run {run} (short: {short(run)})", dim=True))
