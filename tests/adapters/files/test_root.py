"""FileRoot: what it reads and writes, and every way out of it that was thought of."""

import contextlib
import gc
import hashlib
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remit.adapters.files import root as root_module
from remit.adapters.files.beneath import Opener, open_kernel, open_walk
from remit.adapters.files.root import FileRoot
from remit.errors import ConfigError, FileTooLarge, NoSuchFile, PathRefused, ToolError

pytestmark = pytest.mark.requirement("TOOL-10", "TOOL-5")

SECRET = "planted-outside-9f2c"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=[open_kernel, open_walk], ids=["openat2", "walk"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `root` with files, next to secrets; every test runs with both openers."""
    opener: Opener = request.param
    monkeypatch.setattr(root_module, "find_opener", lambda _root: opener)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    inside = tmp_path / "root"
    (inside / "src").mkdir(parents=True)
    (inside / "src" / "app.py").write_text("print()\n")
    (inside / "README.md").write_text("# hello\n")
    (inside / ".git").mkdir()
    (inside / ".git" / "config").write_text("[core]\n")
    return tmp_path


@pytest.fixture
def root(place: Path) -> Iterator[FileRoot]:
    with FileRoot(place / "root", writable=True) as opened:
        yield opened


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


# ---------------------------------------------------------------- escapes

Plant = Callable[[Path, Path], str]


def _link_file(inside: Path, outside: Path) -> str:
    (inside / "x").symlink_to(outside / "secret")
    return "x"


def _link_relative(inside: Path, _outside: Path) -> str:
    (inside / "x").symlink_to("../outside/secret")
    return "x"


def _link_folder(inside: Path, outside: Path) -> str:
    (inside / "d").symlink_to(outside)
    return "d/secret"


def _link_chain(inside: Path, outside: Path) -> str:
    (inside / "a").symlink_to("b")
    (inside / "b").symlink_to("src/c")
    (inside / "src/c").symlink_to(outside)
    return "a/secret"


def _link_up(inside: Path, _outside: Path) -> str:
    (inside / "src/up").symlink_to("../..")
    return "src/up/outside/secret"


def _link_proc(inside: Path, outside: Path) -> str:
    (inside / "p").symlink_to("/proc/self/root")
    return f"p{outside}/secret"


def _hard_link(inside: Path, outside: Path) -> str:
    os.link(outside / "secret", inside / "h")
    return "h"


def _dots(_inside: Path, _outside: Path) -> str:
    return "src/../../outside/secret"


def _absolute(_inside: Path, outside: Path) -> str:
    return f"{outside}/secret"


ESCAPES = pytest.mark.parametrize(
    "plant",
    [
        _link_file,
        _link_relative,
        _link_folder,
        _link_chain,
        _link_up,
        _link_proc,
        _hard_link,
        _dots,
        _absolute,
    ],
)


@ESCAPES
@pytest.mark.parametrize("links", ["refuse", "inside"])
def test_no_way_out(place: Path, plant: Plant, links: str) -> None:
    inside, outside = place / "root", place / "outside"
    path = plant(inside, outside)
    # The control: without FileRoot the same path leads to the secret.
    assert (inside / path).read_text() == SECRET
    root = FileRoot(inside, writable=True, links="inside" if links == "inside" else "refuse")
    for attempt in (
        lambda: root.read_text(path),
        lambda: root.read_bytes(path),
        lambda: root.digest(path),
        lambda: root.exists(path),
        lambda: root.write_text(path, "overwritten"),
        lambda: root.remove(path),
        lambda: root.write_text(path + "/beneath", "overwritten"),
    ):
        with pytest.raises(PathRefused):
            attempt()
    assert (outside / "secret").read_text() == SECRET
    assert names_in(outside) == ["secret"]
    if plant is not _hard_link:  # it is listed: reading it says what is wrong with it
        assert path not in root.list_files().files


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device"])
def test_only_regular_files(root: FileRoot, place: Path, kind: str) -> None:
    path = place / "root" / "x"
    with contextlib.ExitStack() as stack:
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(str(path))
        elif kind == "folder":
            path.mkdir()
        else:
            try:
                os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            except PermissionError:
                pytest.skip("only root can make a device")
        for attempt in (
            lambda: root.read_bytes("x"),
            lambda: root.exists("x"),
            lambda: root.write_text("x", "y"),
            lambda: root.remove("x"),
        ):
            with pytest.raises(PathRefused):
                attempt()
    assert path.exists()


def test_denied_files_cannot_be_touched_in_any_way(root: FileRoot, place: Path) -> None:
    for path in (".git/config", ".GIT/config", ".git/hooks/pre-commit", "src/.env", ".git "):
        for attempt in (
            lambda: root.read_text(path),  # noqa: B023  # called within the turn
            lambda: root.exists(path),  # noqa: B023  # the same
            lambda: root.write_text(path, "x"),  # noqa: B023  # the same
            lambda: root.remove(path),  # noqa: B023  # the same
        ):
            with pytest.raises(PathRefused, match="deny rule"):
                attempt()
    assert (place / "root/.git/config").read_text() == "[core]\n"
    assert names_in(place / "root/.git") == ["config"]


def test_users_set_their_own_deny_list(place: Path) -> None:
    root = FileRoot(place / "root", deny=["src/**"])
    assert root.read_text(".git/config") == "[core]\n"
    with pytest.raises(PathRefused, match=r"'src/\*\*'"):
        root.read_text("src/app.py")


def test_links_inside_are_followed_by_choice(place: Path) -> None:
    inside = place / "root"
    (inside / "to_app").symlink_to("src/app.py")
    (inside / "to_src").symlink_to("src")
    (inside / "src/back").symlink_to("../README.md")
    (inside / "loop").symlink_to("loop")
    (inside / "to_git").symlink_to(".git")
    (inside / "to_absent").symlink_to("src/absent")
    root = FileRoot(inside, writable=True, links="inside")
    assert root.read_text("to_app") == "print()\n"
    assert root.read_text("to_src/app.py") == "print()\n"
    assert root.read_text("to_src/back") == "# hello\n"
    root.write_text("to_src/app.py", "changed")
    assert (inside / "src/app.py").read_text() == "changed"
    root.write_text("to_absent", "made")
    assert (inside / "src/absent").read_text() == "made"
    assert (inside / "to_app").is_symlink()
    with pytest.raises(PathRefused, match="circles"):
        root.read_text("loop")
    with pytest.raises(PathRefused, match="deny rule"):
        root.read_text("to_git/config")
    strict = FileRoot(inside)
    with pytest.raises(PathRefused, match="symbolic link"):
        strict.read_text("to_app")


def test_renaming_the_root_does_not_move_it(root: FileRoot, place: Path) -> None:
    (place / "root").rename(place / "moved")
    (place / "root").symlink_to(place / "outside")
    root.write_text("secret", "inside")
    assert (place / "moved/secret").read_text() == "inside"
    assert (place / "outside/secret").read_text() == SECRET


# ---------------------------------------------------------------- races


_RACER = """
import ctypes, os, sys
libc, here = ctypes.CDLL(None), -100  # AT_FDCWD
one, other = (name.encode() for name in sys.argv[1:])
print("racing", flush=True)
while os.getppid() != 1:
    libc.renameat2(here, one, here, other, 2)  # RENAME_EXCHANGE
"""


@contextlib.contextmanager
def _racing(one: Path, other: Path) -> Iterator[None]:
    """Another process swaps the two names without a pause."""
    argv = [sys.executable, "-c", _RACER, str(one), str(other)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as racer:
        assert racer.stdout is not None
        racer.stdout.readline()
        try:
            yield
        finally:
            racer.kill()


@pytest.mark.parametrize("links", ["refuse", "inside"])
def test_a_race_with_a_swapped_folder_gains_nothing(place: Path, links: str) -> None:
    inside, outside = place / "root", place / "outside"
    (inside / "d").mkdir()
    (inside / "d/secret").write_text("inside")
    (inside / "evil").symlink_to(outside)
    root = FileRoot(inside, writable=True, links="inside" if links == "inside" else "refuse")
    done = refusals = naive = 0
    with _racing(inside / "d", inside / "evil"):
        # At least 600 turns, then on until both outcomes and the naive leak were seen.
        for turn in range(20_000):
            try:
                if turn % 8 == 0:
                    root.write_text("d/new", "inside")
                assert root.read_text("d/secret") == "inside"
                done += 1
            except ToolError:
                refusals += 1
            with contextlib.suppress(OSError):
                naive += (inside / "d/secret").read_text() == SECRET
            if turn > 600 and done and refusals and naive:
                break
    assert done
    assert refusals
    assert naive, "the control: a plain open is fooled by the same race"
    assert names_in(outside) == ["secret"]
    assert (outside / "secret").read_text() == SECRET
