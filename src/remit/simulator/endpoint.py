"""What the server must know about a protocol besides its codec: keys, checks, blocks, headers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from remit.errors import ProviderError
from remit.simulator.cache import Segment
from remit.values.model import ModelAnswer, ModelRequest
from remit.wire.codec import Codec
from remit.wire.jsontext import Json


class Endpoint(Protocol):
    """The provider's side of one protocol."""

    codec: Codec
    route: str
    """Where it is served, in aiohttp's notation."""
    count_route: str
    """Where it counts tokens without answering, if its codec does."""
    models_route: str
    """Where it tells which models there are."""
    id_header: str
    """The header of its request ids; empty if it has none."""
    wrong_key: str
    """What it says of a key that is not valid."""

    def speaks(self, headers: Mapping[str, str], path: str) -> bool:
        """True if a request to a path that several have in common, or none, is meant for it."""
        ...

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The API key of a request (lower-case header names). Raises `ProviderError` (`auth`)."""
        ...

    def check(
        self, headers: Mapping[str, str], root: Mapping[str, Json], request: ModelRequest
    ) -> None:
        """Refuse what the real service refuses. Raises `ProviderError` in its words."""
        ...

    def unknown_model(self, name: str) -> ProviderError:
        """What it says of a model that does not exist."""
        ...

    def too_long(self, found: int, limit: int) -> ProviderError:
        """What it says of a prompt of `found` tokens where `limit` is the most."""
        ...

    def dress(self, answer: ModelAnswer, request: ModelRequest) -> ModelAnswer:
        """The answer of a script as this service gives it: its kind of ids, what it counts."""
        ...

    def counted_root(self, root: Mapping[str, Json]) -> Mapping[str, Json]:
        """The request within a request to count."""
        ...

    def segments(self, root: Mapping[str, Json]) -> Sequence[Segment]:
        """The blocks of a request in the order the model reads them."""
        ...

    def events(self, answer: ModelAnswer, request: ModelRequest) -> Iterator[bytes]:
        """The events of a streamed answer, as its request asked for them."""
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
