"""Anthropic Messages answers in one piece: encode what we serve, decode what we get."""

from typing import assert_never

from remit.values.model import (
    ModelAnswer,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.values.usage import Usage
from remit.wire.anthropic.request import embedded
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node

ABOUT = "the provider's answer is malformed: "

_STOPS: dict[StopReason, str] = {
    "end": "end_turn",
    "tools": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "refusal",
    "pause": "pause_turn",
}
_STOP_NAMES: dict[str, StopReason] = {name: stop for stop, name in _STOPS.items()} | {
    # The window is full: cut, like an output limit.
    "model_context_window_exceeded": "max_tokens"
}

Counts = dict[str, int]


# ---------------------------------------------------------------- encode


def encode_answer(answer: ModelAnswer) -> bytes:
    """The body of a complete answer."""
    content = [block(part) for part in answer.parts]
    return message(answer, content, stop_name(answer.stop), answer.usage.output).encode()


def message(answer: ModelAnswer, content: list[str], stop: str | None, output: int) -> str:
    """The message object, as answered whole and (empty) at the start of a stream."""
    return record(
        {
            "id": quote(answer.provider_id),
            "type": '"message"',
            "role": '"assistant"',
            "model": quote(answer.model),
            "content": array(content),
            "stop_reason": "null" if stop is None else quote(stop),
            "stop_sequence": "null",
            "usage": usage_object(answer.usage, output, answer.service_tier),
        }
    )


def stop_name(stop: StopReason) -> str:
    """The protocol's word for a stop reason."""
    return _STOPS[stop]


def block(part: RawPart) -> str:
    """A content block as answered whole."""
    match part:
        case RawText():
            return record({"type": '"text"', "text": quote(part.text)})
        case RawThinking(redacted=redacted) if redacted:
            return record({"type": '"redacted_thinking"', "data": quote(redacted)})
        case RawThinking():
            return record(
                {
                    "type": '"thinking"',
                    "thinking": quote(part.text),
                    "signature": quote(part.signature),
                }
            )
        case RawCall():
            return record(
                {
                    "type": '"tool_use"',
                    "id": quote(part.provider_id),
                    "name": quote(part.tool),
                    "input": embedded(part.arguments),
                }
            )
        case never:
            assert_never(never)


def usage_object(usage: Usage, output: int, tier: str = "") -> str:
    """The usage object; the protocol's input count leaves cached tokens out."""
    plain = max(0, usage.input - usage.cache_read - usage.cache_write)
    members = {
        "input_tokens": str(plain),
        "cache_creation_input_tokens": str(usage.cache_write),
        "cache_read_input_tokens": str(usage.cache_read),
        "cache_creation": record(
            {
                "ephemeral_5m_input_tokens": str(max(0, usage.cache_write - usage.cache_write_1h)),
                "ephemeral_1h_input_tokens": str(usage.cache_write_1h),
            }
        ),
        "output_tokens": str(output),
    }
    if usage.reasoning:
        members["output_tokens_details"] = record({"thinking_tokens": str(usage.reasoning)})
    if tier:
        members["service_tier"] = quote(tier)
    return record(members)


# ---------------------------------------------------------------- decode


def decode_answer(body: bytes) -> ModelAnswer:
    """A complete answer. Raises `ProviderError` (`malformed`)."""
    root = Node.of(body, kind="malformed", about=ABOUT)
    if root.get("type").text() != "message":
        raise root.get("type").fail("Input should be 'message'")
    parts: list[RawPart] = []
    left_out: list[str] = []
    for node in root.get("content").items():
        part = _part(node)
        if part is None:
            left_out.append(f"content block {node.get('type').text()!r}")
        else:
            parts.append(part)
    stop = read_stop(root.get("stop_reason"), parts, left_out)
    return ModelAnswer(
        parts=tuple(parts),
        stop=stop,
        usage=make_usage(read_counts(root.get("usage"), {}), root.get("usage")),
        model=root.get("model").text(),
        provider_id=root.get("id").text(),
        service_tier=read_tier(root.get("usage")),
        left_out=tuple(left_out),
    )


def _part(node: Node) -> RawPart | None:
    match node.get("type").text():
        case "text":
            return RawText(node.get("text").text())
        case "thinking":
            return RawThinking(node.get("thinking").text(), node.get("signature").text())
        case "redacted_thinking":
            return RawThinking("", redacted=node.get("data").text())
        case "tool_use":
            arguments = node.get("input")
            arguments.members()
            return RawCall(node.get("id").text(), node.get("name").text(), arguments.json())
        case _:
            # The versioning policy lets new kinds appear; the answer is good without them.
            return None


def read_stop(node: Node, parts: list[RawPart], left_out: list[str]) -> StopReason:
    """The stop reason. One newer than this codec is named, and taken for what the parts say."""
    name = node.text()
    known = _STOP_NAMES.get(name)
    if known is not None:
        return known
    left_out.append(f"stop reason {name!r}")
    return "tools" if any(isinstance(part, RawCall) for part in parts) else "end"


def read_tier(node: Node) -> str:
    """How the call was served, as a usage object says it."""
    found = node.find("service_tier")
    return "" if found is None else found.text()


def read_counts(node: Node, known: Counts) -> Counts:
    """Counts of a usage object over those known before: each is a running total, if there."""
    counts = dict(known)
    for name in (
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    ):
        found = node.find(name)
        if found is not None:
            counts[name] = found.integer()
    written = node.find("cache_creation")
    if written is not None:
        counts["cache_write_1h"] = written.count("ephemeral_1h_input_tokens")
    details = node.find("output_tokens_details")
    if details is not None:
        counts["thinking_tokens"] = details.count("thinking_tokens")
    return counts


def make_usage(counts: Counts, node: Node) -> Usage:
    """Usage in our meaning: input with cached tokens. A missing count would be unpaid: refused."""
    for name in ("input_tokens", "output_tokens"):
        if name not in counts:
            raise node.fail(f"{name} is missing")
    read = counts.get("cache_read_input_tokens", 0)
    written = counts.get("cache_creation_input_tokens", 0)
    output = counts["output_tokens"]
    return Usage(
        input=counts["input_tokens"] + read + written,
        output=output,
        cache_read=read,
        cache_write=written,
        cache_write_1h=min(counts.get("cache_write_1h", 0), written),
        reasoning=min(counts.get("thinking_tokens", 0), output),
    )
