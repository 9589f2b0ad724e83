"""A codec for each server that speaks Responses, at its address."""

from remit.values.model import ModelRequest
from remit.wire.openai.address import Address
from remit.wire.openai_responses.codec import OPENAI_RESPONSES, responses_codec
from tests.wire.anthropic.turns import said

ASKED = ModelRequest(model="gpt", system="", messages=(said("hi"),), max_output_tokens=16)


def test_a_codec_knows_where_its_server_is() -> None:
    azure = Address(provider="azure", api_version="preview", key_header="api-key")
    codec = responses_codec(azure)
    assert codec.path(ASKED) == "/v1/responses?api-version=preview"
    assert codec.headers("k")["api-key"] == "k"
    assert str(codec.decode_error(500, {}, b"", 0)).startswith("azure answered 500")
    assert OPENAI_RESPONSES.path(ASKED) == "/v1/responses"
