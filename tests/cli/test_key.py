"""`remit key` makes, lists and revokes API keys, and shows a token once."""

from pathlib import Path

import pytest

from tests.cli.terminal import Remit


@pytest.fixture
def remit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remit:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{tmp_path / 'j.db'}")
    return Remit()


def test_a_key_lives_and_ends(remit: Remit) -> None:
    made = remit.tree("key", "create", "ci", "--role", "operator", "--until", "90d")
    token, key = str(made["token"]), str(made["key"])
    assert token.startswith(f"rmk_local_{key}_")
    assert (made["roles"], made["last_used"], made["revoked"]) == (["operator"], None, None)
    listed = remit.good("key", "list")
    assert key in listed
    assert "never" in listed
    assert token.rpartition("_")[2] not in listed
    remit.good("key", "revoke", key, "--reason", "gone")
    [row] = remit.rows("key", "list")
    assert row["revoked"] is not None
    assert "token" not in row
    assert "revoked" in remit.good("key", "list")
    again = remit("key", "revoke", key)
    assert again.exit_code == 1


def test_keys_belong_to_their_tenant(remit: Remit) -> None:
    token = remit.good("--tenant", "*", "key", "create", "ops", "--role", "viewer")
    assert token.startswith("rmk_~_")
    assert "has no keys" in remit.good("--tenant", "acme", "key", "list")
    [row] = remit.rows("--tenant", "*", "key", "list")
    assert row["tenant"] == "*"


@pytest.mark.requirement("APR-4")
def test_an_approvers_key_names_its_person(remit: Remit) -> None:
    refused = remit("key", "create", "bot", "--role", "approver")
    assert refused.exit_code == 2
    assert "say which" in refused.output
    made = remit.tree("key", "create", "bot", "--role", "approver", "--person", "ann")
    assert made["person"] == "ann"
