"""Gemini streamGenerateContent answers: encode what we serve, decode what we get."""

from collections.abc import Iterator

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer
from remit.wire import sse
from remit.wire.gemini.answer import Pieces, block_of, response, spoken
from remit.wire.jsontext import mend
from remit.wire.node import Node

_ABOUT = "the provider's stream is malformed: "
_PIECE_CHARS = 24  # a few words a delta, as other services send them


# ---------------------------------------------------------------- encode


def encode_stream(answer: ModelAnswer) -> Iterator[bytes]:
    """The response objects of an answer, one item each; calls and what is signed come whole."""
    for members, text in spoken(answer.parts):
        if text is None or "thoughtSignature" in members:
            yield sse.encode(response(answer, [block_of(members, text)], None))
            continue
        whole = mend(text)
        for start in range(0, len(whole), _PIECE_CHARS):
            piece = block_of(members, whole[start : start + _PIECE_CHARS])
            yield sse.encode(response(answer, [piece], None))
    yield sse.encode(response(answer, [], answer.stop))


# ---------------------------------------------------------------- decode


class Decoder:
    """Reads one streamed answer. Only the end of the body ends it: pieces may follow the reason.

    Parts newer than this codec are left out; anything else out of order is refused.
    """

    def __init__(self) -> None:
        self._sse = sse.Decoder()
        self._pieces = Pieces()

    @property
    def done(self) -> bool:
        """Never before the end of the body: the protocol has no event for its end."""
        return False

    @property
    def begun(self) -> bool:
        """True once something of the answer has come, for which a provider may charge."""
        return self._pieces.begun

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas in the next bytes. Raises `ProviderError`."""
        return [
            delta
            for event in self._sse.feed(chunk)
            for delta in self._pieces.add(Node.of(event.data, kind="malformed", about=_ABOUT))
        ]

    def finish(self) -> ModelAnswer:
        """The whole answer. Raises `ProviderError` (`stream_broken`) if its end has not come."""
        if not self._pieces.ended:
            raise ProviderError(
                "the stream broke off before the end of the answer", kind="stream_broken"
            )
        return self._pieces.answer()
