"""What the server must know about a protocol besides its codec: keys, checks, blocks, headers."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from remit.simulator.cache import Segment
from remit.values.model import ModelRequest
from remit.wire.codec import Codec
from remit.wire.jsontext import Json


class Endpoint(Protocol):
    """The provider's side of one protocol."""

    codec: Codec
    route: str
    """Where it is served, in aiohttp's notation."""

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The API key of a request (lower-case header names). Raises `ProviderError` (`auth`)."""
        ...

    def check(
        self, headers: Mapping[str, str], root: Mapping[str, Json], request: ModelRequest
    ) -> None:
        """Refuse what the real service refuses. Raises `ProviderError` in its words."""
        ...

    def segments(self, root: Mapping[str, Json]) -> Sequence[Segment]:
        """The blocks of a request in the order the model reads them."""
        ...

    def stream_error(self, text: str) -> bytes:
        """The event that reports an error in the middle of a stream."""
        ...

    def limit_headers(self, used: int, now_ms: int, *, window_left_ms: int) -> dict[str, str]:
        """The headers about limits after `used` requests in this minute."""
        ...

    def model_list(self, models: Sequence[str]) -> bytes:
        """The answer to a question for the models there are."""
        ...
