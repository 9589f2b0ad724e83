"""`remit approvals delegate`: by the person alone, until an instant, and not passed on."""

from pathlib import Path

import pytest

from remit.cli.person import principal, user_name
from tests.cli.terminal import Remit

pytestmark = pytest.mark.requirement("APR-4")


def settled(folder: Path) -> None:
    """The person at this terminal is `ann`."""
    (folder / "remit.toml").write_text(f'[people.ann]\nalso = ["{principal()}"]\n')


def test_one_delegates_for_oneself_and_takes_it_back(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settled(tmp_path)
    words = ("approvals", "delegate", "ann")
    assert remit.good(*words) == "nobody may agree in the name of ann\n"
    tree = remit.tree(*words, "--to", "bob", "--until", "7d", "--reason", "away")
    assert (tree["person"], tree["to"]) == ("ann", "bob")
    assert remit.tree(*words)["to"] == "bob"
    assert "bob may agree in the name of ann until" in remit.good(*words)
    assert remit.tree(*words, "--tenant", "acme")["to"] is None
    assert remit.tree(*words, "--end")["to"] is None
    assert remit.tree(*words)["to"] is None


def test_nobody_delegates_for_another_or_for_ever(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settled(tmp_path)
    to_bob = ("--to", "bob", "--until", "1h")
    refused = remit("approvals", "delegate", "eve", *to_bob)
    assert refused.exit_code == 1
    assert "ann may not delegate what eve may approve" in refused.stderr
    for until in ("91d", "2020-01-01T00:00Z"):
        words = ("approvals", "delegate", "ann", "--to", "bob", "--until", until)
        assert remit(*words).exit_code != 0, until
    assert remit("approvals", "delegate", "ann", "--to", "ann", "--until", "1h").exit_code == 1
    assert remit("approvals", "delegate", "ann", "--to", "bob").exit_code == 2
    assert remit("approvals", "delegate", "ann", "--end", *to_bob).exit_code == 2
    assert remit.tree("approvals", "delegate", "ann")["to"] is None


def test_a_terminal_is_no_person_of_that_name_unless_it_is_written(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("approvals", "delegate", user_name(), "--to", "bob", "--until", "1h")
    assert remit(*words).exit_code == 1
