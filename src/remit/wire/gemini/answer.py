"""Gemini generateContent answers in one piece: encode what we serve, decode what we get."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, assert_never

from remit.errors import ProviderError
from remit.values.model import (
    Delta,
    FailureKind,
    ModelAnswer,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.values.usage import Usage
from remit.wire.failure import excerpt
from remit.wire.gemini.errors import reported
from remit.wire.gemini.request import Block, embedded
from remit.wire.gemini.request_decode import content_name, text_of
from remit.wire.jsontext import Json, array, quote, record
from remit.wire.node import Node

ABOUT = "the provider's answer is malformed: "
# A single answer has a handful of parts; the bound stops a stream that opens them for ever.
MAX_PARTS = 10_000

# Calls have no stop reason of their own, nor have stop texts and pauses.
_STOPS: dict[StopReason, str] = {
    "end": "STOP",
    "tools": "STOP",
    "max_tokens": "MAX_TOKENS",
    "stop_sequence": "STOP",
    "refusal": "SAFETY",
    "pause": "STOP",
}
_STOP_NAMES: dict[str, StopReason] = {
    "MAX_TOKENS": "max_tokens",
    "CONTINUATION": "max_tokens",  # the limit of one request is reached, the answer is not done
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "LANGUAGE": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "MODEL_ARMOR": "refusal",
    "ESCALATION": "refusal",
    "PUP_LIMITED_DISABLED": "refusal",
    "IMAGE_SAFETY": "refusal",
    "IMAGE_PROHIBITED_CONTENT": "refusal",
    "IMAGE_RECITATION": "refusal",
}
# The model wrote what the API could not read and does not hand out: no answer, and in most cases
# another try may bring one.
_BROKEN: dict[str, FailureKind] = {
    "MALFORMED_FUNCTION_CALL": "malformed",
    "MALFORMED_RESPONSE": "malformed",
    "MISSING_THOUGHT_SIGNATURE": "bad_request",
    "TOO_MANY_TOOL_CALLS": "malformed",
    "UNEXPECTED_TOOL_CALL": "malformed",
}
_COUNTS = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "totalTokenCount",
)


# ---------------------------------------------------------------- encode


def encode_answer(answer: ModelAnswer) -> bytes:
    """The body of a complete answer."""
    blocks = [block_of(members, text) for members, text in spoken(answer.parts)]
    return response(answer, blocks, answer.stop).encode()


def spoken(parts: Iterable[RawPart]) -> Iterator[tuple[Block, str | None]]:
    """The members of each part on the wire, and its text if it has one.

    A bare signature is put on the part that follows it, if that is a text or a call.
    """
    signature = ""
    for part in parts:
        signed = {"thoughtSignature": quote(signature)} if signature else {}
        if signed and not (isinstance(part, RawCall) or (isinstance(part, RawText) and part.text)):
            yield signed, ""
            signed = {}
        signature = ""
        match part:
            case RawText():
                if part.text:
                    yield signed, part.text
            case RawCall():
                yield {"functionCall": _call(part)} | signed, None
            case RawThinking(redacted=redacted) if redacted:
                signature = redacted
            case RawThinking(text=text, signature=own):
                if text or own:
                    proof = {"thoughtSignature": quote(own)} if own else {}
                    yield {"thought": "true"} | proof, text
            case never:
                assert_never(never)
    if signature:
        yield {"thoughtSignature": quote(signature)}, ""


def block_of(members: Block, text: str | None) -> Block:
    """A part as it goes over the wire."""
    return members if text is None else {"text": quote(text)} | members


def _call(part: RawCall) -> str:
    named = {"name": quote(part.tool), "args": embedded(part.arguments)}
    return record({"id": quote(part.provider_id)} | named if part.provider_id else named)


def response(answer: ModelAnswer, blocks: list[Block], stop: StopReason | None) -> str:
    """The response object: the whole answer, or a piece of a stream, which ends with `stop`."""
    content = record({"parts": array(map(record, blocks)), "role": '"model"'})
    candidate = {"content": content}
    if stop is not None:
        candidate["finishReason"] = quote(_STOPS[stop])
    return record(
        {
            "candidates": array([record(candidate | {"index": "0"})]),
            "usageMetadata": usage_object(
                answer.usage, answer.service_tier, whole=stop is not None
            ),
            "modelVersion": quote(answer.model),
            "responseId": quote(answer.provider_id),
        }
    )


def usage_object(usage: Usage, tier: str, *, whole: bool) -> str:
    """The usage object: what was written so far is not told before the end."""
    members = {"promptTokenCount": usage.input}
    if usage.cache_read:
        members["cachedContentTokenCount"] = usage.cache_read
    if whole:
        members["candidatesTokenCount"] = usage.output - usage.reasoning
    if whole and usage.reasoning:
        members["thoughtsTokenCount"] = usage.reasoning
    members["totalTokenCount"] = usage.input + (usage.output if whole else 0)
    counted = {name: str(count) for name, count in members.items()}
    return record(counted | {"trafficType": quote(tier)} if tier else counted)


# ---------------------------------------------------------------- decode


def decode_answer(body: bytes) -> ModelAnswer:
    """A complete answer. Raises `ProviderError` (`malformed`)."""
    pieces = Pieces()
    root = Node.of(body, kind="malformed", about=ABOUT)
    pieces.add(root)
    if not pieces.ended:
        raise root.fail("no candidate with a finishReason, and no promptFeedback")
    return pieces.answer()


class Pieces:
    """An answer that is put together of response objects, one or many.

    Text and thoughts without a signature grow; what is signed stands alone, and the signature of
    a call or text becomes a `RawThinking` before it, `redacted`.
    """

    def __init__(self) -> None:
        self._parts: list[RawPart] = []
        self._texts: list[str] = []  # of the part that grows, which is the last one
        self._grows: Literal["text", "thinking", ""] = ""
        self._left_out: list[str] = []
        self._stop = ""
        self._blocked = False
        self._counts: dict[str, Json] = {}
        self._model = ""
        self._id = ""

    @property
    def ended(self) -> bool:
        """True once the answer says why it ended."""
        return bool(self._stop) or self._blocked

    @property
    def begun(self) -> bool:
        """True once it has a part."""
        return bool(self._parts)

    def add(self, node: Node) -> list[Delta]:
        """The deltas in the next response object. Raises `ProviderError`."""
        members = node.members()  # looked at by name: a stream has hundreds of these
        if members.get("error") is not None:
            raise reported(node.get("error"))
        self._model = self._model or text_of(node, "modelVersion")
        self._id = self._id or text_of(node, "responseId")
        if members.get("usageMetadata") is not None:
            # Each count is a running total, and a zero is left out.
            self._counts |= node.get("usageMetadata").members()
        if members.get("promptFeedback") is not None:
            self._blocked |= bool(text_of(node.get("promptFeedback"), "blockReason"))
        if members.get("candidates") is None:
            return []
        return [
            delta
            for candidate in node.get("candidates").items()
            for delta in self._candidate(candidate)
        ]

    def answer(self) -> ModelAnswer:
        """What was put together. Raises `ProviderError` (`malformed`) without usage."""
        self._settle()
        counts = Node(self._counts, "malformed", f"{ABOUT}usageMetadata: ")
        return ModelAnswer(
            parts=tuple(self._parts),
            stop="refusal" if self._blocked else self._reason(),
            usage=self._usage({name: counts.count(name) for name in _COUNTS}),
            model=self._model,
            provider_id=self._id,
            service_tier=text_of(counts, "trafficType"),
            left_out=tuple(self._left_out),
        )

    def _candidate(self, node: Node) -> Iterator[Delta]:
        index = node.count("index")
        if index:
            self._leave_out(f"candidate {index}")  # we never ask for a second one
            return
        content = node.find("content")
        parts = None if content is None else content.find("parts")
        for part in () if parts is None else parts.items():
            yield from self._part(part)
        reason = text_of(node, "finishReason")
        if reason in _BROKEN:
            raise ProviderError(
                f"the model's answer was of no use to the provider: {reason}: "
                f"{excerpt(text_of(node, 'finishMessage')) or 'no reason given'}",
                kind=_BROKEN[reason],
            )
        if reason != "FINISH_REASON_UNSPECIFIED":
            self._stop = reason or self._stop

    def _part(self, node: Node) -> Iterator[Delta]:
        if len(self._parts) >= MAX_PARTS:
            raise node.fail(f"more than {MAX_PARTS} parts")
        signature = text_of(node, "thoughtSignature")
        thought = node.find("thought")
        match content_name(node):
            case "text":
                text = node.get("text").text()
                if thought is not None and thought.boolean():
                    yield from self._thought(text, signature)
                else:
                    yield from self._text(text, signature)
            case "functionCall":
                yield from self._call(node.get("functionCall"), signature)
            case "":
                self._sign(signature)
            case newer:
                self._leave_out(f"part {newer!r}")

    def _text(self, text: str, signature: str) -> Iterator[Delta]:
        if signature:
            self._sign(signature)
        if text:
            yield self._grow("text", text)
        if signature:
            self._settle()

    def _thought(self, text: str, signature: str) -> Iterator[Delta]:
        if signature:
            self._append(RawThinking(text, signature))
            if text:
                yield Delta(len(self._parts) - 1, "thinking", text)
        elif text:
            yield self._grow("thinking", text)

    def _call(self, node: Node, signature: str) -> Iterator[Delta]:
        name, given = node.get("name").text(), text_of(node, "id")
        if {"partialArgs", "willContinue"} & node.members().keys():
            # Only comes where it was asked for, which we never do.
            self._leave_out("functionCall in pieces")
            return
        arguments = node.find("args")
        if arguments is not None:
            arguments.members()
        text = "{}" if arguments is None else arguments.json()
        self._sign(signature)
        self._append(RawCall(given, name, text))
        place = len(self._parts) - 1
        yield Delta(place, "call", tool=name, provider_id=given)
        yield Delta(place, "call", text)

    def _sign(self, signature: str) -> None:
        """A signature that stands on what follows, or alone."""
        if signature:
            self._append(RawThinking("", redacted=signature))

    def _grow(self, kind: Literal["text", "thinking"], text: str) -> Delta:
        if self._grows != kind:
            self._append(RawText("") if kind == "text" else RawThinking(""))
            self._grows = kind
        self._texts.append(text)
        return Delta(len(self._parts) - 1, kind, text)

    def _append(self, part: RawPart) -> None:
        self._settle()
        self._parts.append(part)

    def _settle(self) -> None:
        """The part that grows is done."""
        if self._grows:
            text = "".join(self._texts)
            self._parts[-1] = RawText(text) if self._grows == "text" else RawThinking(text)
        self._texts.clear()
        self._grows = ""

    def _leave_out(self, what: str) -> None:
        if what not in self._left_out:
            self._left_out.append(what)

    def _reason(self) -> StopReason:
        known = _STOP_NAMES.get(self._stop)
        if known is not None:
            return known
        if self._stop != "STOP":
            if not self._parts:
                raise ProviderError(
                    f"{ABOUT}no content, and finishReason {self._stop!r}", kind="malformed"
                )
            self._leave_out(f"stop reason {self._stop!r}")
        return "tools" if any(isinstance(part, RawCall) for part in self._parts) else "end"

    def _usage(self, count: Mapping[str, int]) -> Usage:
        # A missing count would be unpaid: refused. Only a blocked prompt may have none.
        if self._counts.get("promptTokenCount") is None and not self._blocked:
            raise ProviderError(
                f"{ABOUT}usageMetadata: promptTokenCount is missing", kind="malformed"
            )
        read = count["promptTokenCount"] + count["toolUsePromptTokenCount"]
        written = count["candidatesTokenCount"] + count["thoughtsTokenCount"]
        # What the total has beyond the counts we know was billed, too.
        output = max(written, count["totalTokenCount"] - read)
        told = self._counts.keys() & {"candidatesTokenCount", "thoughtsTokenCount"}
        if self._parts and not (output or told or self._blocked):
            # What was written is only told at the end, and that object had no counts.
            raise ProviderError(
                f"{ABOUT}usageMetadata: candidatesTokenCount is missing", kind="malformed"
            )
        return Usage(
            input=read,
            output=output,
            cache_read=min(count["cachedContentTokenCount"], read),
            reasoning=count["thoughtsTokenCount"],
        )
