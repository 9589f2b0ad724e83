"""Requests whose line and headers are too large, or come too slowly, are refused unread."""

import asyncio
from typing import cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from remit.errors import RequestRefused

MAX_HEADER_BYTES = 32 * 1024
"""Of a request's line and headers together; what other servers allow."""
MAX_HEADERS = 100
HEAD_S = 20.0
"""From the connection, or the first byte of a request, to the end of its headers: bad lines take
seconds, and whoever takes longer holds a place that others need."""
_NEVER = 1 << 62  # bytes of a body are not counted here
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
)
_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_BODY = (
    b'{"type":"urn:remit:problem:headers","title":"The headers are too large","status":431,'
    b'"detail":"the request line and the headers are larger than 32 KiB, or more than 100",'
    b'"remedy":"send fewer cookies and shorter headers","errors":[]}'
)


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol over httptools, which by itself waits for headers without end."""

    _exact = 0
    """Bytes of address and headers that were read of this request."""
    _count = 0
    _hosts = 0
    """Which host is meant must not depend on who reads it (RFC 9112 section 3.2)."""
    _pending = 0
    """Bytes that came since a request began and before its headers were complete."""

    _in_head = False
    """A request has begun whose headers have not ended."""
    _late: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Somebody is there, who must ask something soon."""
        super().connection_made(transport)
        self._expect()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        self._expect_no_more()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Bytes from the client; a header that never ends is one too large."""
        self._pending += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._pending > MAX_HEADER_BYTES + len(data):
            self.send_400_response("")
        elif self._in_head or self._pending > 0:
            self._expect()

    def _expect(self) -> None:
        """Wait no longer than that for the rest of the headers, counted from the first time."""
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._give_up)

    def _expect_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
        if cycle is not None and not cycle.response_complete:
            self._expect()  # the answer before is still under way
            return
        if self._in_head:
            self.transport.write(_LATE)
        self.transport.close()

    @override
    def on_message_begin(self) -> None:
        """A request begins."""
        self._exact = self._count = self._hosts = 0
        self._in_head = True
        super().on_message_begin()

    @override
    def on_url(self, url: bytes) -> None:
        """A piece of its address."""
        self._take(len(url))
        super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._count += 1
        self._take(len(name) + len(value))
        self._hosts += name.lower() == b"host"
        if self._hosts > 1:
            raise RequestRefused("two hosts are named", status=400, remedy="name one")
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        """From here on its body comes, which has bounds of its own."""
        self._pending = -_NEVER
        self._in_head = False
        self._expect_no_more()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        """The next request may begin."""
        self._pending = 0
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read; too large is told as such."""
        if self._too_large or not msg:
            self.transport.write(_REFUSAL % (len(_BODY), _BODY))
            self.transport.close()
        else:
            super().send_400_response(msg)

    @property
    def _too_large(self) -> bool:
        return self._exact > MAX_HEADER_BYTES or self._count > MAX_HEADERS

    def _take(self, size: int) -> None:
        self._exact += size
        if self._too_large:
            raise RequestRefused("the headers are too large", status=431, remedy="send fewer")
