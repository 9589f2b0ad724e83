"""Requests whose line and headers are too large are refused before anything reads them."""

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from remit.errors import RequestRefused

MAX_HEADER_BYTES = 32 * 1024
"""Of a request's line and headers together; what other servers allow."""
MAX_HEADERS = 100
_NEVER = 1 << 62  # bytes of a body are not counted here
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
)
_BODY = (
    b'{"type":"urn:remit:problem:headers","title":"The headers are too large","status":431,'
    b'"detail":"the request line and the headers are larger than 32 KiB, or more than 100",'
    b'"remedy":"send fewer cookies and shorter headers","errors":[]}'
)


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol over httptools, which by itself takes headers without end."""

    _exact = 0
    """Bytes of address and headers that were read of this request."""
    _count = 0
    _hosts = 0
    """Which host is meant must not depend on who reads it (RFC 9112 section 3.2)."""
    _pending = 0
    """Bytes that came since a request began and before its headers were complete."""

    @override
    def data_received(self, data: bytes) -> None:
        """Bytes from the client; a header that never ends is one too large."""
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MAX_HEADER_BYTES + len(data) and not self.transport.is_closing():
            self.send_400_response("")

    @override
    def on_message_begin(self) -> None:
        """A request begins."""
        self._exact = self._count = self._hosts = 0
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
