"""Where the keys of a journal come from, and who may read them."""

import stat
from pathlib import Path

import pytest

from remit.adapters.keys import new_keys, parse_keys
from remit.app.config import Settings
from remit.app.keyring import open_keys
from remit.errors import ConfigError
from tests.runtime.stage import journal_at


def test_keys_come_from_the_variable_first(tmp_path: Path) -> None:
    text, path = new_keys(), tmp_path / "other.keys"
    path.write_text(new_keys())
    path.chmod(0o600)
    variables = {"REMIT_KEYS": text, "REMIT_KEY_FILE": str(path)}
    ring = open_keys(Settings(url=journal_at(tmp_path / "x")), variables)
    assert ring.signer.key == parse_keys(text, "here").mac
    assert ring.macs == {ring.signer.key_id: ring.signer.key}
    assert not (tmp_path / "x").exists()


def test_then_from_the_named_file_which_no_sandbox_may_see(tmp_path: Path) -> None:
    path = tmp_path / "named.keys"
    path.write_text(new_keys())
    path.chmod(0o600)
    ring = open_keys(Settings(url="postgresql://h/db"), {"REMIT_KEY_FILE": str(path)})
    assert ring.signer.key == parse_keys(path.read_text(), "here").mac
    assert ring.hidden == (str(path),)


def test_a_named_file_is_never_made(tmp_path: Path) -> None:
    path = tmp_path / "missing.keys"
    with pytest.raises(ConfigError, match=r"missing\.keys: the journal's keys are missing"):
        open_keys(Settings(url="memory:"), {"REMIT_KEY_FILE": str(path)})
    assert not path.exists()


def test_a_new_sqlite_journal_gets_keys_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings = Settings(url=journal_at(tmp_path))
    ring = open_keys(settings, {})
    path = tmp_path / "journal.db.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in ring.hidden
    assert open_keys(settings, {}).signer == ring.signer  # once made they stay


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_keys_that_others_can_read_or_replace_are_refused(mode: int, tmp_path: Path) -> None:
    open_keys(Settings(url=journal_at(tmp_path)), {})
    path = tmp_path / "journal.db.keys"
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_keys(Settings(url=journal_at(tmp_path)), {})


def test_an_old_journal_whose_keys_are_gone_gets_no_new_ones(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"records of last year")
    with pytest.raises(ConfigError, match=r"journal\.db\.keys: the journal's keys are missing"):
        open_keys(Settings(url=journal_at(tmp_path)), {})
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]


@pytest.mark.requirement("OPS-6")
def test_production_makes_no_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the journal's keys are missing"):
        open_keys(Settings(url=journal_at(tmp_path), environment="production"), {})
    assert not any(tmp_path.iterdir())


def test_a_journal_on_another_machine_needs_keys() -> None:
    with pytest.raises(ConfigError, match="set REMIT_KEYS to what `remit keys new` prints"):
        open_keys(Settings(url="postgresql://h/db"), {})


def test_a_journal_in_memory_has_fresh_keys() -> None:
    first, second = (open_keys(Settings(url="memory:"), {}) for _ in range(2))
    assert first.signer.key != second.signer.key


def test_the_vault_is_keyed(tmp_path: Path) -> None:
    first, second = (open_keys(Settings(url=journal_at(tmp_path / n)), {}).vault for n in "ab")
    name = first.placeholder("acme", "key", "value")
    assert first.open("acme", name, first.seal("acme", name, "value")) == "value"
    assert second.placeholder("acme", "key", "value") != name
