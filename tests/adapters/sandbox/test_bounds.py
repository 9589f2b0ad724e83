"""Limits hold for the whole tree of a confined program: output, time, memory, processes, files."""

import subprocess
from pathlib import Path

import pytest

from remit.ports import Sandbox
from tests.adapters.sandbox.conftest import Run, python

pytestmark = pytest.mark.requirement("TOOL-17")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_a_flood_of_output_is_cut(run: Run, stream: str) -> None:
    where = "" if stream == "stdout" else " >&2"
    ended = await run("sh", "-c", f"yes{where}", output_bytes=100_000)
    assert (ended.ended, ended.exit_code, ended.truncated) == ("output", None, True)
    assert len(ended.stdout) + len(ended.stderr) == 100_000


async def test_output_up_to_the_limit_is_whole(run: Run) -> None:
    code = "printf 12345; printf 67890 >&2"
    exact = await run("sh", "-c", code, output_bytes=10)
    assert (exact.ended, exact.stdout, exact.stderr) == ("exited", b"12345", b"67890")
    above = await run("sh", "-c", code, output_bytes=9)
    assert (above.ended, above.exit_code, above.truncated) == ("output", None, True)


async def test_processor_time(run: Run) -> None:
    ended = await run(*python("while True: pass"), cpu_s=1)
    assert ended.ended == "signalled"


async def test_processor_time_of_all_together(run: Run) -> None:
    code = """
import os
while True:
    if os.fork() == 0:
        for number in range(3_000_000):
            pass
        os._exit(0)
    os.wait()
"""
    ended = await run(*python(code), cpu_s=1)
    assert ended.ended == "signalled"
    assert ended.exit_code is None
    assert b"processor time" in ended.stderr


async def test_processor_time_of_children_that_nobody_waits_for(run: Run) -> None:
    """The kernel adds their time to nobody's."""
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        while time.process_time() < 0.3:
            pass
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
"""
    ended = await run(*python(code), cpu_s=1)
    assert ended.ended == "signalled"
    assert b"processor time" in ended.stderr


MEMORY_HOGS = {
    "private": "x = bytearray(300 << 20); print('GOT')",
    "private_children": """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(60 << 20)
        time.sleep(1)
        os._exit(0)
for _ in range(8):
    os.wait()
print("GOT")
""",
    "shared": """
import mmap
x = mmap.mmap(-1, 300 << 20)
for place in range(0, 300 << 20, 4096):
    x[place] = 1
import time; time.sleep(0.3)
print("GOT")
""",
}


@pytest.mark.parametrize("hog", list(MEMORY_HOGS))
async def test_memory(run: Run, hog: str) -> None:
    code = MEMORY_HOGS[hog]
    ended = await run(*python(code), memory_bytes=100 << 20)
    assert b"GOT" not in ended.stdout
    assert b"MemoryError" in ended.stderr or b"bytes of memory" in ended.stderr
    # The control: with enough memory it runs through.
    ended = await run(*python(code), memory_bytes=2 << 30)
    assert ended.stdout == b"GOT\n", ended


async def test_memory_that_looks_like_files(usual_sandbox: Sandbox, run: Run) -> None:
    code = """
import sys
try:
    with open(sys.argv[1], "wb") as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
    print("GOT")
except OSError as error:
    print(error.strerror)
"""
    for path in ("/tmp/hog", "/dev/shm/hog"):  # noqa: S108  # inside
        ended = await run(*python(code), path, file_bytes=1 << 30)
        if usual_sandbox.name == "landlock+seccomp":
            assert ended.stdout == b"Permission denied\n"
        else:
            assert ended.stdout == b"No space left on device\n"


# A bomb with a fuse: it forks 150 times at most, should nothing bound it, and then says so.
_BOMB = """
import os
fuse, more = os.pipe()
os.set_blocking(fuse, False)
os.write(more, b"x" * 150)
while True:
    try:
        os.read(fuse, 1)
    except BlockingIOError:
        print("GOT", flush=True)
        os._exit(0)
    try:
        os.fork()
    except OSError:
        os.write(more, b"x")
"""


async def test_a_fork_bomb_is_bounded(run: Run) -> None:
    ended = await run(*python(_BOMB), processes=40, timeout_s=1.5)
    assert ended.ended in {"timeout", "signalled"}
    assert b"GOT" not in ended.stdout


def test_the_bomb_works_outside() -> None:
    done = subprocess.run(python(_BOMB), capture_output=True, check=True, timeout=60)
    assert b"GOT" in done.stdout


async def test_a_bomb_of_threads_is_bounded(run: Run) -> None:
    code = """
import threading, time
try:
    for count in range(1000):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        time.sleep(0.001)
    print("GOT")
except RuntimeError:
    print("refused at", "few" if count < 60 else "many")
"""
    ended = await run("python", "-c", code, processes=40)
    assert b"GOT" not in ended.stdout
    assert b"refused at few" in ended.stdout or b"processes and threads" in ended.stderr


async def test_the_size_of_a_file(run: Run, tmp_path: Path) -> None:
    await run("sh", "-c", "yes > big", file_bytes=100_000)
    assert (tmp_path / "big").stat().st_size == 100_000


async def test_open_files(run: Run) -> None:
    code = "import os\ntry:\n for n in range(999): os.dup(0)\nexcept OSError: print(n)"
    assert (await run(*python(code), open_files=50)).stdout == b"47\n"


async def test_no_core_files(run: Run, tmp_path: Path) -> None:
    await run("sh", "-c", "ulimit -c unlimited; kill -ABRT $$")
    assert list(tmp_path.iterdir()) == []
