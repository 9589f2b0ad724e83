"""Sends a live stream: heartbeats, an end when the sign-in ends or the server drains, and bounds.

Whoever reads slowly is waited for, and costs nobody else anything; whoever takes nothing for half
a minute is let go.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Literal

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from remit.app.app import App
from remit.app.live import LiveFeeds
from remit.errors import IntegrityError, RemitError
from remit.server.frames import HEARTBEAT, frame, plain, retry

log = logging.getLogger("remit.server")
# Proxies cut a connection on which nothing comes for a minute, some for half of one.
HEARTBEAT_S = 15.0
# Kernels take some hundred kilobytes for a reader that sleeps; then it must wake within this time.
_STUCK_S = 30.0
# Who was cut off comes back after one to three seconds, so that not all come at one instant.
_RETRY_MS = (1_000, 3_000)
# When what is wrong may last: the journal cannot be read.
_TROUBLE_MS = 10_000
Bye = Literal["draining", "signed-out", "trouble", "damaged"]


class Streams:
    """The open streams of one server."""

    def __init__(self, app: App, draining: asyncio.Event) -> None:
        self._app = app
        self._draining = draining
        self._feeds: LiveFeeds | None = None
        self._open: set[LiveResponse] = set()
        self._watch: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    def begin(self) -> None:
        """The app was opened: from now on answers are streamed for whoever may come."""
        self._feeds = LiveFeeds(self._app)

    @property
    def feeds(self) -> LiveFeeds:
        """The live feeds of the app."""
        if self._feeds is None:
            self._feeds = LiveFeeds(self._app)
        return self._feeds

    @property
    def draining(self) -> bool:
        """The server is about to end."""
        return self._draining.is_set()

    def enter(self, response: "LiveResponse") -> None:
        """A stream begins."""
        self._open.add(response)
        if self._watch is None:
            self._watch = asyncio.create_task(self._end_all())

    def leave(self, response: "LiveResponse") -> None:
        """A stream has ended."""
        self._open.discard(response)
        if not self._open and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _end_all(self) -> None:
        await self._draining.wait()
        for response in tuple(self._open):
            response.end("draining")


class LiveResponse(Response):
    """One stream. `chunks` gives what to send, and nothing where nothing happened for a while.

    still: whether who asked may still read it.
    """

    def __init__(
        self,
        streams: Streams,
        chunks: AsyncGenerator[bytes, None],
        still: Callable[[], Awaitable[bool]],
    ) -> None:
        super().__init__(
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
            media_type="text/event-stream",
        )
        del self.headers["content-length"]
        self._streams = streams
        self._chunks = chunks
        self._still = still
        self._bye: Bye | None = None
        self._pump: asyncio.Task[None] | None = None

    def end(self, bye: Bye) -> None:
        """End it soon, and say why."""
        self._bye = self._bye or bye
        if self._pump is not None:
            self._pump.cancel()

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it ends or nobody is there any more."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            await send(start)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            await self._carry(receive, send)
        finally:
            await self._chunks.aclose()

    async def _carry(self, receive: Receive, send: Send) -> None:
        self._pump = asyncio.create_task(self._send_all(send))
        gone = asyncio.create_task(_gone(receive))
        self._streams.enter(self)
        try:
            if self._streams.draining:
                self.end("draining")
            await asyncio.wait({self._pump, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            with suppress(asyncio.CancelledError):
                await self._pump
            if self._bye is not None:
                await _put(send, _farewell(self._bye))
            await _put(send, b"", more=False)
        except (TimeoutError, OSError):
            log.info("a reader of a stream took nothing for %g s", _STUCK_S)
        finally:
            self._streams.leave(self)
            for task in (self._pump, gone):
                task.cancel()
            await asyncio.gather(self._pump, gone, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        look_s = loop.time() + HEARTBEAT_S
        await _put(send, retry(_again_ms()))
        try:
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    await _put(send, chunk or HEARTBEAT)
                    if loop.time() >= look_s:
                        look_s = loop.time() + HEARTBEAT_S
                        if not await self._still():
                            self._bye = "signed-out"
                            return
        except IntegrityError:
            self._bye = "damaged"
            log.exception("a stream met a damaged journal")
        except RemitError as exc:
            self._bye = "trouble"
            log.warning("a stream ended: %s", type(exc).__name__)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _put(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(_STUCK_S):
        await send({"type": "http.response.body", "body": body, "more_body": more})


def _again_ms() -> int:
    least, most = _RETRY_MS
    return least + secrets.randbelow(most - least)


def _farewell(bye: Bye) -> bytes:
    again_ms = _again_ms() if bye in ("draining", "signed-out") else _TROUBLE_MS
    return retry(again_ms) + frame("bye", plain({"reason": bye}))
