"""The one way out of a sandbox: an HTTP proxy of ours that admits declared hosts and ports only.

It listens on a socket that was made inside the sandbox's own network, where it is the only thing
there is. Names are resolved and connections made out here: the address that was checked is the one
that is used, so a name that leads elsewhere the next moment leads nowhere. Tunnels (CONNECT, RFC
9110 section 9.3.6) for https, and whole URLs (RFC 9112 section 3.2.2) for plain http.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from remit.adapters.sandbox.heads import Head, read_head
from remit.policy.reach import Reachable

# A request line and some headers; cookies and tokens are within it.
HEAD_BYTES = 64 * 1024
HEAD_S = 15.0
CONNECT_S = 10.0
CLOSE_S = 5.0
# A tunnel over which nothing goes for this long is closed.
IDLE_S = 300.0
MAX_CONNECTIONS = 64
"""At once, of one program."""
MAX_NOTED = 32
"""Different hosts that were refused and are told of; the rest are refused too."""
_NOTED_CHARS = 300
_CHUNK = 64 * 1024

Resolve = Callable[[str, int], Awaitable[list[str]]]
Listener = Callable[[], Awaitable[socket.socket | None]]
"""Waits for the socket that is made inside; None where none is."""


async def _ask(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Egress:
    """The proxy of one confined program. Belongs to one event loop."""

    def __init__(self, reachable: Reachable, resolve: Resolve | None = None) -> None:
        self._reachable = reachable
        self._resolve = resolve or _ask
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._refused: dict[str, None] = {}

    @property
    def refused(self) -> tuple[str, ...]:
        """What was refused so far, each once: `host:port: reason`."""
        return tuple(self._refused)

    def take_refused(self) -> tuple[str, ...]:
        """What was refused since this was asked last."""
        found, self._refused = self.refused, {}
        return found

    async def listen(self, listener: Listener) -> None:
        """Serve a listening socket as soon as there is one."""
        made = await listener()
        if made is not None:
            self._server = await asyncio.start_server(self._serve, sock=made, limit=HEAD_BYTES)

    @asynccontextmanager
    async def serving(self, listener: Listener) -> AsyncIterator[None]:
        """Serve as long as the block lasts."""
        task = asyncio.ensure_future(self.listen(listener))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            # Whatever the program sends or tears down is its own affair.
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self._open.discard(task)
            await _shut(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_S):
                head = read_head(await reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return
        if isinstance(head, str):
            await _say(writer, "400 Bad Request", head)
            return
        outside = await self._connected(head, writer)
        if outside is None:
            return
        out_reader, out_writer = outside
        try:
            if head.tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                out_writer.write(head.forwarded)
            await _both(reader, writer, out_reader, out_writer)
        finally:
            await _shut(out_writer)

    async def _connected(
        self, head: Head, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the host, if it may be had; the program is told why not."""
        why = self._reachable.refusal(head.host, head.port)
        if why is not None:
            await self._refuse(head, why, writer)
            return None
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await self._resolve(head.host, head.port)
        except (OSError, TimeoutError):
            await _say(writer, "502 Bad Gateway", f"there is no host {head.host}")
            return None
        for address in found:
            why = self._reachable.refusal_of_address(address)
            if why is not None:
                await self._refuse(head, f"it leads to {address}: {why}", writer)
                return None
        for address in found:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(address, head.port)
        await _say(writer, "502 Bad Gateway", f"{head.host} cannot be connected to")
        return None

    async def _refuse(self, head: Head, why: str, writer: asyncio.StreamWriter) -> None:
        if len(self._refused) < MAX_NOTED:
            self._refused[f"{head.host}:{head.port}: {why}"[:_NOTED_CHARS]] = None
        await _say(writer, "403 Forbidden", f"{head.host}:{head.port} is refused: {why}")


async def _shut(writer: asyncio.StreamWriter) -> None:
    """Close, without waiting for what the other side may never read."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            writer.close()
            await writer.wait_closed()
    writer.transport.abort()


async def _say(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"remit: {text}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


async def _both(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    out_reader: asyncio.StreamReader,
    out_writer: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until both sides have ended, or nothing goes any more."""
    ways = asyncio.gather(_carry(reader, out_writer), _carry(out_reader, writer))
    try:
        await ways
    finally:
        ways.cancel()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        async with asyncio.timeout(IDLE_S):
            chunk = await reader.read(_CHUNK)
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
