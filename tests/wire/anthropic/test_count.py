"""Questions for a count hold all that is counted, and the answer is a number or an error."""

import json
from collections.abc import Iterable, Mapping

import pytest
from anthropic.types import MessageCountTokensParams, MessageTokensCount
from hypothesis import given
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import ModelRequest
from remit.wire.anthropic.count import (
    count_path,
    decode_count,
    encode_count,
    encode_counted,
)
from remit.wire.anthropic.request import encode_request
from tests.wire.anthropic.turns import called, request, said
from tests.wire.strategies import requests

PARAMS: TypeAdapter[object] = TypeAdapter(MessageCountTokensParams)


def plain(value: object) -> object:
    """The SDK's types leave iterables lazy: walking them is what validates them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return value
    return [plain(item) for item in value]


@given(requests())
def test_the_official_types_accept_every_question(given: ModelRequest) -> None:
    question = json.loads(encode_count(given))
    assert plain(PARAMS.validate_python(question)) == question
    whole = json.loads(encode_request(given))
    assert question == {
        key: value for key, value in whole.items() if key not in {"max_tokens", "stream"}
    }


def test_numbers_keep_their_lexemes() -> None:
    body = encode_count(request(said("pay"), called('{"amount":1.10e400}')))
    assert b'"input":{"amount":1.10e400}' in body


def test_the_path() -> None:
    assert count_path(request()) == "/v1/messages/count_tokens"


def test_the_answer() -> None:
    body = encode_counted(31)
    assert MessageTokensCount.model_validate_json(body).input_tokens == 31
    assert decode_count(body) == 31


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens":"x"}', b"[]"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_count(body)
    assert caught.value.kind == "malformed"
