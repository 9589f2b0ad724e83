"""FileRoot: what it reads, writes and lists, and its limits."""

import gc
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from remit.adapters.files import root as root_module
from remit.adapters.files.root import FileRoot
from remit.errors import ConfigError, FileTooLarge, NoSuchFile, PathRefused, ToolError
from tests.adapters.files.conftest import SECRET, names_in

pytestmark = pytest.mark.requirement("TOOL-10", "TOOL-5")


# ---------------------------------------------------------------- everyday use


def test_reading(root: FileRoot) -> None:
    assert root.read_text("src/app.py") == "print()\n"
    assert root.read_bytes("./README.md") == b"# hello\n"
    assert root.digest("README.md") == "sha256:" + hashlib.sha256(b"# hello\n").hexdigest()
    assert root.exists("README.md")
    assert not root.exists("absent")
    assert not root.exists("absent/deeper")
    with pytest.raises(NoSuchFile, match="'absent'"):
        root.read_text("absent")


def test_writing_makes_folders_and_replaces(root: FileRoot, place: Path) -> None:
    root.write_text("new/deep/file.txt", "one")
    root.write_text("new/deep/file.txt", "zwölf")
    assert (place / "root/new/deep/file.txt").read_text() == "zwölf"
    assert names_in(place / "root/new/deep") == ["file.txt"], "no temporary file stays"
    root.remove("new/deep/file.txt")
    assert not root.exists("new/deep/file.txt")
    with pytest.raises(NoSuchFile):
        root.remove("new/deep/file.txt")


def test_permission_bits_are_kept_without_setuid(root: FileRoot, place: Path) -> None:
    script = place / "root" / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o4751)
    root.write_text("run.sh", "#!/bin/sh\necho\n")
    assert stat.S_IMODE(script.stat().st_mode) == 0o751


def test_a_new_file_follows_the_umask(root: FileRoot, place: Path) -> None:
    root.write_text("plain.txt", "x")
    (place / "reference").write_text("x")
    assert (place / "root/plain.txt").stat().st_mode == (place / "reference").stat().st_mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep another owner")
def test_root_keeps_the_owner(root: FileRoot, place: Path) -> None:
    os.chown(place / "root/README.md", 4321, 4322)
    root.write_text("README.md", "new")
    status = (place / "root/README.md").stat()
    assert (status.st_uid, status.st_gid) == (4321, 4322)


def test_readers_see_the_old_or_the_new_file_whole(root: FileRoot) -> None:
    old, new = b"a" * 200_000, b"b" * 200_000
    root.write_bytes("big", old)
    stop = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(root.read_bytes("big"))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        root.write_bytes("big", new if turn % 2 else old)
    stop.set()
    reader.join()
    assert seen <= {old, new}
    assert seen


def test_a_failed_write_leaves_the_old_file(
    root: FileRoot, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(root_module, "fill", full)
    with pytest.raises(ToolError, match="No space left"):
        root.write_text("README.md", "new")
    monkeypatch.undo()
    assert (place / "root/README.md").read_text() == "# hello\n"
    assert names_in(place / "root") == [".git", "README.md", "src"]


def test_limits(place: Path) -> None:
    root = FileRoot(place / "root", writable=True, max_bytes=10)
    root.write_bytes("ten", b"0123456789")
    assert root.read_bytes("ten", limit=10) == b"0123456789"
    assert root.read_bytes("ten", limit=1000) == b"0123456789"
    with pytest.raises(FileTooLarge):
        root.read_bytes("ten", limit=9)
    with pytest.raises(FileTooLarge):
        root.write_bytes("eleven", b"0" * 11)
    assert not (place / "root/eleven").exists()
    (place / "root/grown").write_bytes(b"0" * 11)
    with pytest.raises(FileTooLarge):
        root.read_bytes("grown")
    with pytest.raises(FileTooLarge):
        root.digest("grown")


def test_text_must_be_text(root: FileRoot) -> None:
    root.write_bytes("blob", b"ok\xff")
    with pytest.raises(ToolError, match="not UTF-8 text"):
        root.read_text("blob")
    assert root.read_bytes("blob") == b"ok\xff"


def test_a_read_only_root_writes_nothing(place: Path) -> None:
    root = FileRoot(place / "root")
    with pytest.raises(PathRefused, match="writable=True"):
        root.write_text("new.txt", "x")
    with pytest.raises(PathRefused, match="writable=True"):
        root.remove("README.md")
    assert names_in(place / "root") == [".git", "README.md", "src"]


@pytest.mark.parametrize("path", ["absent", "file", "/"])
def test_a_root_must_be_a_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file root"):
        FileRoot(tmp_path / path)


def test_a_closed_root_never_uses_its_number_again(place: Path) -> None:
    root = FileRoot(place / "root", writable=True)
    root.close()
    root.close()
    others = [os.open(place / "outside", os.O_RDONLY) for _ in range(4)]
    try:
        with pytest.raises(ToolError, match="closed"):
            root.read_text("secret")
        with pytest.raises(ToolError, match="closed"):
            root.write_text("secret", "x")
    finally:
        for fd in others:
            os.close(fd)
    assert (place / "outside/secret").read_text() == SECRET


def test_descriptors_are_given_back(place: Path) -> None:
    before = len(names_in(Path("/proc/self/fd")))
    root = FileRoot(place / "root", writable=True, links="inside")
    (place / "root/out").symlink_to("../outside/secret")
    root.write_text("a/b/c", "x")
    root.list_files()
    for path in ("out", "absent", "src", ".git/config", "README.md/x"):
        with pytest.raises(ToolError):
            root.read_text(path)
    del root
    gc.collect()
    assert len(names_in(Path("/proc/self/fd"))) == before


# ---------------------------------------------------------------- listing


def test_listing(root: FileRoot, place: Path) -> None:
    (place / "root/src/deep").mkdir()
    (place / "root/src/deep/b.py").write_text("")
    (place / "root/link.py").symlink_to("src/app.py")
    (place / "root/dir_out").symlink_to(place / "outside")
    (place / "root/.env").write_text("")
    (place / "root/.remit-tmp-00").write_text("")
    os.mkfifo(place / "root/pipe")
    assert root.list_files().files == ("README.md", "src/app.py", "src/deep/b.py")
    assert root.list_files().complete
    assert root.list_files("*.py").files == ("src/app.py", "src/deep/b.py")
    assert root.list_files("src/*.py").files == ("src/app.py",)
    assert root.list_files("**/*.py").files == ("src/app.py", "src/deep/b.py")
    short = root.list_files(limit=2)
    assert len(short.files) == 2
    assert not short.complete


def test_listing_is_bounded(root: FileRoot, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (place / "root" / f".env{number}").write_text("")
    monkeypatch.setattr(root_module, "_MAX_ENTRIES", 10)
    assert not root.list_files().complete


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_listing_says_that_a_folder_was_closed_to_it(root: FileRoot, place: Path) -> None:
    (place / "root/src").chmod(0)
    listing = root.list_files()
    (place / "root/src").chmod(0o700)
    assert listing.files == ("README.md",)
    assert not listing.complete


def test_a_text_with_half_a_character_is_refused_in_words(root: FileRoot, place: Path) -> None:
    with pytest.raises(ToolError, match="half a character at 2; write whole ones"):
        root.write_text("half.txt", "ab\ud800")
    assert not (place / "root/half.txt").exists()
