"""How many tokens OpenAI counts a request as, asked without billing."""

from remit.values.model import ModelRequest
from remit.wire.jsontext import record, write
from remit.wire.node import Node
from remit.wire.openai_responses.answer import ABOUT
from remit.wire.openai_responses.request import encode_request

COUNT_PATH = "/v1/responses/input_tokens"
# What is counted; the rest of a request is about the answer, and the endpoint refuses it.
_COUNTED = frozenset({"input", "instructions", "model", "reasoning", "text", "tools"})


def count_path(_request: ModelRequest) -> str:
    """The same for every model."""
    return COUNT_PATH


def encode_count(request: ModelRequest) -> bytes:
    """The body of a question. Raises `ProviderError` as `encode_request` does."""
    members = Node.of(encode_request(request), kind="bad_request").members().items()
    return record({key: write(value) for key, value in members if key in _COUNTED}).encode()


def encode_counted(tokens: int) -> bytes:
    """The answer to the question."""
    return record({"object": '"response.input_tokens"', "input_tokens": str(tokens)}).encode()


def decode_count(body: bytes) -> int:
    """The tokens of the input. Raises `ProviderError` (`malformed`)."""
    return Node.of(body, kind="malformed", about=ABOUT).get("input_tokens").integer()
