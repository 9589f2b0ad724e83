"""Every way out of a FileRoot that was thought of, with a control that shows the way exists."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remit.adapters.files.root import FileRoot
from remit.errors import PathRefused, ToolError
from tests.adapters.files.conftest import SECRET, names_in

pytestmark = pytest.mark.requirement("TOOL-10", "TOOL-5")

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
