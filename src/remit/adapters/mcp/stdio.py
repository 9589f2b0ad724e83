"""Messages to and from an MCP server that is a program: a line each, bounded."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from remit.errors import OutsideError
from remit.values.command import Program

MAX_LINE = 8 * 1024**2
"""One message; a server that sends a longer line is ended."""
GRACE_S = 2.0  # to end by itself after its input is closed, as the specification wants
_CHUNK = 64 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def program_streams(
    started: AbstractAsyncContextManager[Program], greet: Callable[[Program], None]
) -> AsyncIterator[Streams]:
    """The messages of a server; it and all it started are dead when this is left.

    `greet` is given the program.
    """
    async with started as program:
        greet(program)
        inside, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        sent, outside = anyio.create_memory_object_stream[SessionMessage](0)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_read, program, inside)
                tasks.start_soon(_write, program, outside)
                try:
                    yield received, sent
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            for each in (inside, received, sent, outside):
                each.close()


async def _read(
    program: Program, inside: MemoryObjectSendStream[SessionMessage | Exception]
) -> None:
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OutsideError):
        async with inside:
            while line := await program.read_line():
                if line.strip():
                    await inside.send(_parsed(line))


def _parsed(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as exc:
        return exc


async def _write(program: Program, outside: MemoryObjectReceiveStream[SessionMessage]) -> None:
    with contextlib.suppress(OutsideError):
        async with outside:
            async for each in outside:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                await program.write(text.encode() + b"\n")


# ---------------------------------------------------------------- outside any sandbox


class _Free:
    """A program in no sandbox, see `remit.values.command.Program`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read_line(self) -> bytes:
        try:
            return b"" if self._process.stdout is None else await self._process.stdout.readline()
        except ValueError:
            raise OutsideError(f"it wrote a line of more than {MAX_LINE} bytes") from None

    async def write(self, content: bytes) -> None:
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(content)
            await self._process.stdin.drain()
        except OSError:
            raise OutsideError("it reads no more") from None

    def close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def take_refused(self) -> tuple[str, ...]:
        return ()


@asynccontextmanager
async def unconfined(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Program]:
    """Start a program in no sandbox; its whole process group is dead when this is left."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # its own log may hold anything
        env={"PATH": _PATH, "LANG": "C.UTF-8", **environment},
        limit=MAX_LINE,
        start_new_session=True,
    )
    program = _Free(process)
    try:
        yield program
    finally:
        program.close_input()
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    # What it still has to say is read away, or neither it nor its pipe would ever end.
    rest = asyncio.ensure_future(_read_away(process))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    # Its children too, also those that outlived it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # One that left the group may hold the pipe.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(rest, GRACE_S)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GRACE_S)


async def _read_away(process: asyncio.subprocess.Process) -> None:
    while process.stdout is not None and await process.stdout.read(_CHUNK):
        pass
