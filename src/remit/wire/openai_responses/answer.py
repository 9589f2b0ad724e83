"""OpenAI Responses answers in one piece: encode what we serve, decode what we get."""

from collections.abc import Iterator, Sequence

from remit.errors import ProviderError
from remit.values.model import (
    ModelAnswer,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.values.usage import Usage
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node
from remit.wire.openai.errors import reported

ABOUT = "the provider's answer is malformed: "

# Why an answer is not complete; everything else is an end in good order.
_INCOMPLETE: dict[StopReason, str] = {
    "max_tokens": "max_output_tokens",
    "refusal": "content_filter",
}
_INCOMPLETE_NAMES: dict[str, StopReason] = {name: stop for stop, name in _INCOMPLETE.items()}

Members = dict[str, str]


# ---------------------------------------------------------------- encode


def encode_answer(answer: ModelAnswer) -> bytes:
    """The body of a complete answer."""
    output = [record(item) for _, item in items(answer.parts)]
    return record(response(answer, output)).encode()


def response(answer: ModelAnswer, output: Sequence[str] | None) -> Members:
    """The response object, whole or (without output) as it stands at the start of a stream."""
    done = output is not None
    reason = _INCOMPLETE.get(answer.stop) if done else None
    members = {
        "id": quote(answer.provider_id),
        "object": '"response"',
        "created_at": "0",  # the codec has no clock, and nobody here reads it
        "status": quote(status_of(answer) if done else "in_progress"),
        "error": "null",
        "incomplete_details": "null" if reason is None else record({"reason": quote(reason)}),
        "instructions": "null",
        "metadata": "{}",
        "model": quote(answer.model),
        "output": array(output or ()),
        "parallel_tool_calls": "true",
        "temperature": "null",
        "tool_choice": '"auto"',
        "tools": "[]",
        "top_p": "null",
        "usage": usage_object(answer.usage) if done else "null",
    }
    if answer.service_tier:
        members["service_tier"] = quote(answer.service_tier)
    return members


def status_of(answer: ModelAnswer) -> str:
    """The protocol's word for how an answer ended."""
    return "incomplete" if answer.stop in _INCOMPLETE else "completed"


def items(parts: Sequence[RawPart]) -> Iterator[tuple[list[RawPart], Members]]:
    """The output items of an answer, each with the parts it holds.

    Every text is a message, as it stood in the answer; reasoning of one id is one item.
    """
    number = 0
    while number < len(parts):
        part = parts[number]
        held = [part]
        if isinstance(part, RawText):
            made = message_item(number, [text_content(part.text)])
        elif isinstance(part, RawCall):
            made = call_item(number, part, part.arguments)
        else:
            thoughts = [part, *_same(parts[number + 1 :], part.item)]
            made = reasoning_item(number, thoughts)
            held = list(thoughts)
        yield held, made
        number += len(held)


def _same(parts: Sequence[RawPart], item: str) -> Iterator[RawThinking]:
    """The neighbours that belong to the same item."""
    for part in parts:
        if not isinstance(part, RawThinking) or not item or part.item != item:
            return
        yield part


def message_item(number: int, content: Sequence[str]) -> Members:
    """A message with its content."""
    return {
        "type": '"message"',
        "id": quote(f"msg_{number}"),
        "role": '"assistant"',
        "status": '"completed"',
        "content": array(content),
    }


def text_content(text: str) -> str:
    """A text as content of a message."""
    return record({"type": '"output_text"', "text": quote(text), "annotations": "[]"})


def call_item(number: int, part: RawCall, arguments: str) -> Members:
    """A tool call; its arguments are empty where it begins in a stream."""
    return {
        "type": '"function_call"',
        "id": quote(f"fc_{number}"),
        "call_id": quote(part.provider_id),
        "name": quote(part.tool),
        "arguments": quote(arguments),
        "status": '"completed"',
    }


def reasoning_item(number: int, parts: Sequence[RawThinking]) -> Members:
    """Reasoning of one id. Other protocols' signatures travel as the encrypted form."""
    encrypted = "".join(part.redacted or part.signature for part in parts)
    item = parts[0].item
    made = {"type": '"reasoning"', "id": quote(item or f"rs_{number}")}
    if item and not encrypted:
        content = array(reasoning_text(part.text) for part in parts)
        return made | {"summary": "[]", "content": content}
    texts = [part.text for part in parts if part.text]
    made["summary"] = array(summary_text(text) for text in texts)
    return made | {"encrypted_content": quote(encrypted)} if encrypted else made


def summary_text(text: str) -> str:
    """A text of a reasoning item's summary."""
    return record({"type": '"summary_text"', "text": quote(text)})


def reasoning_text(text: str) -> str:
    """A text of reasoning that is not encrypted."""
    return record({"type": '"reasoning_text"', "text": quote(text)})


def usage_object(usage: Usage) -> str:
    """The usage object; the protocol's input count holds cached tokens as ours does."""
    kept = {
        "ttl_12h_tokens": str(usage.cache_write_1h),
        "ttl_30m_tokens": str(max(0, usage.cache_write - usage.cache_write_1h)),
    }
    read = {
        "cached_tokens": str(usage.cache_read),
        "cache_write_tokens": str(usage.cache_write),
        "cache_write_tokens_details": record(kept),
    }
    return record(
        {
            "input_tokens": str(usage.input),
            "input_tokens_details": record(read),
            "output_tokens": str(usage.output),
            "output_tokens_details": record({"reasoning_tokens": str(usage.reasoning)}),
            "total_tokens": str(usage.total),
        }
    )


# ---------------------------------------------------------------- decode


def decode_answer(body: bytes, provider: str = "openai") -> ModelAnswer:
    """A complete answer. Raises `ProviderError` (`malformed`, or what the answer reports)."""
    root = Node.of(body, kind="malformed", about=ABOUT)
    return read_response(root, list(root.get("output").items()), provider)


def read_response(root: Node, output: Sequence[Node], provider: str) -> ModelAnswer:
    """The answer of a response object and its output items."""
    error = root.find("error")
    if error is not None:
        raise _failed(reported(error, provider), root.find("usage"))
    parts: list[RawPart] = []
    left_out: list[str] = []
    for item in output:
        parts.extend(read_item(item, left_out))
    refused = any(_refuses(item) for item in output)
    tier = root.find("service_tier")
    return ModelAnswer(
        parts=tuple(parts),
        stop=_read_stop(root, parts, left_out, refused=refused),
        usage=_read_usage(root.find("usage"), root),
        model=root.get("model").text(),
        provider_id=root.get("id").text(),
        service_tier="" if tier is None else tier.text(),
        left_out=tuple(left_out),
    )


def _failed(error: ProviderError, usage: Node | None) -> ProviderError:
    """What a response says failed; where it counts tokens it began, and may be billed."""
    if usage is None or not (usage.count("input_tokens") or usage.count("output_tokens")):
        return error
    return ProviderError(str(error), kind="stream_broken", retry_after_ms=error.retry_after_ms)


def read_item(item: Node, left_out: list[str]) -> Iterator[RawPart]:
    """The parts of an output item; what is newer than this codec is named in `left_out`."""
    match item.get("type").text():
        case "message":
            for block in item.get("content").items():
                yield from _read_content(block, left_out)
        case "function_call":
            yield RawCall(
                item.get("call_id").text(),
                item.get("name").text(),
                item.get("arguments").text(),
            )
        case "reasoning":
            yield from _read_reasoning(item, left_out)
        case kind:
            left_out.append(f"output item {kind!r}")


def _read_content(block: Node, left_out: list[str]) -> Iterator[RawPart]:
    match block.get("type").text():
        case "output_text":
            notes = block.find("annotations")
            if notes is not None and notes.value != []:
                left_out.append("annotations")
            yield RawText(block.get("text").text())
        case "refusal":
            yield RawText(block.get("refusal").text())
        case kind:
            left_out.append(f"content part {kind!r}")


def _read_reasoning(item: Node, left_out: list[str]) -> Iterator[RawThinking]:
    """One part a text. Without its encrypted form a summary cannot go back, so it has no id."""
    encrypted, content = item.find("encrypted_content"), item.find("content")
    hidden = "" if encrypted is None else encrypted.text()
    name = item.get("id").text() if hidden or content is not None else ""
    texts = [each.get("text").text() for each in item.get("summary").items()]
    plain = [] if content is None else [each.get("text").text() for each in content.items()]
    if texts and plain:
        left_out.append("reasoning text beside its summary")
    for number, text in enumerate(texts or plain or [""]):
        yield RawThinking(text, redacted="" if number else hidden, item=name)


def _refuses(item: Node) -> bool:
    if item.get("type").text() != "message":
        return False
    blocks = item.get("content").items()
    return any(block.get("type").text() == "refusal" for block in blocks)


def _read_stop(
    root: Node, parts: list[RawPart], left_out: list[str], *, refused: bool
) -> StopReason:
    """The stop reason. One newer than this codec is named, and taken for what the parts say."""
    status = root.get("status")
    if status.text() == "incomplete":
        details = root.find("incomplete_details")
        reason = None if details is None else details.find("reason")
        name = "" if reason is None else reason.text()
        known = _INCOMPLETE_NAMES.get(name)
        if known is not None:
            return known
        left_out.append(f"stop reason {name!r}")
    elif status.text() != "completed":
        raise status.fail(f"the answer is not complete: {status.text()!r}")
    calls = any(isinstance(part, RawCall) for part in parts)
    return "tools" if calls else "refusal" if refused else "end"


def _read_usage(node: Node | None, root: Node) -> Usage:
    """Usage in our meaning. A missing count would be unpaid: refused."""
    if node is None:
        raise root.fail("usage is missing; without token counts the call cannot be paid")
    spent, output = node.get("input_tokens").integer(), node.get("output_tokens").integer()
    details, reasoning = node.find("input_tokens_details"), node.find("output_tokens_details")
    read = written = kept = 0
    if details is not None:
        read = min(details.count("cached_tokens"), spent)
        written = min(details.count("cache_write_tokens"), spent - read)
        times = details.find("cache_write_tokens_details")
        kept = 0 if times is None else min(times.count("ttl_12h_tokens"), written)
    return Usage(
        input=spent,
        output=output,
        cache_read=read,
        cache_write=written,
        cache_write_1h=kept,
        reasoning=0 if reasoning is None else min(reasoning.count("reasoning_tokens"), output),
    )
