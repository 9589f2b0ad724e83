"""An MCP server as a process of ours: its environment is what is said, its lines are bounded."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

MAX_LINE = 8 * 1024**2
"""One message; a server that sends a longer line is ended."""
GRACE_S = 2.0  # to end by itself after its input is closed, as the specification wants
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def process_streams(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Streams]:
    """Start the server; its whole process group is dead when this is left."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # its own log may hold anything
        env={"PATH": _PATH, "LANG": "C.UTF-8", **environment},
        limit=MAX_LINE,
        start_new_session=True,
    )
    inside, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    sent, outside = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, process, inside)
            tasks.start_soon(_write, process, outside)
            try:
                yield received, sent
            finally:
                tasks.cancel_scope.cancel()
    finally:
        for each in (inside, received, sent, outside):
            each.close()
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _read(
    process: asyncio.subprocess.Process,
    inside: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    if process.stdout is None:
        return
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with inside:
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:  # longer than MAX_LINE
                    return
                if not line:
                    return
                if line.strip():
                    await inside.send(_parsed(line))


def _parsed(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as exc:
        return exc


async def _write(
    process: asyncio.subprocess.Process, outside: MemoryObjectReceiveStream[SessionMessage]
) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):
        async with outside:
            async for each in outside:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    # Its children too, also those that outlived it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
