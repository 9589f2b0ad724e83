"""The OpenAI Chat Completions protocol as one codec value for each server that speaks it."""

from functools import partial

from remit.values.message import ThinkingPart
from remit.values.model import ModelRequest
from remit.wire.codec import Codec
from remit.wire.openai.errors import (
    decode_error,
    decode_limits,
    encode_error,
    encode_limits,
    request_id,
)
from remit.wire.openai.model_card import looking_at
from remit.wire.openai_chat.answer import decode_answer, encode_answer
from remit.wire.openai_chat.dialect import OPENAI, Dialect
from remit.wire.openai_chat.request import encode_request
from remit.wire.openai_chat.request_decode import decode_request
from remit.wire.openai_chat.stream import Decoder, encode_stream


def chat_codec(dialect: Dialect) -> Codec:
    """The codec of one server."""

    def path(request: ModelRequest) -> str:
        return dialect.path_of(request.model)

    def takes(_part: ThinkingPart) -> bool:
        return bool(dialect.reasoning)

    return Codec(
        provider=dialect.provider,
        key_variable=dialect.key_variable,
        base_url=dialect.base_url,
        path=path,
        headers=dialect.headers,
        encode_request=partial(encode_request, dialect=dialect),
        decode_request=decode_request,
        takes=takes,
        encode_answer=encode_answer,
        decode_answer=decode_answer,
        encode_stream=encode_stream,
        stream_decoder=partial(Decoder, dialect.provider),
        encode_error=encode_error,
        decode_error=partial(decode_error, provider=dialect.provider),
        encode_limits=encode_limits,
        decode_limits=decode_limits,
        request_id=request_id,
        looking=looking_at(dialect),
    )


OPENAI_CHAT = chat_codec(OPENAI)
