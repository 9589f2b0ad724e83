"""A secret's file is read whole and late; one that others may write is refused, with the remedy."""

import os
from pathlib import Path

import pytest

from remit.adapters.secrets import secret_file
from remit.adapters.secrets.secret_file import MAX_BYTES, read_secret
from remit.errors import ConfigError


def kept(path: Path, content: bytes, mode: int = 0o600) -> Path:
    """A file with these bytes and rights."""
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.requirement("SEC-5")
@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b"a\nb\r\n", "a\nb"), (b" \n\n", " \n")],
)
def test_one_line_break_at_the_end_is_none_of_the_secret(
    tmp_path: Path, content: bytes, secret: str
) -> None:
    assert read_secret(kept(tmp_path / "s", content)) == secret


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_secret(tmp_path / "none") is None
    file = kept(tmp_path / "file", b"x")
    assert read_secret(file / "below") is None


@pytest.mark.requirement("SEC-5")
def test_kubernetes_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    kept(tmp_path / "..data" / "token", b"s3cret")
    (tmp_path / "token").symlink_to("..data/token")
    assert read_secret(tmp_path / "token") == "s3cret"


@pytest.mark.requirement("SEC-5")
def test_a_file_that_every_user_may_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"/s: every user may replace .* chmod o-rw") as caught:
        read_secret(kept(tmp_path / "s", b"s3cret", 0o602))
    assert "s3cret" not in str(caught.value)


@pytest.mark.requirement("SEC-5")
def test_a_file_that_every_user_may_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kept(tmp_path / "s", b"s3cret", 0o644)
    with pytest.warns(UserWarning, match=r"can read this secret; say chmod o-r .*/s") as caught:
        assert read_secret(file) == "s3cret"
    assert "s3cret" not in str(caught[0].message)
    monkeypatch.setattr(secret_file, "_MOUNTS", (f"{tmp_path}/",))
    assert read_secret(file) == "s3cret"  # a warning would be an error here


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe", "not UTF-8"), (b"x" * (MAX_BYTES + 1), "larger than")]
)
def test_what_is_no_secret_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_secret(kept(tmp_path / "s", content))


def test_what_is_no_plain_file_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ConfigError, match=r"plain file|cannot be read"):
            read_secret(path)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError, match=r"/loop: the secret cannot be read"):
        read_secret(loop)
