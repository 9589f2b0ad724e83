"""Run the launcher for one plan: feed it, collect its output within bounds, end it in time."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Literal

from remit.adapters.sandbox.plan import Plan
from remit.errors import SandboxFailed, SandboxUnavailable
from remit.values.command import Command, Finished

# The launcher imports only its own few modules: a stand-in for the package keeps the public face,
# and whatever that loads, out.
_BOOT = (
    "import sys;m=sys.modules['remit']=type(sys)('remit');m.__path__=[sys.argv[1]];"
    "from remit.adapters.sandbox.launcher import main;main()"
)
_PACKAGE = str(Path(__file__).resolve().parents[2])
_CHUNK = 64 * 1024
# By then the launcher has killed everything: `watch.kill_all` gives up after ten seconds.
_GRACE_S = 15.0
# A report is one line.
_REPORT_BYTES = 8192
# Bubblewrap's own complaint is in the last lines.
_SHOWN_BYTES = 500
# Shells, and bubblewrap, report a program that a signal ended so.
_SIGNAL_CODE = 128
_LAST_SIGNAL = 64

_Ended = Literal["exited", "timeout", "output"]


class _Launch:
    """The launcher's command line and the descriptors shared with it; each is closed once."""

    def __init__(self, plan: Plan) -> None:
        if not sys.executable or not sys.platform.startswith("linux"):
            raise SandboxUnavailable(
                "a sandbox needs Linux and a Python started from a file; run Remit on Linux"
            )
        plan_fd = _nameless_file(plan.to_bytes())
        self.report, report_write = os.pipe()
        life_read, self._life = os.pipe()
        self.theirs = (plan_fd, report_write, life_read)
        self._open = {*self.theirs, self.report, self._life}
        words = (sys.executable, "-I", "-S", "-c", _BOOT, _PACKAGE)
        self.argv = (*words, *(str(fd) for fd in self.theirs))
        # An interpreter built as a shared library may need this to start at all.
        self.env = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}

    def started(self) -> None:
        """The launcher has its own copies of these."""
        self._close(*self.theirs)

    def hang_up(self) -> None:
        """Tell the launcher to kill everything and end."""
        self._close(self._life)

    def read_report(self) -> str:
        """How it ended, in one line."""
        return os.read(self.report, _REPORT_BYTES).decode(errors="replace")

    def close(self) -> None:
        self._close(*self._open)

    def _close(self, *fds: int) -> None:
        for fd in fds:
            if fd in self._open:
                self._open.discard(fd)
                os.close(fd)


def _nameless_file(content: bytes) -> int:
    """A file that goes with its descriptor; on disk, as some sandboxes forbid memory."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return os.dup(file.fileno())


class _Output:
    """Both streams of a program, together at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.full = asyncio.Event()

    async def read(self, stream: asyncio.StreamReader | None) -> bytes:
        kept: list[bytes] = []
        while stream is not None and (chunk := await stream.read(_CHUNK)):
            kept.append(chunk[: self._left])
            if len(chunk) > self._left:
                self.full.set()
            self._left = max(0, self._left - len(chunk))
        return b"".join(kept)


async def run(plan: Plan, command: Command) -> Finished:
    """Run a plan to its end or limit; when this returns or raises, everything it started is dead.

    Raises `SandboxFailed` when the program could not be started; cancelling kills it.
    """
    launch = _Launch(plan)
    try:
        launcher = await asyncio.create_subprocess_exec(
            *launch.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=launch.theirs,
            env=launch.env,
            cwd="/",
            start_new_session=True,
        )
        launch.started()
        output = _Output(command.output_bytes)
        streams = asyncio.gather(
            output.read(launcher.stdout),
            output.read(launcher.stderr),
            _feed(launcher.stdin, command.stdin),
        )
        try:
            ended = await _first(launcher, output, command.timeout_s)
        finally:
            # From here on a cancellation waits: what runs is being killed already.
            await _to_the_end(_end(launcher, launch, streams))
        stdout, stderr, _ = streams.result()
        if output.full.is_set():
            # Whether it was killed for it or had just ended: the same answer.
            ended = "output"
        report = launch.read_report()
    finally:
        launch.close()
    return _finished(plan, report, ended, stdout, stderr)


def run_blocking(plan: Plan, timeout_s: float) -> tuple[str, str, str]:
    """(report, stdout, stderr), for a small trusted program before there is a loop."""
    launch = _Launch(plan)
    try:
        done = subprocess.run(
            launch.argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=launch.theirs,
            env=launch.env,
            cwd="/",
            timeout=timeout_s,
            check=False,
            start_new_session=True,
        )
        launch.started()
        said = (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        return (launch.read_report(), *said)
    except subprocess.TimeoutExpired:
        return "failed it did not end in time", "", ""
    finally:
        launch.close()


async def _first(launcher: asyncio.subprocess.Process, output: _Output, timeout_s: float) -> _Ended:
    exited = asyncio.ensure_future(launcher.wait())
    full = asyncio.ensure_future(output.full.wait())
    try:
        done, _ = await asyncio.wait(
            {exited, full}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        exited.cancel()
        full.cancel()
    if exited in done:
        return "exited"
    return "output" if full in done else "timeout"


async def _end(
    launcher: asyncio.subprocess.Process,
    launch: _Launch,
    streams: "asyncio.Future[tuple[bytes, bytes, None]]",
) -> None:
    launch.hang_up()
    try:
        await asyncio.wait_for(launcher.wait(), _GRACE_S)
    except TimeoutError:
        launcher.kill()
        await launcher.wait()
    if launcher.returncode != 0:
        # It was killed itself. What it had only just started may not yet be bound to die with it.
        with suppress(OSError):
            os.killpg(launcher.pid, signal.SIGKILL)
    try:
        # Everyone who could write is dead, so the streams end.
        await asyncio.wait_for(streams, _GRACE_S)
    except TimeoutError:
        raise SandboxFailed(
            "sandbox: a process still holds the program's streams; look for it and kill it"
        ) from None


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Finish although the caller is cancelled meanwhile; then let the cancellation go on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def _feed(stream: asyncio.StreamWriter | None, content: bytes) -> None:
    if stream is None:
        return
    # A program need not read what it is given.
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(content)
        await stream.drain()
    stream.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await stream.wait_closed()


def _finished(plan: Plan, report: str, ended: _Ended, stdout: bytes, stderr: bytes) -> Finished:
    kind, _, words = report.partition(" ")
    if kind in {"failed", ""}:
        reason = words or "the launcher died"
        shown = stderr[-_SHOWN_BYTES:].decode(errors="replace").strip()
        raise SandboxFailed(
            f"sandbox {plan.mode}: {reason}{': ' if shown else ''}{shown}; "
            "see what it needs with `remit doctor`"
        )
    how: Literal["exited", "signalled", "timeout", "output"] = ended
    code: int | None = None
    if kind == "limit":
        # The kind of end has no word for it, so the one who reads the output is told.
        stderr += f"\nremit: ended by the sandbox: {words}\n".encode()
        how = "signalled"
    elif ended == "exited":
        code = int(words)
        if kind == "ended":
            signalled = os.WIFSIGNALED(code)
            code = _SIGNAL_CODE + os.WTERMSIG(code) if signalled else os.WEXITSTATUS(code)
        else:
            signalled = _SIGNAL_CODE < code <= _SIGNAL_CODE + _LAST_SIGNAL
        how = "signalled" if signalled else "exited"
    return Finished(
        exit_code=code,
        stdout=stdout,
        stderr=stderr,
        truncated=ended == "output",
        ended=how,
        confinement=plan.mode,
    )
