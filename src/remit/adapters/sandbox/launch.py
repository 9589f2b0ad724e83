"""A launcher as a process of ours: how it is started, told, hung up on, and waited for."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path

from remit.adapters.sandbox.plan import Plan
from remit.errors import SandboxFailed, SandboxUnavailable

# The launcher imports only its own few modules: a stand-in for the package keeps the public face,
# and whatever that loads, out.
_BOOT = (
    "import sys;m=sys.modules['remit']=type(sys)('remit');m.__path__=[sys.argv[1]];"
    "from remit.adapters.sandbox.launcher import main;main()"
)
_PACKAGE = str(Path(__file__).resolve().parents[2])
# By then the launcher has killed everything: `watch.kill_all` gives up after ten seconds.
GRACE_S = 15.0
# A report is one line.
_REPORT_BYTES = 8192
# Bubblewrap's own complaint is in the last lines.
SHOWN_BYTES = 500


class Launch:
    """The launcher's command line and the descriptors shared with it; each is closed once."""

    def __init__(self, plan: Plan) -> None:
        if not sys.executable or not sys.platform.startswith("linux"):
            raise SandboxUnavailable(
                "a sandbox needs Linux and a Python started from a file; run Remit on Linux"
            )
        plan_fd = _nameless_file(plan.to_bytes())
        self.mode = plan.mode
        self.report, report_write = os.pipe()
        life_read, self._life = os.pipe()
        self.theirs: tuple[int, ...] = (plan_fd, report_write, life_read)
        self._open = {*self.theirs, self.report, self._life}
        self._exit: socket.socket | None = None
        exit_fd = -1
        if plan.port:
            self._exit, theirs = socket.socketpair()
            exit_fd = theirs.detach()
            self.theirs = (*self.theirs, exit_fd)
            self._open |= {exit_fd}
        words = (sys.executable, "-I", "-S", "-c", _BOOT, _PACKAGE)
        given = (plan_fd, report_write, life_read, exit_fd)
        self.argv = (*words, *(str(fd) for fd in given))
        # An interpreter built as a shared library may need this to start at all.
        self.env = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}

    async def start(self, line_bytes: int = 2**16) -> asyncio.subprocess.Process:
        """The launcher, running; `line_bytes` bounds what a reader of lines keeps."""
        launcher = await asyncio.create_subprocess_exec(
            *self.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=self.theirs,
            env=self.env,
            cwd="/",
            start_new_session=True,
            limit=line_bytes,
        )
        self.started()
        return launcher

    async def listener(self) -> socket.socket | None:
        """The socket that was made inside for the proxy; None where there is none."""
        if self._exit is None:
            return None
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        self._exit.setblocking(False)  # noqa: FBT003  # it takes no keywords
        loop.add_reader(self._exit, came.set)
        try:
            await came.wait()
        finally:
            loop.remove_reader(self._exit)
        _, fds, _, _ = socket.recv_fds(self._exit, 1, 1)
        return socket.socket(fileno=fds[0]) if fds else None

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
        """Give every descriptor back."""
        self._close(*self._open)
        if self._exit is not None:
            self._exit.close()

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


async def end(launcher: asyncio.subprocess.Process, launch: Launch) -> None:
    """Have everything killed; when this returns it is."""
    launch.hang_up()
    try:
        await asyncio.wait_for(launcher.wait(), GRACE_S)
    except TimeoutError:
        launcher.kill()
        await launcher.wait()
    if launcher.returncode != 0:
        # It was killed itself. What it had only just started may not yet be bound to die with it.
        with suppress(OSError):
            os.killpg(launcher.pid, signal.SIGKILL)


async def to_the_end(work: Coroutine[None, None, None]) -> None:
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


def failure(mode: str, report: str, stderr: bytes) -> SandboxFailed | None:
    """The error behind a report that the program was not started; None where it was."""
    kind, _, words = report.partition(" ")
    if kind not in {"failed", ""}:
        return None
    reason = words or "the launcher died"
    shown = stderr[-SHOWN_BYTES:].decode(errors="replace").strip()
    return SandboxFailed(
        f"sandbox {mode}: {reason}{': ' if shown else ''}{shown}; "
        "see what it needs with `remit doctor`"
    )
