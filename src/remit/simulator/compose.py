"""Answers made from a script: ids, signatures and token counts follow from content alone."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace

from remit.values.model import (
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.values.usage import Usage
from remit.wire.jsontext import mend

BYTES_PER_TOKEN = 4  # the usual rule of thumb for English; what matters is that it never varies

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Not a secret: it only makes a changed signature detectable, as the provider's own key does.
_SIGNING_KEY = b"remit simulator"
# How a real signature begins: a protobuf field of 164 bytes, "EqQB" in base 64.
_SIGNATURE_HEAD = b"\x12\xa4\x01"
_MAC_BYTES = 32
_FILLER_ROUNDS = 4


def tokens(size: int) -> int:
    """The number of tokens that `size` bytes count as."""
    return -(-size // BYTES_PER_TOKEN)


def identifier(prefix: str, *content: str, length: int = 22) -> str:
    """An id in the provider's style that is the same for the same content."""
    joined = "\0".join(content)
    number = int.from_bytes(hashlib.sha256(mend(joined).encode()).digest(), "big")
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return prefix + "".join(digits)


def signature(text: str) -> str:
    """What the simulator signs a thinking text with; it refuses the text with any other."""
    seed = hmac.digest(_SIGNING_KEY, mend(text).encode(), "sha256")
    blocks = [seed]
    for _ in range(_FILLER_ROUNDS):
        blocks.append(hmac.digest(_SIGNING_KEY, blocks[-1], "sha256"))
    return base64.b64encode(_SIGNATURE_HEAD + b"".join(blocks)).decode()


def redacted(text: str) -> str:
    """A thinking text nobody can read, bound to itself so that a changed one is refused."""
    body = hmac.digest(_SIGNING_KEY, b"redacted" + mend(text).encode(), "sha256")
    mac = hmac.digest(_SIGNING_KEY, body, "sha256")
    return base64.b64encode(_SIGNATURE_HEAD + body + mac).decode()


def redacted_is_genuine(data: str) -> bool:
    """True for what `redacted` made, unchanged."""
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        return False
    body, mac = raw[len(_SIGNATURE_HEAD) : -_MAC_BYTES], raw[-_MAC_BYTES:]
    expected = hmac.digest(_SIGNING_KEY, body, "sha256")
    return raw.startswith(_SIGNATURE_HEAD) and hmac.compare_digest(mac, expected)


def call(tool: str, arguments: str = "{}", provider_id: str = "") -> RawCall:
    """A tool call to put into an answer; without an id it gets one from its content."""
    return RawCall(provider_id, tool, arguments)


def compose(
    request: ModelRequest,
    *parts: RawPart,
    stop: StopReason | None = None,
    model: str = "",
    input_tokens: int = 0,
    output_tokens: int = 0,
) -> ModelAnswer:
    """An answer to `request` made of parts.

    Ids and token counts that are not given follow from the content. What is longer than the
    request's output limit is cut there, as a model's answer is. `input_tokens` of 0 lets the
    server count, with cache reads and writes.
    """
    # A retry without streaming is the same question.
    seed = repr(replace(request, stream=False))
    named = tuple(_named(part, seed, index) for index, part in enumerate(parts))
    kept, was_cut = _cut(named, request.max_output_tokens)
    if was_cut:
        stop = "max_tokens"
    elif stop is None:
        stop = "tools" if any(isinstance(part, RawCall) for part in kept) else "end"
    output = output_tokens or max(1, tokens(sum(_size(part) for part in kept)))
    thought = tokens(sum(_size(part) for part in kept if isinstance(part, RawThinking)))
    return ModelAnswer(
        parts=kept,
        stop=stop,
        usage=Usage(input=input_tokens, output=output, reasoning=min(thought, output)),
        model=model or request.model,
        provider_id=identifier("msg_01", seed, repr(kept)),
    )


def _named(part: RawPart, seed: str, index: int) -> RawPart:
    if isinstance(part, RawCall) and not part.provider_id:
        return RawCall(
            identifier("toolu_01", seed, str(index), repr(part)), part.tool, part.arguments
        )
    return part


def _size(part: RawPart) -> int:
    match part:
        case RawText() | RawThinking():
            return len(mend(part.text).encode())
        case RawCall():
            return len(mend(part.tool + part.arguments).encode())


def _cut(parts: Iterable[RawPart], limit: int) -> tuple[tuple[RawPart, ...], bool]:
    """The parts as far as `limit` tokens reach, and whether something is missing."""
    left = limit * BYTES_PER_TOKEN
    kept: list[RawPart] = []
    for part in parts:
        size = _size(part)
        if size > left:
            shortened = _shortened(part, left)
            return (*kept, *shortened), True
        left -= size
        kept.append(part)
    return tuple(kept), False


def _shortened(part: RawPart, size: int) -> tuple[RawPart, ...]:
    """The beginning of a part, or nothing. Cut thinking goes: it would have no signature."""
    match part:
        case RawText():
            return (RawText(_beginning(part.text, size)),) if size else ()
        case RawCall():
            size -= len(part.tool.encode())
            if size <= 0:
                return ()
            return (RawCall(part.provider_id, part.tool, _beginning(part.arguments, size)),)
        case RawThinking():
            return ()


def _beginning(text: str, size: int) -> str:
    return mend(text).encode()[:size].decode("utf-8", "ignore")
