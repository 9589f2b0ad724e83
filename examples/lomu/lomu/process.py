"""Runs a program with fixed arguments and a bounded output; nothing of it outlives the call."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from remit import ToolError

_CHUNK = 64 * 1024
_ERROR_BYTES = 64 * 1024  # what a program says about its failure; more helps nobody


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    status: int
    stdout: bytes
    stderr: bytes


async def run_program(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    stdin: bytes = b"",
    timeout_s: float = 60.0,
    limit: int = 8 * 1024**2,
) -> Done:
    """Run a program without a shell; `env` is its whole environment, `limit` bytes its output.

    Raises `ToolError` when it cannot be started, says more or takes longer.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # so that what it starts can be ended with it
        )
    except OSError as exc:
        raise ToolError(f"{argv[0]} cannot be started: {exc.strerror}") from exc
    try:
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
            group.create_task(_feed(process, stdin))
            said = group.create_task(_read(process.stdout, limit))
            wrong = group.create_task(_read(process.stderr, _ERROR_BYTES))
        status = await process.wait()
    except TimeoutError as exc:
        await _end(process)
        raise ToolError(f"{argv[0]} was ended after {timeout_s:g} s") from exc
    except BaseException:
        await _end(process)
        raise
    if len(said.result()) > limit:
        raise ToolError(f"{argv[0]} says more than {limit} bytes")
    return Done(status, said.result(), wrong.result())


async def _feed(process: asyncio.subprocess.Process, content: bytes) -> None:
    if process.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # its status tells why it stopped reading
        process.stdin.write(content)
        await process.stdin.drain()
    process.stdin.close()


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    """All of a stream; of one above the limit the beginning and one byte more."""
    found = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        if len(found) <= limit:
            found += chunk
    return bytes(found[: limit + 1])


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the program and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        await process.wait()
