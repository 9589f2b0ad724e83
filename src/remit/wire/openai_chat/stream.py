"""OpenAI Chat Completions answers in chunks: encode what we serve, decode what we get."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, assert_never

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawPart, RawText, RawThinking
from remit.values.usage import Usage
from remit.wire import sse
from remit.wire.jsontext import Joiner, Json, Number, array, mend, quote, record
from remit.wire.node import Node
from remit.wire.openai.errors import reported
from remit.wire.openai_chat.answer import (
    head,
    read_arguments,
    read_content,
    read_stop,
    read_thought,
    read_tier,
    read_usage,
    stop_name,
    unread,
    usage_object,
)

DONE = "[DONE]"
_ABOUT = "the provider's stream is malformed: "
_PIECE_CHARS = 24  # a few words a delta, as the real service sends them
# A single answer has a handful of parts; the bound stops a stream that opens calls for ever.
MAX_PARTS = 10_000


# ---------------------------------------------------------------- encode


def encode_stream(answer: ModelAnswer, *, usage: bool = True) -> Iterator[bytes]:
    """The chunks of an answer, one item each; the usage comes in the last of them.

    Without `usage` that one is not sent: clients that do not ask for it do not expect a chunk
    without a choice.
    """
    yield _chunk(answer, {"role": '"assistant"', "content": '""'})
    calls = 0
    for part in answer.parts:
        match part:
            case RawText():
                for piece in _pieces(part.text):
                    yield _chunk(answer, {"content": piece})
            case RawThinking():
                for piece in _pieces(part.text):
                    yield _chunk(answer, {"reasoning_content": piece})
            case RawCall():
                yield from _call_chunks(answer, str(calls), part)
                calls += 1
            case never:
                assert_never(never)
    yield _chunk(answer, {}, stop_name(answer.stop))
    if usage:
        whole = head(answer, "chat.completion.chunk", "", usage_object(answer.usage))
        yield sse.encode(whole)
    yield sse.encode(DONE)


def _chunk(answer: ModelAnswer, delta: dict[str, str], stop: str | None = None) -> bytes:
    choice = {
        "index": "0",
        "delta": record(delta),
        "finish_reason": "null" if stop is None else quote(stop),
    }
    return sse.encode(head(answer, "chat.completion.chunk", record(choice), None))


def _call_chunks(answer: ModelAnswer, index: str, part: RawCall) -> Iterator[bytes]:
    opened = {
        "index": index,
        "id": quote(part.provider_id),
        "type": '"function"',
        "function": record({"name": quote(part.tool), "arguments": '""'}),
    }
    yield _chunk(answer, {"tool_calls": array([record(opened)])})
    for piece in _pieces(part.arguments):
        more = {"index": index, "function": record({"arguments": piece})}
        yield _chunk(answer, {"tool_calls": array([record(more)])})


def _pieces(text: str) -> Iterator[str]:
    whole = mend(text)
    for start in range(0, len(whole), _PIECE_CHARS):
        yield quote(whole[start : start + _PIECE_CHARS])


# ---------------------------------------------------------------- decode


@dataclass(slots=True)
class _Piece:
    """A part that is being received. `place` is its index among the parts."""

    kind: Literal["text", "thinking", "call"]
    place: int
    texts: list[str] = field(default_factory=list)
    provider_id: str = ""
    tool: str = ""
    joiner: Joiner = field(default_factory=Joiner)

    def add(self, text: str) -> Delta | None:
        """Take in what comes next of it."""
        whole = self.joiner.push(text)
        self.texts.append(whole)
        return Delta(self.place, self.kind, whole) if whole else None

    def part(self) -> RawPart:
        text = "".join(self.texts) + self.joiner.flush()
        if self.kind == "text":
            return RawText(text)
        if self.kind == "call":
            return RawCall(self.provider_id, self.tool, text)
        return RawThinking(text)


def _bare_text(chunk: Json, tier: str) -> str | None:
    """The text of a chunk that holds nothing new besides, as most of a stream; None for the rest.

    Such a chunk costs half of what it costs to look for every member there may be.
    """
    if not isinstance(chunk, dict) or "error" in chunk or chunk.get("usage") is not None:
        return None
    if (chunk.get("service_tier") or tier) != tier:
        return None
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    if not isinstance(choice, dict) or choice.get("finish_reason") is not None:
        return None
    index, delta = choice.get("index"), choice.get("delta")
    if not isinstance(index, Number) or index.lexeme != "0" or not isinstance(delta, dict):
        return None
    text = delta.get("content")
    return text if len(delta) == 1 and isinstance(text, str) else None


class Decoder:
    """Reads one streamed answer.

    Its end is `[DONE]`; where a server leaves that out, the stop reason and the usage together
    say that nothing is missing. What is newer than this codec is left out and named.
    """

    def __init__(self, provider: str = "openai-chat") -> None:
        self._provider = provider
        self._sse = sse.Decoder()
        self._pieces: list[_Piece] = []
        self._calls: dict[int, _Piece] = {}
        self._said: dict[str, _Piece] = {}  # text and thinking, by kind
        self._id = self._model = self._tier = ""
        self._stop: Node | None = None
        self._refused = False
        self._usage: Usage | None = None
        self._done = False
        self._left_out: dict[str, None] = {}  # in order, each once

    @property
    def done(self) -> bool:
        """True once the end of the answer has come; bytes after it do not matter."""
        return self._done

    @property
    def begun(self) -> bool:
        """True once something of the answer has come, for which a provider may charge."""
        return bool(self._pieces)

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas in the next bytes. Raises `ProviderError`."""
        deltas: list[Delta] = []
        for event in self._sse.feed(chunk):
            if self._done:
                break
            if event.data.strip() == DONE:
                self._done = True
                deltas.extend(self._rests())
            else:
                node = Node.of(event.data, kind="malformed", about=_ABOUT)
                text = _bare_text(node.value, self._tier) if self._model else None
                deltas.extend(self._chunk(node) if text is None else self._say("text", text))
        return deltas

    def finish(self) -> ModelAnswer:
        """The whole answer. Raises `ProviderError` (`stream_broken`) if its end has not come."""
        if self._stop is None or (self._usage is None and not self._done):
            raise ProviderError(
                "the stream broke off before the end of the answer", kind="stream_broken"
            )
        if self._usage is None:
            raise self._stop.fail(
                "the stream ended without usage; without token counts the call cannot be paid"
            )
        parts = [piece.part() for piece in self._pieces]
        left_out = list(self._left_out)
        return ModelAnswer(
            parts=tuple(parts),
            stop=read_stop(self._stop, parts, left_out, refused=self._refused),
            usage=self._usage,
            model=self._model,
            provider_id=self._id,
            service_tier=self._tier,
            left_out=tuple(left_out),
        )

    def _rests(self) -> Iterator[Delta]:
        """Halves of characters that nothing completed."""
        for piece in self._pieces:
            rest = piece.joiner.flush()
            if rest:
                piece.texts.append(rest)
                yield Delta(piece.place, piece.kind, rest)

    def _chunk(self, node: Node) -> Iterator[Delta]:
        error = node.find("error")
        if error is not None:
            raise reported(error, self._provider)
        self._about(node)
        for choice in node.get("choices").items():
            if choice.count("index"):
                self._left_out[f"choice {choice.count('index')}"] = None
                continue
            delta = choice.find("delta")
            if delta is not None:
                yield from self._delta(delta)
            self._stop = choice.find("finish_reason") or self._stop

    def _about(self, node: Node) -> None:
        """Names and counts; Azure's first chunk has empty names, some servers count in each."""
        name, model = node.find("id"), node.find("model")
        if name is not None:
            self._id = self._id or name.text()
        if model is not None:
            self._model = self._model or model.text()
        self._tier = read_tier(node) or self._tier
        usage = node.find("usage")
        if usage is not None:
            self._usage = read_usage(usage, node)

    def _delta(self, delta: Node) -> Iterator[Delta]:
        unknown: list[str] = []
        yield from self._say("thinking", read_thought(delta))
        content, refusal = delta.find("content"), delta.find("refusal")
        if content is not None:
            yield from self._say("text", read_content(content, unknown))
        if refusal is not None:
            self._refused = self._refused or bool(refusal.raw_text())
            yield from self._say("text", refusal.raw_text())
        calls = delta.find("tool_calls")
        for call in () if calls is None else calls.items():
            yield from self._call(call)
        unknown.extend(unread(delta))
        self._left_out.update(dict.fromkeys(unknown))

    def _say(self, kind: Literal["text", "thinking"], text: str) -> Iterator[Delta]:
        if not text:
            return
        piece = self._said.get(kind)
        if piece is None:
            piece = self._said[kind] = self._new(kind)
        delta = piece.add(text)
        if delta is not None:
            yield delta

    def _new(self, kind: Literal["text", "thinking", "call"]) -> _Piece:
        if len(self._pieces) >= MAX_PARTS:
            raise ProviderError(f"{_ABOUT}more than {MAX_PARTS} parts", kind="malformed")
        piece = _Piece(kind, len(self._pieces))
        self._pieces.append(piece)
        return piece

    def _call(self, node: Node) -> Iterator[Delta]:
        kind = node.find("type")
        if kind is not None and kind.text() not in {"", "function"}:
            self._left_out[f"tool call {kind.text()!r}"] = None
            return
        call, function = node.find("id"), node.find("function")
        provider_id = "" if call is None else call.text()
        piece = self._calls.get(node.count("index"))
        # Some servers give every call the index 0, or none, and tell them apart by their ids.
        if piece is None or (provider_id and piece.provider_id not in {"", provider_id}):
            if function is None or function.find("name") is None:
                raise node.fail("a tool call without a name")
            piece = self._calls[node.count("index")] = self._new("call")
            piece.provider_id, piece.tool = provider_id, function.get("name").text()
            yield Delta(piece.place, "call", tool=piece.tool, provider_id=provider_id)
        if function is not None:
            delta = piece.add(read_arguments(function))
            if delta is not None:
                yield delta
