"""Anthropic Messages answers as a stream of events: encode what we serve, decode what we get."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, assert_never

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawPart, RawText, RawThinking
from remit.wire import sse
from remit.wire.anthropic.answer import (
    Counts,
    make_usage,
    message,
    read_counts,
    read_stop,
    read_tier,
    stop_name,
    usage_object,
)
from remit.wire.anthropic.errors import kind_of_type
from remit.wire.failure import http_error
from remit.wire.jsontext import Joiner, mend, quote, record
from remit.wire.node import Node

_ABOUT = "the provider's stream is malformed: "
_PIECE_CHARS = 24  # a few words a delta, as the real service sends them
# A single answer has a handful of blocks; the bound stops a stream that opens them for ever.
MAX_BLOCKS = 10_000


# ---------------------------------------------------------------- encode


def encode_stream(answer: ModelAnswer) -> Iterator[bytes]:
    """The events of an answer, one item each."""
    start = message(answer, [], None, min(1, answer.usage.output))
    yield _event("message_start", {"message": start})
    yield _event("ping", {})
    for index, part in enumerate(answer.parts):
        yield from _block_events(str(index), part)
    delta = record({"stop_reason": quote(stop_name(answer.stop)), "stop_sequence": "null"})
    usage = usage_object(answer.usage, answer.usage.output)
    yield _event("message_delta", {"delta": delta, "usage": usage})
    yield _event("message_stop", {})


def _event(name: str, members: dict[str, str]) -> bytes:
    return sse.encode(record({"type": quote(name)} | members), name)


def _block_events(index: str, part: RawPart) -> Iterator[bytes]:
    start, deltas = _opened(part)
    yield _event("content_block_start", {"index": index, "content_block": record(start)})
    for kind, key, text in deltas:
        delta = record({"type": quote(kind), key: quote(text)})
        yield _event("content_block_delta", {"index": index, "delta": delta})
    yield _event("content_block_stop", {"index": index})


def _opened(part: RawPart) -> tuple[dict[str, str], Iterator[tuple[str, str, str]]]:
    """A block as it is opened, and what follows: type of the delta, its member, its text."""
    match part:
        case RawText():
            return {"type": '"text"', "text": '""'}, _pieces("text_delta", "text", part.text)
        case RawThinking(redacted=redacted) if redacted:
            return {"type": '"redacted_thinking"', "data": quote(redacted)}, iter(())
        case RawThinking():
            return (
                {"type": '"thinking"', "thinking": '""', "signature": '""'},
                _thinking_deltas(part),
            )
        case RawCall():
            start = {
                "type": '"tool_use"',
                "id": quote(part.provider_id),
                "name": quote(part.tool),
                "input": "{}",
            }
            return start, _pieces("input_json_delta", "partial_json", part.arguments)
        case never:
            assert_never(never)


def _thinking_deltas(part: RawThinking) -> Iterator[tuple[str, str, str]]:
    yield from _pieces("thinking_delta", "thinking", part.text)
    yield "signature_delta", "signature", part.signature


def _pieces(kind: str, key: str, text: str) -> Iterator[tuple[str, str, str]]:
    whole = mend(text)
    for start in range(0, len(whole), _PIECE_CHARS):
        yield kind, key, whole[start : start + _PIECE_CHARS]


# ---------------------------------------------------------------- decode


@dataclass(slots=True)
class _Block:
    """A block that is being received. `place` is its index among the parts kept."""

    kind: Literal["text", "thinking", "redacted", "call", "unknown"]
    place: int
    texts: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    fixed: str = ""  # redacted data, or the whole input where no deltas follow
    provider_id: str = ""
    tool: str = ""
    joiner: Joiner = field(default_factory=Joiner)

    def part(self) -> RawPart:
        text = "".join(self.texts) + self.joiner.flush()
        if self.kind == "text":
            return RawText(text)
        if self.kind == "call":
            return RawCall(self.provider_id, self.tool, text or self.fixed)
        return RawThinking(text, "".join(self.signature), self.fixed)


# What each kind of delta belongs to, and where its text stands.
_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": ("call", "partial_json"),
}


class Decoder:
    """Reads one streamed answer.

    Events and blocks newer than this codec are left out (the versioning policy allows them to
    appear); anything else out of order is refused.
    """

    def __init__(self) -> None:
        self._sse = sse.Decoder()
        self._blocks: dict[int, _Block] = {}
        self._open: int | None = None
        self._kept = 0  # blocks that become parts
        self._started: tuple[str, str] | None = None  # id and model
        self._counts: Counts = {}
        self._tier = ""
        self._stop: Node | None = None
        self._usage: Node | None = None
        self._done = False
        self._left_out: list[str] = []

    @property
    def done(self) -> bool:
        """True once the end of the answer has come; bytes after it do not matter."""
        return self._done

    @property
    def begun(self) -> bool:
        """True once something of the answer has come, for which a provider may charge."""
        return bool(self._blocks)

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas in the next bytes. Raises `ProviderError`."""
        deltas: list[Delta] = []
        for event in self._sse.feed(chunk):
            if self._done:
                break
            delta = self._event(Node.of(event.data, kind="malformed", about=_ABOUT))
            if delta is not None:
                deltas.append(delta)
        return deltas

    def finish(self) -> ModelAnswer:
        """The whole answer. Raises `ProviderError` (`stream_broken`) if its end has not come."""
        if not self._done or self._started is None or self._usage is None or self._stop is None:
            raise ProviderError(
                "the stream broke off before the end of the answer", kind="stream_broken"
            )
        blocks = self._blocks.values()
        parts = [block.part() for block in blocks if block.kind != "unknown"]
        left_out = list(self._left_out)
        provider_id, model = self._started
        return ModelAnswer(
            parts=tuple(parts),
            stop=read_stop(self._stop, parts, left_out),
            usage=make_usage(self._counts, self._usage),
            model=model,
            provider_id=provider_id,
            service_tier=self._tier,
            left_out=tuple(left_out),
        )

    def _event(self, node: Node) -> Delta | None:
        match node.get("type").text():
            case "error":
                raise _reported(node)
            case "message_start":
                self._message_start(node)
            case "content_block_start":
                return self._block_start(node)
            case "content_block_delta":
                return self._block_delta(node)
            case "content_block_stop":
                return self._block_stop(node)
            case "message_delta":
                self._message_delta(node)
            case "message_stop":
                self._message_stop(node)
            case _:
                pass  # ping, and events newer than this codec
        return None

    def _message_start(self, node: Node) -> None:
        if self._started is not None:
            raise node.fail("a second message_start")
        message = node.get("message")
        self._started = (message.get("id").text(), message.get("model").text())
        usage = message.find("usage")
        if usage is not None:
            self._counts = read_counts(usage, {})
            self._tier = read_tier(usage)

    def _block_start(self, node: Node) -> Delta | None:
        index = node.get("index").integer()
        if self._started is None or self._open is not None or index in self._blocks:
            raise node.fail(f"content_block_start {index} out of order")
        if len(self._blocks) >= MAX_BLOCKS:
            raise node.fail(f"more than {MAX_BLOCKS} content blocks")
        place = self._kept
        block = _new_block(node.get("content_block"), place)
        self._blocks[index] = block
        self._open = index
        if block.kind == "unknown":
            self._left_out.append(f"content block {block.tool!r}")
            return None
        self._kept += 1
        if block.kind == "call":
            return Delta(place, "call", tool=block.tool, provider_id=block.provider_id)
        return _delta(block, block.texts[0]) if block.texts and block.texts[0] else None

    def _block(self, node: Node) -> _Block:
        index = node.get("index").integer()
        if index != self._open:
            raise node.fail(f"content block {index} is not open")
        return self._blocks[index]

    def _block_stop(self, node: Node) -> Delta | None:
        block = self._block(node)
        self._open = None
        rest = block.joiner.flush()
        block.texts.append(rest)
        return _delta(block, rest) if rest else None

    def _block_delta(self, node: Node) -> Delta | None:
        block = self._block(node)
        delta = node.get("delta")
        kind = delta.get("type").text()
        if block.kind == "unknown" or kind not in _DELTAS:
            return None  # citations, and deltas newer than this codec
        owner, member = _DELTAS[kind]
        if block.kind != owner:
            raise delta.fail(f"{kind} in a block of kind {block.kind}")
        if member == "signature":
            block.signature.append(delta.get(member).text())
            return None
        text = block.joiner.push(delta.get(member).raw_text())
        block.texts.append(text)
        return _delta(block, text) if text else None

    def _message_delta(self, node: Node) -> None:
        if self._started is None:
            raise node.fail("message_delta before message_start")
        stop = node.get("delta").find("stop_reason")
        if stop is not None:
            self._stop = stop
        self._usage = node.get("usage")
        self._counts = read_counts(self._usage, self._counts)
        self._tier = read_tier(self._usage) or self._tier

    def _message_stop(self, node: Node) -> None:
        if self._stop is None:
            raise node.fail("message_stop without a stop reason")
        self._done = True


def _delta(block: _Block, text: str) -> Delta:
    kind: Literal["text", "thinking", "call"] = (
        "text" if block.kind == "text" else "call" if block.kind == "call" else "thinking"
    )
    return Delta(block.place, kind, text)


def _new_block(node: Node, place: int) -> _Block:
    kind = node.get("type").text()
    match kind:
        case "text":
            return _Block("text", place, [node.get("text").text()])
        case "thinking":
            signature = node.find("signature")
            return _Block(
                "thinking",
                place,
                [node.get("thinking").text()],
                [] if signature is None else [signature.text()],
            )
        case "redacted_thinking":
            return _Block("redacted", place, fixed=node.get("data").text())
        case "tool_use":
            arguments = node.get("input")
            arguments.members()
            return _Block(
                "call",
                place,
                fixed=arguments.json(),
                provider_id=node.get("id").text(),
                tool=node.get("name").text(),
            )
        case _:
            return _Block("unknown", place, tool=kind)


def _reported(node: Node) -> ProviderError:
    """The error a provider reports in the middle of a stream."""
    error = node.get("error")
    name = error.get("type").text()
    text = error.find("message")
    return http_error(
        f"{name}: {'' if text is None else text.text()}",
        provider="anthropic",
        kind=kind_of_type(name) or "server",
    )
