"""Both ways to open beneath a folder give the same answers, on the same corpus."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.adapters.files import beneath
from remit.adapters.files.beneath import (
    FOLDER,
    PATH_ONLY,
    Opener,
    find_opener,
    open_kernel,
    open_walk,
)

pytestmark = pytest.mark.requirement("TOOL-10")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    inside = tmp_path / "root"
    (inside / "a" / "b").mkdir(parents=True)
    (inside / "a" / "b" / "file").write_text("in")
    (tmp_path / "secret").write_text("out")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "secret").write_text("out")
    (inside / "link_out").symlink_to(tmp_path / "secret")
    (inside / "dir_out").symlink_to(tmp_path / "dir")
    (inside / "up").symlink_to("..")
    (inside / "link_in").symlink_to("a/b/file")
    (inside / "dir_in").symlink_to("a")
    (inside / "loop").symlink_to("loop")
    (inside / "magic").symlink_to("/proc/self/root/etc/passwd")
    fd = os.open(inside, FOLDER)
    yield fd
    os.close(fd)


OPENERS = pytest.mark.parametrize("opener", [open_kernel, open_walk], ids=["openat2", "walk"])


@OPENERS
def test_a_file_inside_opens(opener: Opener, root: int) -> None:
    fd = opener(root, ("a", "b", "file"), os.O_RDONLY, 0)
    try:
        assert os.read(fd, 10) == b"in"
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


@OPENERS
@pytest.mark.parametrize("flags", [os.O_RDONLY, PATH_ONLY, os.O_WRONLY | os.O_CREAT])
@pytest.mark.parametrize(
    "path",
    ["link_out", "dir_out/secret", "up/secret", "link_in", "dir_in/b/file", "loop", "magic"],
)
def test_links_do_not_open(opener: Opener, root: int, path: str, flags: int) -> None:
    with pytest.raises(OSError, match="symbolic links") as caught:
        opener(root, tuple(path.split("/")), flags, 0o600)
    assert caught.value.errno == errno.ELOOP


@OPENERS
@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("absent", errno.ENOENT),
        ("a/absent/x", errno.ENOENT),
        ("a/b/file/x", errno.ENOTDIR),
    ],
)
def test_other_failures(opener: Opener, root: int, path: str, number: int) -> None:
    with pytest.raises(OSError) as caught:
        opener(root, tuple(path.split("/")), os.O_RDONLY, 0)
    assert caught.value.errno == number


@OPENERS
def test_no_descriptor_is_lost(opener: Opener, root: int) -> None:
    before = len(names_in(Path("/proc/self/fd")))
    for path in ("link_out", "dir_out/secret", "absent", "a/b/file/x", "a/b/file"):
        for flags in (os.O_RDONLY, PATH_ONLY):
            try:
                os.close(opener(root, tuple(path.split("/")), flags, 0))
            except OSError:
                continue
    assert len(names_in(Path("/proc/self/fd"))) == before


def test_the_kernel_refuses_what_the_caller_forgot(root: int) -> None:
    """openat2 itself holds `..` and absolute paths back, though names are checked before."""
    for path in ("..", "../secret", "a/../../secret", "/etc/passwd"):
        with pytest.raises(OSError) as caught:
            open_kernel(root, (path,), os.O_RDONLY)
        assert caught.value.errno == errno.EXDEV


def test_without_openat2_the_walk_is_taken(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_opener(root) is open_kernel
    # A number the kernel does not know, as before Linux 5.6.
    monkeypatch.setattr(beneath, "_SYS_OPENAT2", 100_000)
    assert find_opener(root) is open_walk
