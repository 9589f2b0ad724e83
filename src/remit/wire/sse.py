"""Server-sent events without I/O: bytes in any chunks to events, and events to bytes.

Protocol: WHATWG HTML, section 9.2 "Server-sent events".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from remit.errors import ProviderError

# The largest single event seen is a redacted thinking block of some hundred kilobytes; 8 MiB
# leaves room for a whole answer in one event and stops a server that never ends a line.
MAX_LINE_BYTES = 8 * 1024 * 1024
MAX_EVENT_BYTES = 8 * 1024 * 1024

CONTENT_TYPE = "text/event-stream"

_EOL = re.compile(rb"\r\n|\r|\n")
_TEXT_EOL = re.compile(r"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `name` is empty where the stream gave none."""

    data: str
    name: str = ""


class Decoder:
    """Bytes to events. A line or event beyond the limits raises `ProviderError` (`malformed`)."""

    def __init__(
        self, *, max_line_bytes: int = MAX_LINE_BYTES, max_event_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        self._max_line = max_line_bytes
        self._max_event = max_event_bytes
        self._pieces: list[bytes] = []  # of a line not ended yet
        self._pending = 0  # their bytes
        self._after_cr = False  # a line feed that comes next belongs to the last line end
        self._first = True
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete now. What is cut off at the end of a stream is dropped."""
        return list(self._events(chunk))

    def _events(self, chunk: bytes) -> Iterator[Event]:
        for line in self._lines(chunk):
            if not line:
                event = self._dispatch()
                if event is not None:
                    yield event
            else:
                self._field(line)

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        *ended, rest = _EOL.split(chunk)
        self._after_cr = chunk.endswith(b"\r")
        for piece in ended:
            line = piece
            if self._pieces or len(piece) > self._max_line:
                self._hold(piece)
                line = b"".join(self._pieces)
                self._pieces.clear()
                self._pending = 0
            if self._first:
                self._first = False
                line = line.removeprefix(_BOM)
            yield line
        self._hold(rest)

    def _hold(self, piece: bytes) -> None:
        self._pending += len(piece)
        if self._pending > self._max_line:
            raise ProviderError(
                f"the event stream has a line of more than {self._max_line} bytes",
                kind="malformed",
            )
        if piece:
            self._pieces.append(piece)

    def _field(self, line: bytes) -> None:
        # A line without a colon is a field with an empty value; one that begins with it a comment.
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._size += len(line) + 1
            if self._size > self._max_event:
                raise ProviderError(
                    f"the event stream has an event of more than {self._max_event} bytes",
                    kind="malformed",
                )
            self._data.append(value)
        # `id` and `retry` serve reconnection, which no model provider offers.

    def _dispatch(self) -> Event | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        return Event("\n".join(data), name) if data else None


def encode(data: str, name: str = "") -> bytes:
    """The bytes of one event. Every kind of line end in `data` arrives as a line feed."""
    lines = [f"event: {name}\n"] if name else []
    lines.extend(f"data: {line}\n" for line in _TEXT_EOL.split(data))
    return ("".join(lines) + "\n").encode()
