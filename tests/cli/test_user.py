"""`remit user` lets people sign in, with roles by tenant, and ends it."""

from pathlib import Path

import pytest

from tests.cli.terminal import Remit

GOOD = "correct horse battery\n"


@pytest.fixture
def remit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remit:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{tmp_path / 'j.db'}")
    return Remit()


def test_a_user_is_added_changed_and_switched_off(remit: Remit) -> None:
    added = remit("user", "add", "zoe", "--role", "operator", input_text=GOOD)
    assert added.exit_code == 0, added.output
    assert GOOD.strip() not in added.output
    twice = remit("user", "add", "zoe", "--role", "viewer", input_text=GOOD)
    assert twice.exit_code == 1
    told = remit.tree("--tenant", "acme", "user", "role", "zoe", "--role", "approver")
    assert told["grants"] == {"acme": ["approver"], "local": ["operator"]}
    assert remit.tree("user", "role", "zoe")["grants"] == {"acme": ["approver"]}
    assert remit("user", "password", "zoe", input_text="short\n").exit_code == 2
    assert remit("user", "password", "zoe", input_text=GOOD).exit_code == 0
    assert "is off" in remit.good("user", "off", "zoe", "--reason", "left")
    [row] = remit.rows("user", "list")
    assert (row["user"], row["off"]) == ("zoe", True)
    assert remit.json("user", "on", "zoe") == {"user": "zoe", "done": "is on"}
    assert "approver" in remit.good("user", "list")


def test_who_is_not_there(remit: Remit) -> None:
    assert remit("user", "add", "zoe", "--role", "viewer", input_text=GOOD).exit_code == 0
    for command in (["role", "x"], ["off", "x"], ["on", "x"]):
        assert remit("user", *command).exit_code == 1
    assert remit("user", "password", "x", input_text=GOOD).exit_code == 1
