"""How many tokens Anthropic counts a request as, asked without billing."""

from dataclasses import replace

from remit.values.model import ModelRequest
from remit.wire.anthropic.answer import ABOUT
from remit.wire.anthropic.request import PATH, encode_request
from remit.wire.jsontext import record, write
from remit.wire.node import Node

COUNT_PATH = f"{PATH}/count_tokens"
# Of an answer, not of what is counted: the endpoint refuses them.
_ABOUT_ANSWERS = frozenset({"max_tokens", "stream"})


def count_path(_request: ModelRequest) -> str:
    """The same for every model."""
    return COUNT_PATH


def encode_count(request: ModelRequest) -> bytes:
    """The body of a question. Raises `ProviderError` as `encode_request` does."""
    root = Node.of(encode_request(replace(request, stream=False)), kind="bad_request")
    members = root.members().items()
    return record({k: write(v) for k, v in members if k not in _ABOUT_ANSWERS}).encode()


def encode_counted(tokens: int) -> bytes:
    """The answer to the question."""
    return record({"input_tokens": str(tokens)}).encode()


def decode_count(body: bytes) -> int:
    """The tokens of the input. Raises `ProviderError` (`malformed`)."""
    return Node.of(body, kind="malformed", about=ABOUT).get("input_tokens").integer()
