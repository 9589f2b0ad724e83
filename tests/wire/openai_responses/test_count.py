"""Counting asks with what is counted and nothing else, valid by the official SDK's types."""

import json

import pytest
from hypothesis import given, settings
from openai.types.responses import InputTokenCountResponse
from openai.types.responses.input_token_count_params import InputTokenCountParams
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.model import ModelRequest
from remit.wire.openai_responses.count import (
    COUNT_PATH,
    count_path,
    decode_count,
    encode_count,
    encode_counted,
)
from tests.wire.openai.referee import accepts
from tests.wire.openai_responses.shapes import response_requests

PARAMS: TypeAdapter[object] = TypeAdapter(InputTokenCountParams)


@settings(max_examples=20)  # the SDK's union of items takes 50 ms a request
@given(response_requests())
def test_the_official_types_accept_every_question(given: ModelRequest) -> None:
    body = encode_count(given)
    accepts(PARAMS, body)
    assert json.loads(body)["model"] == given.model
    assert count_path(given) == COUNT_PATH


def test_the_answer_is_a_number() -> None:
    body = encode_counted(17)
    assert InputTokenCountResponse.model_validate_json(body).input_tokens == 17
    assert decode_count(body) == 17
    with pytest.raises(ProviderError, match="input_tokens: Field required"):
        decode_count(b"{}")
