"""The OpenAI Responses protocol as one codec value for each server that speaks it."""

from functools import partial

from remit.values.model import ModelRequest
from remit.wire.codec import Codec, Counting
from remit.wire.openai.address import OPENAI, Address
from remit.wire.openai.errors import (
    decode_error,
    decode_limits,
    encode_error,
    encode_limits,
    request_id,
)
from remit.wire.openai.model_card import looking_at
from remit.wire.openai_responses.answer import decode_answer, encode_answer
from remit.wire.openai_responses.count import (
    count_path,
    decode_count,
    encode_count,
    encode_counted,
)
from remit.wire.openai_responses.request import encode_request, takes
from remit.wire.openai_responses.request_decode import decode_request
from remit.wire.openai_responses.stream import Decoder, encode_stream


def responses_codec(address: Address) -> Codec:
    """The codec of one server."""

    def path(request: ModelRequest) -> str:
        return address.path_of(request.model)

    return Codec(
        provider=address.provider,
        key_variable=address.key_variable,
        base_url=address.base_url,
        path=path,
        headers=address.headers,
        encode_request=partial(encode_request, address=address),
        decode_request=decode_request,
        takes=takes,
        encode_answer=encode_answer,
        decode_answer=partial(decode_answer, provider=address.provider),
        encode_stream=encode_stream,
        stream_decoder=partial(Decoder, address.provider),
        encode_error=encode_error,
        decode_error=partial(decode_error, provider=address.provider),
        encode_limits=encode_limits,
        decode_limits=decode_limits,
        request_id=request_id,
        looking=looking_at(address),
        counting=Counting(count_path, encode_count, encode_counted, decode_count),
    )


OPENAI_RESPONSES = responses_codec(OPENAI)
