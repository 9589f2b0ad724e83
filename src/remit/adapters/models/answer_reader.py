"""Reads a streamed answer; an error that the provider reports within it is a break, no refusal."""

from collections.abc import Iterator
from contextlib import contextmanager

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer
from remit.wire.codec import StreamDecoder


class AnswerReader:
    """A decoder whose errors are `stream_broken` once something of the answer has come.

    What came may be billed. By its own name (`overloaded`, `server` …) an error would count as a
    refusal before anything was generated, and so as free of charge.
    """

    def __init__(self, decoder: StreamDecoder) -> None:
        self._decoder = decoder

    @property
    def done(self) -> bool:
        """See `StreamDecoder.done`."""
        return self._decoder.done

    def feed(self, chunk: bytes) -> list[Delta]:
        """See `StreamDecoder.feed`."""
        with self._reading():
            return self._decoder.feed(chunk)

    def finish(self) -> ModelAnswer:
        """See `StreamDecoder.finish`."""
        with self._reading():
            return self._decoder.finish()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except ProviderError as exc:
            if not self._decoder.begun or exc.kind == "malformed":  # which counts as billed, too
                raise
            raise ProviderError(
                str(exc),
                kind="stream_broken",
                status=exc.status,
                retry_after_ms=exc.retry_after_ms,
                request_id=exc.request_id,
            ) from exc
