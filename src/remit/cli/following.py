"""Follows a run while it goes on: one line per event that matters, on standard error."""

from dataclasses import dataclass

import click

from remit.cli.journal import short
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
    "CallJudged": ("verdict", "yellow"),
    "CancelRequested": ("cancel", "red"),
    "CheckCompleted": ("check", "yellow"),
    "InboxIgnored": ("ignored", "red"),
    "InputReceived": ("answer", "green"),
    "InputRequested": ("question", "cyan"),
    "ModelCompleted": ("thought", "blue"),
    "ModelFailed": ("error", "red"),
    "ProbeCompleted": ("probe", "yellow"),
    "RetryPlanned": ("retry", "yellow"),
    "RunEnded": ("end", "bold"),
    "RunRecovered": ("recovery", "yellow"),
    "RunStarted": ("run", "bold"),
    "RunStopping": ("stop", "red"),
    "SubrunRequested": ("hand-over", "magenta"),
    "SubrunEnded": ("answer", "green"),
    "ToolCompleted": ("answer", "green"),
    "ToolFailed": ("error", "red"),
    "ToolRequested": ("call", "magenta"),
    "ToolResolved": ("resolved", "green"),
    "ToolUnknown": ("in doubt", "red"),
}
_WIDTH = 10  # of the longest word above, and a space


@dataclass(frozen=True, slots=True)
class Follower:
    """Prints what passes by, unless it is quiet."""

    quiet: bool

    def see(self, item: StreamItem) -> None:
        """Print an event; deltas are left to richer views."""
        if self.quiet or not isinstance(item, StreamEvent):
            return
        shown = _SHOWN.get(item.event.type)
        if shown is None:
            return
        word, colour = shown
        style = {"bold": True} if colour == "bold" else {"fg": colour}
        indent = "  " * item.run.count(".")
        self.say(f"{indent}{click.style(f'{word:<{_WIDTH}}', **style)} {tell(item.event)}")

    def say(self, text: str) -> None:
        """Print a line, unless quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    def begin(self, run: str) -> None:
        """Say which run this is."""
        self.say(click.style(f"run {run} (short: {short(run)})", dim=True))
