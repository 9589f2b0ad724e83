"""Run the launcher for one plan: feed it, collect its output within bounds, end it in time."""

import asyncio
import os
import subprocess
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from remit.adapters.sandbox.egress import Egress
from remit.adapters.sandbox.launch import GRACE_S, Launch, end, failure, to_the_end
from remit.adapters.sandbox.plan import Plan
from remit.adapters.sandbox.prepare import reachable
from remit.errors import SandboxFailed
from remit.values.command import Command, Finished

_CHUNK = 64 * 1024
# Shells, and bubblewrap, report a program that a signal ended so.
_SIGNAL_CODE = 128
_LAST_SIGNAL = 64

_Ended = Literal["exited", "timeout", "output"]


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
    launch = Launch(plan)
    egress = Egress(reachable(command))
    try:
        launcher = await launch.start()
        output = _Output(command.output_bytes)
        streams = asyncio.gather(
            output.read(launcher.stdout),
            output.read(launcher.stderr),
            _feed(launcher.stdin, command.stdin),
        )
        try:
            async with egress.serving(launch.listener):
                ended = await _first(launcher, output, command.timeout_s)
        finally:
            # From here on a cancellation waits: what runs is being killed already.
            await to_the_end(_end(launcher, launch, streams))
        stdout, stderr, _ = streams.result()
        if output.full.is_set():
            # Whether it was killed for it or had just ended: the same answer.
            ended = "output"
        report = launch.read_report()
    finally:
        launch.close()
    return replace(_finished(plan, report, ended, stdout, stderr), refused=egress.refused)


def run_blocking(plan: Plan, timeout_s: float) -> tuple[str, str, str]:
    """(report, stdout, stderr), for a small trusted program before there is a loop."""
    launch = Launch(plan)
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
    launch: Launch,
    streams: "asyncio.Future[tuple[bytes, bytes, None]]",
) -> None:
    await end(launcher, launch)
    try:
        # Everyone who could write is dead, so the streams end.
        await asyncio.wait_for(streams, GRACE_S)
    except TimeoutError:
        raise SandboxFailed(
            "sandbox: a process still holds the program's streams; look for it and kill it"
        ) from None


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
    failed = failure(plan.mode, report, stderr)
    if failed is not None:
        raise failed
    kind, _, words = report.partition(" ")
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
