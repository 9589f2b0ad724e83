"""How many tokens Gemini counts a request as, asked without billing."""

from remit.values.model import ModelRequest
from remit.wire.gemini.answer import ABOUT
from remit.wire.gemini.request import VERSION, encode_request, place
from remit.wire.jsontext import quote, record
from remit.wire.node import Node

COUNT = "countTokens"


def count_path(request: ModelRequest) -> str:
    """The model stands in the path."""
    return f"/{VERSION}{versionless_count_path(request)}"


def versionless_count_path(request: ModelRequest) -> str:
    """The path after a base URL that names the version, such as Vertex AI's."""
    return f"{place(request)}:{COUNT}"


def encode_count(request: ModelRequest) -> bytes:
    """The body of a question: the whole request, which names its model in here.

    Raises `ProviderError` as `encode_request` does. Vertex AI takes the request itself instead.
    """
    inner = encode_request(request).decode()
    model = quote(place(request).removeprefix("/"))
    # Spliced: the body may hold megabytes of images.
    return record({"generateContentRequest": f'{{"model":{model},{inner[1:]}'}).encode()


def encode_counted(tokens: int) -> bytes:
    """The answer to the question."""
    return record({"totalTokens": str(tokens)}).encode()


def decode_count(body: bytes) -> int:
    """The tokens of the input. Raises `ProviderError` (`malformed`)."""
    return Node.of(body, kind="malformed", about=ABOUT).get("totalTokens").integer()
