"""Printed times, cells and documents."""

import json
from datetime import datetime

import pytest

from remit.cli.output import cell, console, iso, moment, print_json, state

MS = 1_700_000_000_123


def test_times_for_programs_are_utc() -> None:
    assert iso(MS) == "2023-11-14T22:13:20.123Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(None) is None


def test_times_for_people_are_local() -> None:
    assert moment(MS) == datetime.fromtimestamp(MS // 1000).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006  # the local zone is what is shown


def test_text_in_cells_cannot_drive_the_terminal() -> None:
    assert cell("[bold]a\x1b[31mb").plain == "[bold]ab"
    assert cell(5).plain == "5"
    assert state("denied").style == "red"
    assert state("unheard of").style == ""


def test_documents_are_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "\x1b[31m\u202eÄ"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed) == {"text": "\x1b[31m\u202eÄ"}


def test_markup_means_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("[red]a[/red] :smile: " + "x" * 150)
    assert capsys.readouterr().out == "[red]a[/red] :smile: " + "x" * 150 + "\n"
