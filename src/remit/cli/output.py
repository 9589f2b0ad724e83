"""How commands print: tables and trees for people, JSON with stable keys for programs."""

import json
import sys
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.text import Text

from remit.cli.plain import printable

# Where output is no terminal nobody scrolls sideways, and a cut id is of no use.
_WIDE = 200
COLOURS = {
    "completed": "green",
    "allow": "green",
    "given": "green",
    "done": "green",
    "passed": "green",
    "waiting": "yellow",
    "ask": "yellow",
    "asking": "yellow",
    "asked": "yellow",
    "in doubt": "yellow",
    "stopped": "red",
    "deny": "red",
    "denied": "red",
    "failed": "red",
    "expired": "red",
}


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2))


def console() -> Console:
    """Standard output for people; markup in text means nothing."""
    width = None if sys.stdout.isatty() else _WIDE
    return Console(markup=False, highlight=False, emoji=False, width=width)


def cell(text: object, style: str = "") -> Text:
    """Text from anywhere, safe to print."""
    return Text(printable(str(text)), style=style)


def state(status: str) -> Text:
    """A status in its colour."""
    return cell(status, COLOURS.get(status, ""))


def moment(ms: int) -> str:
    """A time for people, in the local zone."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def iso(ms: int | None) -> str | None:
    """A time for programs: RFC 3339, UTC, milliseconds."""
    if ms is None:
        return None
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
