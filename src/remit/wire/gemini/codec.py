"""The Gemini generateContent protocol as one codec value."""

from dataclasses import replace

from remit.wire.codec import Codec, Counting, Looking
from remit.wire.gemini.answer import decode_answer, encode_answer
from remit.wire.gemini.count import (
    count_path,
    decode_count,
    encode_count,
    encode_counted,
    versionless_count_path,
)
from remit.wire.gemini.errors import (
    decode_error,
    decode_limits,
    encode_error,
    encode_limits,
    request_id,
)
from remit.wire.gemini.model_card import (
    LIST_PATH,
    card_path,
    decode_card,
    decode_list,
    encode_card,
)
from remit.wire.gemini.request import encode_request, headers, path, versionless_path
from remit.wire.gemini.request_decode import decode_request, located
from remit.wire.gemini.stream import Decoder, encode_stream

GEMINI = Codec(
    provider="google",
    key_variable="GEMINI_API_KEY",
    base_url="https://generativelanguage.googleapis.com",
    path=path,
    headers=headers,
    encode_request=encode_request,
    decode_request=decode_request,
    located=located,
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
VERTEX = replace(
    GEMINI,
    path=versionless_path,
    counting=Counting(versionless_count_path, encode_request, encode_counted, decode_count),
    looking=None,  # it tells of models elsewhere; a count shows as well whether one is there
)
"""The same under a base URL that names the version and what stands above the models."""
