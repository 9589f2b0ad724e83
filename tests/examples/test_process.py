"""Programs are run without a shell, bounded in output and time, and ended with what they start."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from lomu.process import run_program
from remit import ToolError

_ENV = {"PATH": os.defpath}


async def test_output_status_and_input(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper()); sys.stderr.write('no'); sys.exit(3)"
    done = await run_program(
        (sys.executable, "-c", code), cwd=str(tmp_path), env=_ENV, stdin=b"hello"
    )
    assert (done.status, done.stdout, done.stderr) == (3, b"HELLO\n", b"no")


async def test_arguments_are_no_shell_text(tmp_path: Path) -> None:
    word = "$(touch made); `touch made` > made"
    done = await run_program(("echo", word), cwd=str(tmp_path), env=_ENV)
    assert done.stdout.decode().strip() == word
    assert not list(tmp_path.iterdir())


async def test_the_environment_is_only_what_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted")
    done = await run_program(("env",), cwd=str(tmp_path), env=_ENV)
    assert done.stdout.decode().split() == [f"PATH={os.defpath}"]


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no-such-program cannot be started"):
        await run_program(("no-such-program",), cwd=str(tmp_path), env=_ENV)


async def test_too_much_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="more than 1000 bytes"):
        await run_program(
            (sys.executable, "-c", "print('x' * 10_000_000)"),
            cwd=str(tmp_path),
            env=_ENV,
            limit=1000,
        )


async def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 300 & echo $! > {pids}; wait"
    with pytest.raises(ToolError, match=r"ended after 0\.5 s"):
        await run_program(("sh", "-c", script), cwd=str(tmp_path), env=_ENV, timeout_s=0.5)
    await _gone(int(pids.read_text()))


async def test_a_cancelled_program_is_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"echo $$ > {pids}; exec sleep 300"
    task = asyncio.create_task(run_program(("sh", "-c", script), cwd=str(tmp_path), env=_ENV))
    while not (pids.exists() and pids.read_text().strip()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _gone(int(pids.read_text()))


async def _gone(pid: int) -> None:
    """Wait until a process has ended; the test's own timeout is the limit."""
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        await asyncio.sleep(0.01)
