"""OpenAI Responses requests as they come in."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from remit.errors import ProviderError
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    Part,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.codec import Cleaner
from remit.wire.media import MediaReader
from remit.wire.node import Node
from remit.wire.openai.asking import (
    ERROR_MARK,
    NO_LIMIT,
    NO_PARAMETERS,
    merged,
    read_effort,
    read_name,
)
from remit.wire.openai_responses.request import MIN_OUTPUT_TOKENS

# Members of a request that this codec understands or that do not change what a script answers.
KNOWN_MEMBERS = frozenset(
    {
        "access_programs",
        "background",
        "background_options",
        "context_management",
        "conversation",
        "image",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
# What would continue something kept at the provider.
_STATEFUL = ("previous_response_id", "conversation", "prompt")

_USER = Origin(kind="user")
_MODEL = Origin(kind="model")


@dataclass(slots=True)
class _Reading:
    """What is known while one request is read."""

    clean: Cleaner
    names: dict[str, str] = field(default_factory=dict)
    """Tools by id of their call."""
    media: MediaReader = field(default_factory=MediaReader)
    system: list[str] = field(default_factory=list)


def decode_request(body: bytes, clean: Cleaner) -> ModelRequest:
    """A request as it came in; `clean` makes its text fit for messages.

    Own call ids and origins do not travel: a call is known by the id on the wire, and origins
    follow from roles. Instructions in the middle of a conversation join those at its beginning.
    """
    root = Node.of(body, kind="bad_request").only(KNOWN_MEMBERS)
    for key in _STATEFUL:
        found = root.find(key)
        if found is not None:
            raise found.fail("nothing is stored here; send the whole conversation as input")
    model = root.get("model").text()
    limit, tools, stream = root.find("max_output_tokens"), root.find("tools"), root.find("stream")
    instructions, reasoning = root.find("instructions"), root.find("reasoning")
    reading = _Reading(clean)
    if instructions is not None:
        reading.system.append(instructions.text())
    messages = merged(list(_messages(root.get("input"), reading)))
    return ModelRequest(
        model=model,
        system="\n".join(reading.system),
        messages=messages,
        tools=() if tools is None else tuple(_schema(node) for node in tools.items()),
        max_output_tokens=NO_LIMIT if limit is None else limit.integer(MIN_OUTPUT_TOKENS),
        effort=None if reasoning is None else read_effort(reasoning.find("effort")),
        output_schema=_format(root.find("text")),
        media=reading.media.found,
        stream=stream is not None and stream.boolean(),
    )


def _schema(node: Node) -> ToolSchema:
    kind = node.get("type")
    if kind.text() != "function":
        raise kind.fail(f"tools of type '{kind.text()}' are not supported here, send 'function'")
    description, schema = node.find("description"), node.find("parameters")
    if schema is not None:
        schema.members()
    return ToolSchema(
        name=node.get("name").text(),
        description="" if description is None else description.text(),
        schema_json=NO_PARAMETERS if schema is None else schema.json(),
    )


def _format(text: Node | None) -> str:
    """The schema of the answer."""
    node = None if text is None else text.find("format")
    if node is None or node.get("type").text() == "text":
        return ""
    match node.get("type").text():
        case "json_object":
            return '{"type":"object"}'
        case "json_schema":
            schema = node.get("schema")
            schema.members()
            return schema.json()
        case kind:
            raise node.fail(
                f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', "
                "and 'text'."
            )


def _messages(node: Node, reading: _Reading) -> Iterator[Message]:
    if isinstance(node.value, str):
        text = TextPart(text=reading.clean(node.text()), origin=_USER)
        yield Message(role="user", parts=(text,))
        return
    for item in node.items():
        kind = item.find("type")
        match "message" if kind is None else kind.text():
            case "message":
                yield from _message(item, reading)
            case "function_call":
                yield Message(role="assistant", parts=(_call(item, reading),))
            case "function_call_output":
                yield Message(role="user", parts=tuple(_result_parts(item, reading)))
            case "reasoning":
                yield Message(role="assistant", parts=tuple(_thoughts(item, reading)))
            case name:
                raise item.fail(
                    f"Invalid value: '{name}'. Supported values are: 'message', 'function_call', "
                    "'function_call_output', and 'reasoning'."
                )


def _message(node: Node, reading: _Reading) -> Iterator[Message]:
    role, content = node.get("role"), node.get("content")
    match role.text():
        case "system" | "developer":
            parts = _parts(content, _USER, reading)
            texts = [part.text for part in parts if isinstance(part, TextPart)]
            reading.system.append("\n".join(texts))
        case "user":
            yield Message(role="user", parts=tuple(_parts(content, _USER, reading)))
        case "assistant":
            yield Message(role="assistant", parts=tuple(_parts(content, _MODEL, reading)))
        case name:
            raise role.fail(
                f"Invalid value: '{name}'. Supported values are: 'assistant', 'system', "
                "'developer', and 'user'."
            )


def _parts(node: Node, origin: Origin, reading: _Reading) -> Iterator[Part]:
    """The parts of a content that is a string or a list."""
    if isinstance(node.value, str):
        yield TextPart(text=reading.clean(node.text()), origin=origin)
        return
    for block in node.items():
        match block.get("type").text():
            case "input_text" | "output_text":
                yield TextPart(text=reading.clean(block.get("text").text()), origin=origin)
            case "refusal":
                yield TextPart(text=reading.clean(block.get("refusal").text()), origin=origin)
            case "input_image" if origin.kind != "model":
                url = block.get("image_url")
                media_type, text = reading.media.split(url)
                yield reading.media.image(url, media_type, text, origin)
            case "input_file" if origin.kind != "model":
                yield _file(block, origin, reading)
            case kind:
                raise _kind_error(block, kind)


def _kind_error(node: Node, kind: str) -> ProviderError:
    return node.get("type").fail(
        f"Invalid value: '{kind}'. Supported values are: 'input_text', 'input_image', "
        "'input_file', 'output_text', and 'refusal'."
    )


def _file(node: Node, origin: Origin, reading: _Reading) -> Part:
    content = node.get("file_data")
    media_type, text = reading.media.split(content)
    name = reading.clean(read_name(node.find("filename")))
    return reading.media.document(content, media_type, text, origin, name)


def _call(node: Node, reading: _Reading) -> CallPart:
    call = node.get("call_id").text()
    reading.names[call] = node.get("name").text()
    return CallPart(
        call=call,
        provider_id=call,
        tool=reading.names[call],
        arguments=reading.clean(node.get("arguments").text()),
        origin=_MODEL,
    )


def _result_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    """The result, and after it the images and documents that stand in it."""
    call = node.get("call_id").text()
    tool = reading.names.get(call, "")
    origin = Origin(kind="tool", name=tool)
    parts = list(_parts(node.get("output"), origin, reading))
    text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    yield ResultPart(
        call=call,
        provider_id=call,
        tool=tool,
        text=reading.clean(text.removeprefix(ERROR_MARK)),
        is_error=text.startswith(ERROR_MARK),
        origin=origin,
    )
    yield from (part for part in parts if not isinstance(part, TextPart))


def _thoughts(node: Node, reading: _Reading) -> Iterator[ThinkingPart]:
    """The parts of a reasoning item; the first holds what is encrypted."""
    item, encrypted = node.get("id").text(), node.find("encrypted_content")
    content = node.find("content")
    hidden = "" if encrypted is None else encrypted.text()
    texts = [each.get("text").text() for each in node.get("summary").items()]
    if not texts and content is not None:
        texts = [each.get("text").text() for each in content.items()]
    for number, text in enumerate(texts or [""]):
        yield ThinkingPart(
            text=reading.clean(text),
            redacted="" if number else hidden,
            item=item,
            origin=_MODEL,
        )
