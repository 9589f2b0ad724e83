"""The launcher's answers to programs without namespaces: what stays possible, exact counts."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from remit.adapters.sandbox import launch
from remit.values.command import Command, Finished
from tests.adapters.sandbox.conftest import working

pytestmark = pytest.mark.requirement("TOOL-17")

Run = Callable[..., Awaitable[Finished]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    sandbox = working("seccomp")

    async def run(code: str, *words: str, processes: int = 128) -> Finished:
        command = Command(
            argv=(sys.executable, "-I", "-S", "-c", code, *words),
            cwd=str(tmp_path),
            write=(str(tmp_path),),
            processes=processes,
        )
        return await sandbox.run(command)

    return run


async def test_modes_and_times_of_own_files(run: Run, tmp_path: Path) -> None:
    code = """
import os
def show(path="a"):
    status = os.lstat(path)
    print(oct(status.st_mode & 0o7777), status.st_mtime)
os.mkdir("d")
open("a", "w").close()
os.chmod("a", 0o640); os.utime("a", (1, 2.5)); show()
folder = os.open("d", os.O_RDONLY)
os.chmod("../a", 0o600, dir_fd=folder); os.utime("../a", (3, 4), dir_fd=folder); show()
fd = os.open("a", os.O_RDONLY)
os.fchmod(fd, 0o1644); os.utime(fd, (5, 6)); show()
os.symlink("a", "l"); os.chmod("l", 0o611); os.utime("l", (7, 8)); show()
os.utime("l", (9, 10), follow_symlinks=False); show(); show("l")
os.chdir("d"); os.chmod(os.path.abspath("../a"), 0o700); show("../a")
os.chmod(".", 0o711); print(oct(os.stat(".").st_mode & 0o777))
os.chmod(os.environ["TMPDIR"], 0o755)
before = os.stat("../a").st_mtime; os.utime("../a"); print(os.stat("../a").st_mtime > before)
"""
    ended = await run(code)
    assert ended.stdout.decode().split("\n") == [
        "0o640 2.5",
        "0o600 4.0",
        "0o1644 6.0",
        "0o611 8.0",
        "0o611 8.0",
        "0o777 10.0",
        "0o700 8.0",
        "0o711",
        "True",
        "",
    ], ended.stderr


# Writes a line for each question that is taken though there is none: an older kernel never ends it.
_NOTING = """
import select, sys
from remit.adapters.sandbox import gate, kernel
real = kernel.ioctl
def noted(fd, request, content):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if request == gate._RECV and not [one for one, how in poll.poll(0) if how & select.POLLIN]:
        open({path!r}, "a").write("taken\\n")
    return real(fd, request, content)
kernel.ioctl = noted
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's programs ask from a namespace")
@pytest.mark.parametrize("name", ["bubblewrap", "netns"])
async def test_no_question_is_taken_where_nobody_can_ask(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, call = launch._BOOT.rsplit(";main()", 1)
    noting = _NOTING.format(path=str(tmp_path / "noted"))
    monkeypatch.setattr(launch, "_BOOT", f"{head}\n{noting}\nmain(){call}")
    for _ in range(5):
        command = Command(
            argv=("sh", "-c", "true & wait"), cwd=str(tmp_path), write=(str(tmp_path),)
        )
        ended = await working(name).run(command)
        assert (ended.exit_code, ended.stderr) == (0, b"")
    assert not (tmp_path / "noted").exists()


async def test_what_is_left_is_removed_however_deep_it_lies(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import os
os.chdir(os.environ["TMPDIR"])
os.makedirs("0/1/2")
os.mkdir("closed"); open("closed/file", "w").close(); os.chmod("closed", 0)
os.symlink("/", "closed_link")
for _ in range(3000):
    os.mkdir("d"); os.chdir("d")
open("deepest", "w").close()
os.chmod(os.environ["TMPDIR"], 0)
print("made")
"""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    try:
        ended = await run(code)
        left = list(place.iterdir())
    finally:
        # Should it be left, pytest cannot remove it either.
        subprocess.run(["chmod", "-R", "700", str(place)], check=False)
        subprocess.run(["rm", "-rf", str(place)], check=False)
    assert ended.stdout == b"made\n", ended.stderr
    assert left == []


async def test_the_errors_are_those_of_the_system(run: Run) -> None:
    code = """
import errno, os
def error(action):
    try:
        action()
    except OSError as found:
        print(errno.errorcode[found.errno])
open("f", "w").close()
os.symlink("loop", "loop")
error(lambda: os.chmod("absent", 0o600))
error(lambda: os.chmod("f/x", 0o600))
error(lambda: os.chmod("loop", 0o600))
error(lambda: os.chmod("x" * 300, 0o600))
error(lambda: os.utime("absent"))
error(lambda: os.fchmod(99, 0o600))
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.chmod(ctypes.c_void_p(8), 0o600):
    print(errno.errorcode[ctypes.get_errno()])
"""
    ended = await run(code)
    found = ended.stdout.decode().split()
    assert found[:5] == ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "ENOENT"], ended.stderr
    # A bad descriptor or pointer is an error too, whichever.
    assert len(found) == 7


async def test_names_at_the_edge_of_a_page_are_read_whole(run: Run, tmp_path: Path) -> None:
    code = """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
libc.mprotect(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE, 0)
name = b"edge.txt\\0"
open("edge.txt", "w").close()
pages[mmap.PAGESIZE - len(name):mmap.PAGESIZE] = name
print(libc.chmod(ctypes.c_void_p(start + mmap.PAGESIZE - len(name)), 0o640))
libc.mprotect(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE, 3)
pages[mmap.PAGESIZE - 4:mmap.PAGESIZE + 5] = name
print(libc.chmod(ctypes.c_void_p(start + mmap.PAGESIZE - 4), 0o600))
"""
    ended = await run(code)
    assert ended.stdout == b"0\n0\n", ended.stderr
    assert (tmp_path / "edge.txt").stat().st_mode & 0o777 == 0o600


async def test_times_across_two_pages_are_read_whole(run: Run, tmp_path: Path) -> None:
    """Half of the structure was read once, and whatever the launcher held after it became times."""
    code = """
import ctypes, errno, mmap, os, struct
libc = ctypes.CDLL(None, use_errno=True)
pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
open("file.txt", "w").close()
for before in range(1, 33):
    times = struct.pack("=qqqq", before, 0, before, 500_000_000)
    pages[mmap.PAGESIZE - before:mmap.PAGESIZE - before + 32] = times
    pointer = ctypes.c_void_p(start + mmap.PAGESIZE - before)
    assert libc.utimensat(-100, b"file.txt", pointer, 0) == 0, ctypes.get_errno()
    status = os.stat("file.txt")
    assert (status.st_atime, status.st_mtime) == (before, before + 0.5), (before, status)
libc.munmap(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE)
pages[mmap.PAGESIZE - 16:mmap.PAGESIZE] = b"x" * 16
for wrong in (start + mmap.PAGESIZE - 16, start + mmap.PAGESIZE, 8, 2**63 + 8, 2**64 - 8):
    assert libc.utimensat(-100, b"file.txt", ctypes.c_void_p(wrong), 0) == -1
    assert ctypes.get_errno() == errno.EFAULT, ctypes.get_errno()
    assert libc.chmod(ctypes.c_void_p(wrong), 0o600) == -1
    assert ctypes.get_errno() == errno.EFAULT, ctypes.get_errno()
assert os.stat("file.txt").st_mtime == 32.5
os.write(1, b"whole\\n")
os._exit(0)  # half of the map is gone
"""
    ended = await run(code)
    assert ended.stdout == b"whole\n", ended.stderr


async def test_a_name_that_changes_while_it_is_judged(run: Run, tmp_path: Path) -> None:
    """Another process rewrites the name all the time: only one of the two files ever changes."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("")
    outside.chmod(0o600)
    code = """
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
inner, outer = os.path.abspath("inner").encode(), sys.argv[1].encode()
open(inner, "w").close()
size = max(len(inner), len(outer)) + 1
name = ctypes.c_char.from_buffer(mmap.mmap(-1, 4096))
flipper = os.fork()
while flipper == 0:
    ctypes.memmove(ctypes.byref(name), inner + b"\\0", len(inner) + 1)
    ctypes.memmove(ctypes.byref(name), outer + b"\\0", len(outer) + 1)
done = refused = 0
while not (done and refused) or done + refused < 300:
    if libc.chmod(ctypes.byref(name), 0o666) == 0:
        done += 1
    else:
        refused += 1
os.kill(flipper, 9)
print(done > 0, refused > 0)
"""
    ended = await run(code, str(outside))
    assert ended.stdout == b"True True\n", ended
    assert outside.stat().st_mode & 0o777 == 0o600


async def test_processes_are_counted_exactly(run: Run) -> None:
    code = """
import os, time
started = []
try:
    while len(started) < 100:
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        started.append(pid)
except OSError as error:
    print(len(started), error.strerror)
for pid in started:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
for _ in range(60):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print("again")
"""
    ended = await run(code, processes=20)
    lines = ended.stdout.decode().splitlines()
    # The program itself is one of the 20.
    assert lines == ["19 Resource temporarily unavailable", "again"], ended
