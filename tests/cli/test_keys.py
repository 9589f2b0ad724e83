"""`remit keys new` makes keys that a journal can use."""

import json
import stat
from pathlib import Path

import pytest

from remit.adapters.keys import parse_keys
from tests.cli.terminal import Remit


def test_new_keys_are_printed_or_written_for_their_owner(remit: Remit, tmp_path: Path) -> None:
    printed = remit.good("keys", "new")
    file = tmp_path / "keys.json"
    assert "keep a copy" in remit.good("keys", "new", file)
    written = file.read_text(encoding="utf-8")
    assert parse_keys(printed, "x").mac != parse_keys(written, "y").mac
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(written)["format"] == 1


def test_keys_are_never_overwritten(remit: Remit, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("mine", encoding="utf-8")
    result = remit("keys", "new", file)
    assert result.exit_code == 2
    assert "never overwritten" in result.stderr
    assert file.read_text(encoding="utf-8") == "mine"
    assert remit("keys", "new", tmp_path / "no" / "folder").exit_code == 2


def test_a_journal_opens_with_the_keys_it_was_given(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "other.json"
    remit.good("keys", "new", file)
    monkeypatch.setenv("REMIT_KEY_FILE", str(file))
    result = remit("verify")
    assert result.exit_code == 1
    assert "which is not at hand" in result.stdout
