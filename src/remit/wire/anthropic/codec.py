"""The Anthropic Messages protocol as one codec value."""

from remit.wire.anthropic.answer import decode_answer, encode_answer
from remit.wire.anthropic.count import (
    count_path,
    decode_count,
    encode_count,
    encode_counted,
)
from remit.wire.anthropic.errors import (
    decode_error,
    decode_limits,
    encode_error,
    encode_limits,
    request_id,
)
from remit.wire.anthropic.model_card import (
    LIST_PATH,
    card_path,
    decode_card,
    decode_list,
    encode_card,
)
from remit.wire.anthropic.request import encode_request, headers, path, takes
from remit.wire.anthropic.request_decode import decode_request
from remit.wire.anthropic.stream import Decoder, encode_stream
from remit.wire.codec import Codec, Counting, Looking

ANTHROPIC = Codec(
    provider="anthropic",
    key_variable="ANTHROPIC_API_KEY",
    base_url="https://api.anthropic.com",
    path=path,
    headers=headers,
    encode_request=encode_request,
    decode_request=decode_request,
    takes=takes,
    encode_answer=encode_answer,
    decode_answer=decode_answer,
    encode_stream=encode_stream,
    stream_decoder=Decoder,
    encode_error=encode_error,
    decode_error=decode_error,
    encode_limits=encode_limits,
    decode_limits=decode_limits,
    request_id=request_id,
    counting=Counting(count_path, encode_count, encode_counted, decode_count),
    looking=Looking(card_path, LIST_PATH, encode_card, decode_card, decode_list),
)
