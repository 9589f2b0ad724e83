"""Questions for a count hold the whole request, and the answer is a number or an error."""

import json

import pytest
from google.genai import types
from hypothesis import given

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.gemini.codec import GEMINI, VERTEX
from remit.wire.gemini.count import (
    count_path,
    decode_count,
    encode_count,
    encode_counted,
    versionless_count_path,
)
from remit.wire.gemini.request import encode_request
from remit.wire.gemini.request_decode import decode_request
from tests.wire.gemini.kept import kept_requests
from tests.wire.gemini.turns import request


@given(kept_requests)
def test_the_question_is_the_request(given: ModelRequest) -> None:
    question = json.loads(encode_count(given))["generateContentRequest"]
    assert question.pop("model") == f"models/{given.model}"
    assert question == json.loads(encode_request(given))


def test_it_reads_as_a_request() -> None:
    asked = request(tools=(ToolSchema("f", "", "{}"),), system="Be kind.")
    inner = json.dumps(json.loads(encode_count(asked))["generateContentRequest"]).encode()
    assert decode_request(inner, Clean.vouch).system == "Be kind."


def test_paths() -> None:
    asked = request(model="tunedModels/mine")
    assert count_path(request()) == "/v1beta/models/gemini-2.5-flash:countTokens"
    assert versionless_count_path(asked) == "/tunedModels/mine:countTokens"
    assert GEMINI.counting is not None
    assert VERTEX.counting is not None
    assert VERTEX.counting.encode_count(asked) == encode_request(asked)
    assert VERTEX.path(asked).startswith("/tunedModels/mine:stream")


def test_the_answer() -> None:
    body = encode_counted(31)
    assert types.CountTokensResponse.model_validate_json(body).total_tokens == 31
    assert decode_count(body) == 31
    assert decode_count(b'{"totalTokens":7,"cachedContentTokenCount":3}') == 7


@pytest.mark.parametrize("body", [b"", b"{}", b'{"totalTokens":"x"}', b'{"totalTokens":-1}', b"[]"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_count(body)
    assert caught.value.kind == "malformed"
