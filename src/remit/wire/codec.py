"""The shape every protocol's codec has: one value, the same names, both directions.

A codec serves three roles: the client encodes requests and decodes answers, the simulator and
the proxy decode requests and encode answers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import ThinkingPart
from remit.values.model import Delta, ModelAnswer, ModelCard, ModelRequest, RateLimits

Cleaner = Callable[[str], Clean]
"""What makes foreign text fit for a message: the redactor, or `Clean.vouch` in the simulator."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it goes over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class StreamDecoder(Protocol):
    """Reads one streamed answer."""

    @property
    def done(self) -> bool:
        """True once the end of the answer has come; bytes after it do not matter.

        Never, where only the end of the body is the end.
        """
        ...

    @property
    def begun(self) -> bool:
        """True once something of the answer has come, for which a provider may charge."""
        ...

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas in the next bytes, chunked anyhow. Raises `ProviderError`."""
        ...

    def finish(self) -> ModelAnswer:
        """The whole answer. Raises `ProviderError` (`stream_broken`) if its end has not come."""
        ...


@dataclass(frozen=True, slots=True)
class Counting:
    """How a provider is asked for the input tokens of a request, which bills nothing."""

    path: Callable[[ModelRequest], str]
    encode_count: Callable[[ModelRequest], bytes]
    encode_counted: Callable[[int], bytes]
    decode_count: Callable[[bytes], int]
    """Raises `ProviderError` (`malformed`)."""


@dataclass(frozen=True, slots=True)
class Looking:
    """How a provider is asked whether a model is there, which bills nothing."""

    path: Callable[[str], str]
    """Where one model is told of, by its name."""
    list_path: str
    """Where all are told of, for servers that tell of none alone, and for near names."""
    encode_card: Callable[[ModelCard], bytes]
    decode_card: Callable[[bytes], ModelCard]
    """Raises `ProviderError` (`malformed`)."""
    decode_list: Callable[[bytes], tuple[ModelCard, ...]]
    """Raises `ProviderError` (`malformed`)."""
    knows: bool = True
    """False where names of models are the user's own and no list has them (Azure's deployments)."""


def as_it_is(request: ModelRequest, _path: str) -> ModelRequest:
    """The request, where its body says everything."""
    return request


def takes_all(_part: ThinkingPart) -> bool:
    """Every kind of reasoning has a place."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One wire protocol. Everything here is pure; times are handed in."""

    provider: str
    """Prefix of model names: `anthropic` in `anthropic:claude-sonnet-5`."""
    key_variable: str
    """The environment variable its users keep the key in, for error texts."""
    base_url: str
    path: Callable[[ModelRequest], str]
    """What is appended to the base URL for this request."""
    headers: Callable[[str], dict[str, str]]
    """The headers of a request, from the API key."""
    encode_request: Callable[[ModelRequest], bytes]
    decode_request: Callable[[bytes, Cleaner], ModelRequest]
    """Raises `ProviderError` (`bad_request`) in the words of the provider's own server."""
    located: Callable[[ModelRequest, str], ModelRequest] = as_it_is
    """The decoded request with what only its path says: some protocols put the model there."""
    takes: Callable[[ThinkingPart], bool] = takes_all
    """Whether reasoning goes back to the provider it came from; see `remit.wire.carry`."""
    encode_answer: Callable[[ModelAnswer], bytes]
    decode_answer: Callable[[bytes], ModelAnswer]
    encode_stream: Callable[[ModelAnswer], Iterator[bytes]]
    """One item an event, so that a server can pause or break off in between."""
    stream_decoder: Callable[[], StreamDecoder]
    encode_error: Callable[[ProviderError], Failure]
    decode_error: Callable[[int, Mapping[str, str], bytes, int], ProviderError]
    """From status, headers (lower-case names), body and the time in Unix milliseconds."""
    encode_limits: Callable[[RateLimits, int], dict[str, str]]
    decode_limits: Callable[[Mapping[str, str], int], RateLimits]
    request_id: Callable[[Mapping[str, str]], str]
    counting: Counting | None = None
    """None where the provider counts nothing without answering."""
    looking: Looking | None = None
    """None where the provider tells nothing of its models."""
