"""Keys are made once, for their owner alone, and never shown; others' files are refused."""

import base64
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remit.adapters.keys import Keys, key_id, new_keys, parse_keys, read_keys
from remit.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "journal.db.keys"


def secrets_in(text: str) -> list[str]:
    return [value for value in json.loads(text).values() if isinstance(value, str)]


@pytest.mark.requirement("AUD-1")
def test_keys_are_made_on_first_use_for_the_owner_alone(path: Path) -> None:
    earlier = os.umask(0)
    try:
        keys = read_keys(path, make=True)
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # no draft is left
    again = read_keys(path, make=True)
    assert (again.mac, again.vault) == (keys.mac, keys.vault)
    assert again.head == keys.head
    assert len({keys.mac, keys.vault, keys.head}) == 3


@pytest.mark.requirement("OPS-6")
def test_keys_are_not_made_unless_asked(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"journal\.db\.keys: the journal's keys are missing"):
        read_keys(path, make=False)
    assert not path.exists()


def test_many_at_once_make_one_set(path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: read_keys(path, make=True), range(16)))
    assert len({each.mac for each in keys}) == 1
    script = (
        "import pathlib, sys\nfrom remit.adapters.keys import read_keys\n"
        "print(read_keys(pathlib.Path(sys.argv[1]), make=True).mac_id)"
    )
    fresh = path.with_name("fresh.keys")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(fresh)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(3)
    ]
    names = {process.communicate()[0] for process in processes}
    assert names == {f"{read_keys(fresh, make=False).mac_id}\n"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666])
def test_a_file_that_others_can_use_is_refused(path: Path, mode: int) -> None:
    read_keys(path, make=True)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"others can read the keys; say chmod 600 .*{path.name}"):
        read_keys(path, make=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    read_keys(path, make=True)
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigError, match="belong to another user; say chown"):
        read_keys(path, make=True)


def test_a_mounted_secret_is_a_link_and_is_followed(path: Path, tmp_path: Path) -> None:
    keys = read_keys(path, make=True)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert read_keys(link, make=False).mac == keys.mac


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(ConfigError, match="plain file"):
        read_keys(fifo, make=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be read or made"):
        read_keys(tmp_path / "file" / "keys", make=True)


@pytest.mark.requirement("SEC-1")
def test_an_error_never_shows_a_key() -> None:
    text = new_keys()
    tree = json.loads(text)
    wrong = [
        text[:-5],
        json.dumps({**tree, "mac": tree["mac"][:-3]}),
        json.dumps({**tree, "mac": base64.b64encode(b"short").decode()}),
        json.dumps({**tree, "vault": 7}),
        json.dumps({**tree, "old_macs": ["?"]}),
        json.dumps({**tree, "old_macs": [base64.b64encode(b"short").decode()]}),
        json.dumps({"mac": tree["mac"]}),
        json.dumps([tree]),
        "",
        "null",
    ]
    for each in wrong:
        with pytest.raises(ConfigError, match="REMIT_KEYS: ") as caught:
            parse_keys(each, "REMIT_KEYS")
        assert not any(secret[:8] in str(caught.value) for secret in secrets_in(text))
        assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_keys_are_not_in_the_text_of_their_object() -> None:
    keys = parse_keys(new_keys(), "test")
    for secret in (keys.mac, keys.vault, keys.head):
        assert secret.hex() not in repr(keys)
        assert repr(secret) not in repr(keys)


@pytest.mark.requirement("AUD-1")
def test_old_mac_keys_still_verify() -> None:
    tree = json.loads(new_keys())
    old = bytes(range(32))
    keys = parse_keys(
        json.dumps({**tree, "old_macs": [base64.b64encode(old).decode()]}), "REMIT_KEYS"
    )
    assert keys.macs() == {keys.mac_id: keys.mac, key_id(old): old}
    assert keys.mac_id == key_id(keys.mac)
    assert len(keys.mac_id) == 8
    assert isinstance(keys, Keys)
