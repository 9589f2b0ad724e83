"""OpenAI Responses answers as a stream of events: encode what we serve, decode what we get."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from remit.errors import ProviderError
from remit.values.model import Delta, ModelAnswer, RawCall, RawPart, RawText, RawThinking
from remit.wire import sse
from remit.wire.jsontext import Joiner, Json, mend, quote, record
from remit.wire.node import Node
from remit.wire.openai.errors import reported
from remit.wire.openai_responses.answer import (
    Members,
    call_item,
    items,
    message_item,
    read_response,
    reasoning_text,
    response,
    status_of,
    summary_text,
    text_content,
)

_ABOUT = "the provider's stream is malformed: "
_PIECE_CHARS = 24  # a few words a delta, as the real service sends them
# A single answer has a handful of parts; the bound stops a stream that opens them for ever.
MAX_PARTS = 10_000


# ---------------------------------------------------------------- encode


def encode_stream(answer: ModelAnswer) -> Iterator[bytes]:
    """The events of an answer, one item each, numbered in their order."""
    for number, (kind, members) in enumerate(_events(answer)):
        numbered = {"type": quote(kind), "sequence_number": str(number)} | members
        yield sse.encode(record(numbered), kind)


Event = tuple[str, Members]


def _events(answer: ModelAnswer) -> Iterator[Event]:
    begun = record(response(answer, None))
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    output: list[str] = []
    first = 0
    for index, (parts, item) in enumerate(items(answer.parts)):
        whole = record(item)
        where = {"output_index": str(index)}
        begin, inner = _inside(first, parts, item)
        yield "response.output_item.added", where | {"item": record(begin)}
        for kind, members in inner:
            yield kind, where | {"item_id": item["id"]} | members
        yield "response.output_item.done", where | {"item": whole}
        output.append(whole)
        first += len(parts)
    done = record(response(answer, output))
    yield f"response.{status_of(answer)}", {"response": done}


def _inside(
    number: int, parts: Sequence[RawPart], item: Members
) -> tuple[Members, Iterator[Event]]:
    """An item as it begins, and the events between its begin and its end."""
    part = parts[0]
    if isinstance(part, RawText):
        return message_item(number, []), _text_events(part.text)
    if isinstance(part, RawCall):
        return call_item(number, part, ""), _call_events(part.arguments)
    begin = {"type": item["type"], "id": item["id"], "summary": "[]"}
    thoughts = [each.text for each in parts if isinstance(each, RawThinking)]
    if "content" in item:
        return begin, _reasoning_events(thoughts)
    return begin, _summary_events([text for text in thoughts if text])


def _text_events(text: str) -> Iterator[Event]:
    where = {"content_index": "0"}
    yield "response.content_part.added", where | {"part": text_content("")}
    for piece in _pieces(text):
        yield "response.output_text.delta", where | {"delta": piece, "logprobs": "[]"}
    yield "response.output_text.done", where | {"text": quote(text), "logprobs": "[]"}
    yield "response.content_part.done", where | {"part": text_content(text)}


def _call_events(arguments: str) -> Iterator[Event]:
    for piece in _pieces(arguments):
        yield "response.function_call_arguments.delta", {"delta": piece}
    yield "response.function_call_arguments.done", {"arguments": quote(arguments)}


def _summary_events(texts: Sequence[str]) -> Iterator[Event]:
    for index, text in enumerate(texts):
        where = {"summary_index": str(index)}
        yield "response.reasoning_summary_part.added", where | {"part": summary_text("")}
        for piece in _pieces(text):
            yield "response.reasoning_summary_text.delta", where | {"delta": piece}
        yield "response.reasoning_summary_text.done", where | {"text": quote(text)}
        yield "response.reasoning_summary_part.done", where | {"part": summary_text(text)}


def _reasoning_events(texts: Sequence[str]) -> Iterator[Event]:
    for index, text in enumerate(texts):
        where = {"content_index": str(index)}
        yield "response.content_part.added", where | {"part": reasoning_text("")}
        for piece in _pieces(text):
            yield "response.reasoning_text.delta", where | {"delta": piece}
        yield "response.reasoning_text.done", where | {"text": quote(text)}
        yield "response.content_part.done", where | {"part": reasoning_text(text)}


def _pieces(text: str) -> Iterator[str]:
    whole = mend(text)
    for start in range(0, len(whole), _PIECE_CHARS):
        yield quote(whole[start : start + _PIECE_CHARS])


# ---------------------------------------------------------------- decode

_Kind = Literal["text", "thinking", "call"]
# What each kind of delta belongs to, and which member counts the parts of its item.
_DELTAS: dict[str, tuple[_Kind, str]] = {
    "response.output_text.delta": ("text", "content_index"),
    "response.refusal.delta": ("text", "content_index"),
    "response.reasoning_summary_text.delta": ("thinking", "summary_index"),
    "response.reasoning_text.delta": ("thinking", "content_index"),
    "response.function_call_arguments.delta": ("call", ""),
}
# What each kind of content becomes.
_PARTS: dict[str, _Kind] = {
    "output_text": "text",
    "refusal": "text",
    "reasoning_text": "thinking",
}
_ENDS = ("response.completed", "response.incomplete", "response.failed")


@dataclass(slots=True)
class _Place:
    """A part that is being received, by its index among the parts."""

    index: int
    kind: _Kind
    joiner: Joiner = field(default_factory=Joiner)


class Decoder:
    """Reads one streamed answer.

    Deltas are for those who watch. The answer is made of the items as they were when they were
    done: only then is their encrypted reasoning complete. Newer events are passed over.
    """

    def __init__(self, provider: str = "openai") -> None:
        self._provider = provider
        self._sse = sse.Decoder()
        self._places: dict[tuple[int, int], _Place] = {}
        self._items: dict[int, Node] = {}
        self._end: Node | None = None
        self._last: tuple[tuple[Json, Json], _Place] | None = None

    @property
    def done(self) -> bool:
        """True once the end of the answer has come; bytes after it do not matter."""
        return self._end is not None

    @property
    def begun(self) -> bool:
        """True once something of the answer has come, for which a provider may charge."""
        return bool(self._places or self._items)

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas in the next bytes. Raises `ProviderError`."""
        deltas: list[Delta] = []
        for event in self._sse.feed(chunk):
            if self.done:
                break
            node = Node.of(event.data, kind="malformed", about=_ABOUT)
            deltas.extend(self._event(node))
        return deltas

    def finish(self) -> ModelAnswer:
        """The whole answer. Raises `ProviderError` (`stream_broken`) if its end has not come."""
        if self._end is None:
            raise ProviderError(
                "the stream broke off before the end of the answer", kind="stream_broken"
            )
        # Where no item was told one by one, the last event holds them.
        output = [self._items[index] for index in sorted(self._items)]
        whole = output or list(self._end.get("output").items())
        return read_response(self._end, whole, self._provider)

    def _event(self, node: Node) -> Iterator[Delta]:
        kind = node.get("type").text()
        if kind in _DELTAS:
            yield from self._delta(node, *_DELTAS[kind])
        elif kind == "response.output_item.added":
            yield from self._added(node)
        elif kind == "response.content_part.added":
            self._part_added(node)
        elif kind == "response.output_item.done":
            yield from self._item_done(node)
        elif kind in _ENDS:
            self._end = node.get("response")
        elif kind == "error":
            raise reported(node.find("error") or node, self._provider)

    def _added(self, node: Node) -> Iterator[Delta]:
        """A call is told at once, and reasoning has its place even if none of it is shown."""
        index, item = node.get("output_index").integer(), node.get("item")
        match item.get("type").text():
            case "function_call":
                place = self._place(index, 0, "call")
                tool, call = item.get("name").text(), item.get("call_id").text()
                yield Delta(place.index, "call", tool=tool, provider_id=call)
            case "reasoning":
                self._place(index, 0, "thinking")
            case _:
                pass  # a message has places for its parts; of others nothing is told

    def _part_added(self, node: Node) -> None:
        """The place of a text that may stay empty. Other kinds of parts become no part of ours."""
        kind = _PARTS.get(node.get("part").get("type").text())
        if kind is not None:
            index = node.get("output_index").integer()
            self._place(index, node.get("content_index").integer(), kind)

    def _delta(self, node: Node, kind: _Kind, counter: str) -> Iterator[Delta]:
        members = node.members()
        where = (members.get("output_index"), members.get(counter))
        # Most deltas belong where the last one did, so its numbers need not be read again.
        if self._last is None or where != self._last[0]:
            inner = node.get(counter).integer() if counter else 0
            place = self._place(node.get("output_index").integer(), inner, kind)
            self._last = (where, place)
        place = self._last[1]
        text = place.joiner.push(node.get("delta").raw_text())
        if text:
            yield Delta(place.index, place.kind, text)

    def _place(self, index: int, inner: int, kind: _Kind) -> _Place:
        found = self._places.get((index, inner))
        if found is None:
            if len(self._places) >= MAX_PARTS:
                raise ProviderError(f"{_ABOUT}more than {MAX_PARTS} parts", kind="malformed")
            found = self._places[index, inner] = _Place(len(self._places), kind)
        return found

    def _item_done(self, node: Node) -> Iterator[Delta]:
        index = node.get("output_index").integer()
        if len(self._items) >= MAX_PARTS:
            raise node.fail(f"more than {MAX_PARTS} items")
        self._items[index] = node.get("item")
        for (item, _), place in self._places.items():
            rest = place.joiner.flush() if item == index else ""
            if rest:
                yield Delta(place.index, place.kind, rest)
