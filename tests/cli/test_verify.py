"""`remit verify` answers yes or no, prints the head, and checks heads that were kept."""

import json
import sqlite3
from pathlib import Path
from typing import cast

import pytest

from tests.cli.terminal import Remit


def tenant(remit: Remit, name: str, *args: object) -> dict[str, object]:
    tenants = cast("list[dict[str, object]]", remit.tree("verify", *args)["tenants"])
    (found,) = [each for each in tenants if each["tenant"] == name]
    return found


@pytest.mark.requirement("AUD-1", "AUD-3")
def test_a_sound_journal(remit: Remit) -> None:
    text = remit.good("verify")
    assert "sound local: runs 8" in text
    assert "sound acme: runs 1" in text
    assert "head  " in text
    local = tenant(remit, "local")
    assert (local["sound"], local["damages"]) == (True, [])
    assert local["records"] == local["size"]


@pytest.mark.requirement("AUD-3")
def test_a_head_that_was_kept(remit: Remit, tmp_path: Path) -> None:
    local = tenant(remit, "local")
    file = tmp_path / "head.json"
    file.write_text(json.dumps(local["head"]), encoding="utf-8")
    for head in (file, f"{local['size']}:{local['root']}"):
        found = tenant(remit, "local", "--tenant", "local", "--head", head)
        assert found["sound"]
        (proof,) = cast("list[dict[str, object]]", found["proofs"])
        assert proof["size"] == local["size"]
    later = f"99999:{local['root']}"
    result = remit("verify", "--tenant", "local", "--head", later)
    assert result.exit_code == 1
    assert "its tail was cut off" in result.stdout


@pytest.mark.requirement("AUD-3")
def test_damage_is_a_no_and_named(remit: Remit, journal: Path) -> None:
    with sqlite3.connect(journal) as connection:
        (run,) = connection.execute("SELECT run FROM runs WHERE agent = 'helper'").fetchone()
        connection.execute("UPDATE runs SET user = 'x' || char(27) WHERE agent = 'helper'")
    connection.close()
    result = remit("verify")
    assert result.exit_code == 1
    assert "damaged local" in result.stdout
    assert "sound acme" in result.stdout
    assert f"local/{run}: its row says user" in result.stdout
    assert "\x1b" not in result.stdout
    result = remit("verify", "--json")
    assert result.exit_code == 1
    tree = json.loads(result.stdout)
    assert tree["sound"] is False
    assert [each["run"] for one in tree["tenants"] for each in one["damages"]] == [run]


def test_a_file_that_is_no_head(remit: Remit, tmp_path: Path) -> None:
    nothing = remit("verify", "--head", tmp_path / "missing")
    assert nothing.exit_code == 2
    assert "neither a readable file nor SIZE:ROOT" in nothing.stderr
    (tmp_path / "bad").write_text("{}", encoding="utf-8")
    bad = remit("verify", "--head", tmp_path / "bad")
    assert bad.exit_code == 1
    assert "cannot be read" in bad.stderr
    (tmp_path / "large").write_bytes(b" " * 70_000)
    assert "too large" in remit("verify", "--head", tmp_path / "large").stderr


def test_without_its_keys_nothing_can_be_verified(remit: Remit, journal: Path) -> None:
    journal.with_name(f"{journal.name}.keys").unlink()
    result = remit("verify")
    assert result.exit_code in (1, 2)
    assert "MAC names the key" in result.stdout or "keys" in result.stderr
