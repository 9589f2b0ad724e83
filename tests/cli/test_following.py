"""What passes by is shown once: as lines, or as a view that is left standing."""

import sys

import pytest

from remit.cli.following import Follower
from remit.runtime.hub import StreamDelta, StreamEvent, StreamItem
from tests.projections.facts import answered, asked, judged, started

CAP_NANO = 1_000_000_000
ITEMS: list[StreamItem] = [
    StreamEvent("run_1", 1, 0, started()),
    StreamEvent("run_1", 1, 1, asked()),
    StreamDelta("run_1", "c1", 1, 0, 0, "text", "Hm"),
    StreamEvent("run_1", 2, 0, answered("Hm.", ("look_up", "{}"))),
    StreamEvent("run_1", 2, 1, judged()),
    StreamEvent("run_1.c1-1", 1, 0, started("helper")),
]


def shown(capsys: pytest.CaptureFixture[str], *, quiet: bool = False) -> str:
    follower = Follower(quiet=quiet, cap_nano=CAP_NANO)
    follower.begin("run_1")
    for item in (*ITEMS, *ITEMS):
        follower.see(item)
    follower.rest()
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_one_line_per_event_that_matters(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys).splitlines() == [
        "run run_1 (short: run_1)",
        "run        clerk is asked by ann: Go.",
        "thought    c1 $0.00000003 wants look_up: Hm.",
        "verdict    c1-1 look_up: allow by builtin.read (because)",
        "  run        helper is asked by ann: Go.",
    ]


def test_a_quiet_one_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, quiet=True) == ""


def test_at_a_terminal_the_view_is_left_standing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    text = shown(capsys)
    assert "clerk" in text
    assert "look_up" in text
    assert "of $1.00" in text
