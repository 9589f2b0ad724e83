"""A confined program that is kept open: spoken to, bounded, and dead once it is let go."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from remit.errors import SandboxFailed
from remit.ports import Sandbox
from remit.values.command import Command, Program
from tests.adapters.sandbox.conftest import alive, eventually, mark, python

pytestmark = pytest.mark.requirement("TOOL-17")

ECHO = python("import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)")


async def test_it_is_spoken_to_line_by_line(usual_sandbox: Sandbox, command: Command) -> None:
    async with usual_sandbox.open(replace(command, argv=ECHO, timeout_s=0.001)) as program:
        for word in (b"abc", b"def"):
            await program.write(word + b"\n")
            assert await program.read_line() == word[::-1] + b"\n"
        program.close_input()
        assert await program.read_line() == b""


async def test_it_is_confined_as_any_other(
    usual_sandbox: Sandbox, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "secret")
    secret = tmp_path / "secret"
    secret.write_text("x")
    inside = tmp_path / "inside"
    inside.mkdir()
    code = f"""
import os, socket
def tried(action):
    try:
        return str(action())
    except OSError:
        return "refused"
print(tried(lambda: open({str(secret)!r}).read()), tried(lambda: open("/usr/x", "w")),
      tried(lambda: socket.create_connection(("192.0.2.1", 9), 1)), os.environ.get("PLANTED"),
      tried(lambda: open("own", "w").write("made")), tried(lambda: os.fstat(3)), flush=True)
input()
"""
    own = replace(command, argv=python(code), cwd=str(inside), write=(str(inside),))
    async with usual_sandbox.open(own) as program:
        assert await program.read_line() == b"refused refused refused None 4 refused\n"
    assert (inside / "own").read_text() == "made"


async def test_all_of_it_is_dead_when_it_is_let_go(
    usual_sandbox: Sandbox, command: Command
) -> None:
    name = mark()
    code = f"setsid sleep {name} & trap '' TERM; echo begun; sleep {name}"
    async with usual_sandbox.open(replace(command, argv=("sh", "-c", code))) as program:
        assert await program.read_line() == b"begun\n"
        assert eventually(lambda: alive(name))
    assert not alive(name)


async def test_cancelling_ends_it_at_once(usual_sandbox: Sandbox, command: Command) -> None:
    name = mark()

    async def wait() -> None:
        async with usual_sandbox.open(replace(command, argv=("sleep", name))) as program:
            await program.read_line()

    task = asyncio.ensure_future(wait())
    while not await asyncio.to_thread(alive, f"sleep\0{name}"):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(name)


async def test_what_it_says_last_is_read_away(usual_sandbox: Sandbox, command: Command) -> None:
    """A server that is told to end may have more to say than a pipe takes."""
    code = "import sys; sys.stdin.read(); print('x' * 1_000_000); open('ended', 'w')"
    async with usual_sandbox.open(replace(command, argv=python(code))):
        pass
    assert Path(command.cwd, "ended").exists()


async def test_a_flood_of_errors_does_not_block_it(
    usual_sandbox: Sandbox, command: Command
) -> None:
    code = "import sys; sys.stderr.write('x' * 3_000_000); print('done', flush=True); input()"
    async with usual_sandbox.open(replace(command, argv=python(code))) as program:
        assert await program.read_line() == b"done\n"


async def test_a_line_is_bounded(usual_sandbox: Sandbox, command: Command) -> None:
    code = "print('x' * 200_000, flush=True); input()"
    bounded = replace(command, argv=python(code), output_bytes=1000)
    async with usual_sandbox.open(bounded) as program:
        with pytest.raises(SandboxFailed, match="more than 1000 bytes"):
            await program.read_line()


async def test_limits_hold_however_long_it_runs(usual_sandbox: Sandbox, command: Command) -> None:
    code = """
import sys, time
time.sleep(0.4)
x = []
for line in sys.stdin:
    x.append(bytearray(30 << 20))
    print(len(x), flush=True)
    time.sleep(0.2)
"""
    small = replace(command, argv=python(code), memory_bytes=100 << 20)
    said: list[bytes] = []
    async with usual_sandbox.open(small) as program:
        with pytest.raises(SandboxFailed, match="reads no more"):
            await feed(program, said)
    assert b"4\n" not in said


async def feed(program: Program, said: list[bytes]) -> None:
    for _ in range(100):
        await program.write(b"\n")
        said.append(await program.read_line())
        await asyncio.sleep(0.01)


async def test_what_cannot_be_started_says_why(
    usual_sandbox: Sandbox, command: Command, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)

    async def speak() -> None:
        async with usual_sandbox.open(replace(command, argv=("./script",))) as program:
            assert await program.read_line() == b""
            raise ValueError("whatever the one who speaks to it makes of the silence")

    with pytest.raises(SandboxFailed, match=r"start .*script: No such file|execvp"):
        await speak()


async def test_descriptors_are_given_back(usual_sandbox: Sandbox, command: Command) -> None:
    async with usual_sandbox.open(replace(command, argv=ECHO)):
        pass
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # only names are wanted
    for _ in range(3):
        async with usual_sandbox.open(replace(command, argv=ECHO)) as program:
            await program.write(b"a\n")
    await asyncio.sleep(0.05)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  # the same
