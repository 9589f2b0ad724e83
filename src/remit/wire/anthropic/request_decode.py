"""Anthropic Messages requests as they come in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from remit.errors import ProviderError
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    Part,
    ResultPart,
    Role,
    TextPart,
    ThinkingPart,
)
from remit.values.model import Effort, ModelRequest, ToolSchema
from remit.wire.anthropic.request import EFFORTS, MIN_THINKING_TOKENS
from remit.wire.codec import Cleaner
from remit.wire.media import MediaReader
from remit.wire.node import Node

# Members of a request that this codec understands or that do not change what a script answers.
KNOWN_MEMBERS = frozenset(
    {
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "inference_geo",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user_profile_id",
    }
)

_EFFORT_NAMES: dict[str, Effort] = {name: effort for effort, name in EFFORTS.items()} | {
    "low": "low"
}


@dataclass(slots=True)
class _Reading:
    """What is known while one request is read."""

    clean: Cleaner
    names: dict[str, str] = field(default_factory=dict)
    """Tools by id of their call."""
    media: MediaReader = field(default_factory=MediaReader)


def decode_request(body: bytes, clean: Cleaner) -> ModelRequest:
    """A request as it came in; `clean` makes its text fit for messages.

    Own call ids and origins do not travel: a call is known by the id on the wire, and origins
    follow from roles. Adaptive thinking reads as a budget of the whole output limit.
    """
    root = Node.of(body, kind="bad_request").only(KNOWN_MEMBERS)
    model = root.get("model").text()
    limit = root.get("max_tokens").integer(1)
    tools = root.find("tools")
    stream = root.find("stream")
    reading = _Reading(clean)
    effort, schema = _output(root.find("output_config"))
    return ModelRequest(
        model=model,
        system=_system(root.find("system")),
        messages=tuple(_message(node, reading) for node in root.get("messages").items()),
        tools=() if tools is None else tuple(_schema(node) for node in tools.items()),
        max_output_tokens=limit,
        thinking_tokens=_budget(root.find("thinking"), limit),
        effort=effort,
        output_schema=schema,
        media=reading.media.found,
        stream=stream is not None and stream.boolean(),
    )


def _system(node: Node | None) -> str:
    if node is None:
        return ""
    if isinstance(node.value, str):
        return node.text()
    return "\n".join(_text_block(block) for block in node.items())


def _text_block(node: Node) -> str:
    if node.get("type").text() != "text":
        raise node.get("type").fail("Input should be 'text'")
    return node.get("text").text()


def _schema(node: Node) -> ToolSchema:
    kind = node.find("type")
    if kind is not None and kind.text() != "custom":
        raise kind.fail(f"server tool '{kind.text()}' is not supported here")
    description = node.find("description")
    schema = node.get("input_schema")
    schema.members()
    return ToolSchema(
        name=node.get("name").text(),
        description="" if description is None else description.text(),
        schema_json=schema.json(),
    )


def _budget(node: Node | None, limit: int) -> int:
    if node is None:
        return 0
    kind = node.get("type").text()
    if kind == "enabled":
        return node.get("budget_tokens").integer(MIN_THINKING_TOKENS)
    if kind in {"adaptive", "between_tools"}:
        return limit
    if kind == "disabled":
        return 0
    raise node.fail(
        f"Input tag '{kind}' found using 'type' does not match any of the expected tags: "
        "'enabled', 'disabled', 'adaptive', 'between_tools'"
    )


def _output(node: Node | None) -> tuple[Effort | None, str]:
    """Effort and schema of the answer."""
    if node is None:
        return None, ""
    effort, form = node.find("effort"), node.find("format")
    level: Effort | None = None
    if effort is not None:
        level = _EFFORT_NAMES.get(effort.text())
        if level is None:
            raise effort.fail(f"Input should be {', '.join(map(repr, _EFFORT_NAMES))}")
    if form is None:
        return level, ""
    if form.get("type").text() != "json_schema":
        raise form.get("type").fail("Input should be 'json_schema'")
    schema = form.get("schema")
    schema.members()
    return level, schema.json()


def _message(node: Node, reading: _Reading) -> Message:
    role = node.get("role")
    content = node.get("content")
    read: Callable[[Node, Origin, _Reading], Iterator[Part]]
    match role.text():
        case "user":
            read, origin = _user_parts, Origin(kind="user")
        case "assistant":
            read, origin = _assistant_parts, Origin(kind="model")
        case _:
            raise role.fail("Input should be 'user' or 'assistant'")
    name: Role = "user" if origin.kind == "user" else "assistant"
    if isinstance(content.value, str):
        text = reading.clean(content.text())
        return Message(role=name, parts=(TextPart(text=text, origin=origin),))
    parts = [part for block in content.items() for part in read(block, origin, reading)]
    return Message(role=name, parts=tuple(parts))


def _tag_error(node: Node, kind: str, expected: str) -> ProviderError:
    return node.fail(
        f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
    )


def _user_parts(node: Node, origin: Origin, reading: _Reading) -> Iterator[Part]:
    kind = node.get("type").text()
    match kind:
        case "text":
            yield TextPart(text=reading.clean(node.get("text").text()), origin=origin)
        case "image" | "document":
            yield _media_part(node, kind, origin, reading)
        case "tool_result":
            yield from _result_parts(node, reading)
        case _:
            raise _tag_error(node, kind, "'text', 'image', 'document', 'tool_result'")


def _media_part(node: Node, kind: str, origin: Origin, reading: _Reading) -> Part:
    source = node.get("source")
    form, name = source.get("type").text(), node.find("title")
    title = None if name is None else reading.clean(name.text())
    if form == "text" and kind == "document":
        content = source.get("data").text().encode()
        return reading.media.plain(source, source.get("media_type").text(), content, origin, title)
    if form != "base64":
        raise source.fail(f"sources of type '{form}' are not supported here, send 'base64'")
    media_type, text = source.get("media_type").text(), source.get("data").text()
    if kind == "image":
        return reading.media.image(source, media_type, text, origin)
    return reading.media.document(source, media_type, text, origin, title)


def _result_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    """The result, and after it the images and documents that stand in it."""
    call = node.get("tool_use_id").text()
    tool = reading.names.get(call, "")
    origin = Origin(kind="tool", name=tool)
    is_error, content = node.find("is_error"), node.find("content")
    texts: list[str] = []
    media: list[Part] = []
    if content is not None and isinstance(content.value, str):
        texts.append(content.text())
    elif content is not None:
        for block in content.items():
            kind = block.get("type").text()
            if kind in {"image", "document"}:
                media.append(_media_part(block, kind, origin, reading))
            else:
                texts.append(_text_block(block))
    yield ResultPart(
        call=call,
        provider_id=call,
        tool=tool,
        text=reading.clean("\n".join(texts)),
        is_error=is_error is not None and is_error.boolean(),
        origin=origin,
    )
    yield from media


def _assistant_parts(node: Node, origin: Origin, reading: _Reading) -> Iterator[Part]:
    clean = reading.clean
    kind = node.get("type").text()
    match kind:
        case "text":
            yield TextPart(text=clean(node.get("text").text()), origin=origin)
        case "thinking":
            yield ThinkingPart(
                text=clean(node.get("thinking").text()),
                signature=node.get("signature").text(),
                origin=origin,
            )
        case "redacted_thinking":
            yield ThinkingPart(text=clean(""), redacted=node.get("data").text(), origin=origin)
        case "tool_use":
            call = node.get("id").text()
            reading.names[call] = node.get("name").text()
            arguments = node.get("input")
            arguments.members()
            yield CallPart(
                call=call,
                provider_id=call,
                tool=reading.names[call],
                arguments=clean(arguments.json()),
                origin=origin,
            )
        case _:
            raise _tag_error(node, kind, "'text', 'thinking', 'redacted_thinking', 'tool_use'")
