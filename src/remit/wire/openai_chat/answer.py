"""OpenAI Chat Completions answers in one piece: encode what we serve, decode what we get."""

from collections.abc import Iterator

from remit.values.model import (
    ModelAnswer,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.values.usage import Usage
from remit.wire.jsontext import array, mend, quote, record
from remit.wire.node import Node

ABOUT = "the provider's answer is malformed: "

# The protocol has one word for an end, a stop text and a pause.
_STOPS: dict[StopReason, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "tools": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}
_STOP_NAMES: dict[str, StopReason] = {
    "stop": "end",
    "tool_calls": "tools",
    "function_call": "tools",  # of servers older than parallel calls
    "length": "max_tokens",
    "content_filter": "refusal",
}

THOUGHTS = ("reasoning_content", "reasoning")
"""Where compatible servers put reasoning, in the order in which they are looked at."""


# ---------------------------------------------------------------- encode


def encode_answer(answer: ModelAnswer) -> bytes:
    """The body of a complete answer. Signatures of reasoning have no place in the protocol."""
    texts = [part.text for part in answer.parts if isinstance(part, RawText)]
    thoughts = [part.text for part in answer.parts if isinstance(part, RawThinking)]
    calls = [call_object(part) for part in answer.parts if isinstance(part, RawCall)]
    message = {
        "role": '"assistant"',
        "content": quote("".join(texts)) if texts else "null",
        "refusal": "null",
    }
    if any(thoughts):
        message["reasoning_content"] = quote("".join(thoughts))
    if calls:
        message["tool_calls"] = array(calls)
    choice = {
        "index": "0",
        "message": record(message),
        "logprobs": "null",
        "finish_reason": quote(stop_name(answer.stop)),
    }
    return head(answer, "chat.completion", record(choice), usage_object(answer.usage)).encode()


def head(answer: ModelAnswer, kind: str, choice: str, usage: str | None) -> str:
    """The object around a choice, as answered whole and in every chunk of a stream."""
    members = {
        "id": quote(answer.provider_id),
        "object": quote(kind),
        "created": "0",  # the codec has no clock, and nobody here reads it
        "model": quote(answer.model),
        "choices": f"[{choice}]",
    }
    if usage is not None:
        members["usage"] = usage
    if answer.service_tier:
        members["service_tier"] = quote(answer.service_tier)
    return record(members)


def stop_name(stop: StopReason) -> str:
    """The protocol's word for a stop reason."""
    return _STOPS[stop]


def call_object(part: RawCall) -> str:
    """A tool call as answered whole."""
    function = {"name": quote(part.tool), "arguments": quote(part.arguments)}
    return record(
        {"id": quote(part.provider_id), "type": '"function"', "function": record(function)}
    )


def usage_object(usage: Usage) -> str:
    """The usage object; the protocol's input count holds cached tokens as ours does."""
    read = {
        "cached_tokens": str(usage.cache_read),
        "cache_write_tokens": str(usage.cache_write),
    }
    return record(
        {
            "prompt_tokens": str(usage.input),
            "completion_tokens": str(usage.output),
            "total_tokens": str(usage.total),
            "prompt_tokens_details": record(read),
            "completion_tokens_details": record({"reasoning_tokens": str(usage.reasoning)}),
        }
    )


# ---------------------------------------------------------------- decode


def decode_answer(body: bytes) -> ModelAnswer:
    """A complete answer. Raises `ProviderError` (`malformed`)."""
    root = Node.of(body, kind="malformed", about=ABOUT)
    choices = list(root.get("choices").items())
    if not choices:
        raise root.get("choices").fail("it is empty")
    choice = choices[0]
    left_out = [f"choice {number}" for number in range(1, len(choices))]
    message = choice.get("message")
    parts = list(_parts(message, left_out))
    refusal = message.find("refusal")
    refused = refusal is not None and bool(refusal.text())
    return ModelAnswer(
        parts=tuple(parts),
        stop=read_stop(choice.get("finish_reason"), parts, left_out, refused=refused),
        usage=read_usage(root.find("usage"), root),
        model=root.get("model").text(),
        provider_id=root.get("id").text(),
        service_tier=read_tier(root),
        left_out=tuple(left_out),
    )


def _parts(message: Node, left_out: list[str]) -> Iterator[RawPart]:
    thought = read_thought(message)
    if thought:
        yield RawThinking(mend(thought))
    content = message.find("content")
    if content is not None:
        text = mend(read_content(content, left_out))
        if text:
            yield RawText(text)
    refusal = message.find("refusal")
    if refusal is not None and refusal.text():
        yield RawText(refusal.text())
    calls = message.find("tool_calls")
    for call in () if calls is None else calls.items():
        kind = call.find("type")
        if kind is not None and kind.text() != "function":
            left_out.append(f"tool call {kind.text()!r}")
            continue
        function = call.get("function")
        yield RawCall(call.get("id").text(), function.get("name").text(), read_arguments(function))
    left_out.extend(unread(message))


def read_thought(message: Node) -> str:
    """The reasoning in a message or a delta, as it came, empty if there is none."""
    for key in THOUGHTS:
        found = message.find(key)
        if found is not None and isinstance(found.value, str):
            return found.raw_text()
    return ""


def read_content(content: Node, left_out: list[str]) -> str:
    """The text of a content: a string, or a list of blocks as some compatible servers send it."""
    if isinstance(content.value, str):
        return content.raw_text()
    texts: list[str] = []
    for block in content.items():
        kind = block.get("type").text()
        if kind == "text":
            texts.append(block.get("text").raw_text())
        else:
            left_out.append(f"content block {kind!r}")
    return "".join(texts)


def read_arguments(function: Node) -> str:
    """The arguments of a call; some servers send the object itself instead of its text."""
    found = function.find("arguments")
    if found is None:
        return ""
    return found.text() if isinstance(found.value, str) else found.json()


def unread(message: Node) -> Iterator[str]:
    """Content of a message or delta that this codec knows of but has no part for."""
    for key in ("audio", "function_call", "reasoning_details", "annotations", "images"):
        found = message.find(key)
        if found is not None and found.value not in ([], {}):
            yield key


def read_stop(
    node: Node, parts: list[RawPart], left_out: list[str], *, refused: bool
) -> StopReason:
    """The stop reason. One newer than this codec is named, and taken for what the parts say."""
    name = node.text()
    stop = _STOP_NAMES.get(name)
    if stop is None:
        left_out.append(f"stop reason {name!r}")
    if stop in {None, "end"}:
        # Some servers end calls with `stop`, and OpenAI does so with a refusal.
        calls = any(isinstance(part, RawCall) for part in parts)
        return "tools" if calls else "refusal" if refused else "end"
    return stop or "end"


def read_tier(root: Node) -> str:
    """How the call was served."""
    found = root.find("service_tier")
    return "" if found is None else found.text()


def read_usage(node: Node | None, root: Node) -> Usage:
    """Usage in our meaning. A missing count would be unpaid: refused."""
    if node is None:
        raise root.fail("usage is missing; without token counts the call cannot be paid")
    spent = node.get("prompt_tokens").integer()
    output = node.get("completion_tokens").integer()
    # Some servers count reasoning in the total only.
    output = max(output, node.count("total_tokens") - spent)
    read, written = 0, 0
    details = node.find("prompt_tokens_details")
    if details is not None:
        read = min(details.count("cached_tokens"), spent)
        written = min(details.count("cache_write_tokens"), spent - read)
    reasoning = node.find("completion_tokens_details")
    return Usage(
        input=spent,
        output=output,
        cache_read=read or min(node.count("prompt_cache_hit_tokens"), spent),
        cache_write=written,
        reasoning=0 if reasoning is None else min(reasoning.count("reasoning_tokens"), output),
    )
