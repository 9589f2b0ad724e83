"""A codec for each server that speaks Chat Completions, in its dialect."""

import json
from dataclasses import replace

from remit.values.model import ModelRequest
from remit.wire.openai_chat.codec import OPENAI_CHAT, chat_codec
from remit.wire.openai_chat.dialect import COMPATIBLE
from tests.wire.anthropic.turns import said

ASKED = ModelRequest(model="llama-4", system="", messages=(said("hi"),), max_output_tokens=7)


def test_a_codec_speaks_its_dialect() -> None:
    codec = chat_codec(replace(COMPATIBLE, provider="ollama", path="/chat/completions"))
    assert codec.path(ASKED) == "/chat/completions"
    assert json.loads(codec.encode_request(ASKED))["max_tokens"] == 7
    assert "max_tokens" not in json.loads(OPENAI_CHAT.encode_request(ASKED))
    error = codec.decode_error(500, {}, b"", 0)
    assert str(error).startswith("ollama answered 500")
