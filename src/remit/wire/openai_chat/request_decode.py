"""OpenAI Chat Completions requests as they come in."""

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

# Members of a request that this codec understands or that do not change what a script answers.
KNOWN_MEMBERS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)

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
    model = root.get("model").text()
    limit = root.find("max_completion_tokens") or root.find("max_tokens")
    tools, stream = root.find("tools"), root.find("stream")
    reading = _Reading(clean)
    messages = [
        message
        for node in root.get("messages").items()
        if (message := _message(node, reading)) is not None
    ]
    streams = stream is not None and stream.boolean()
    return ModelRequest(
        model=model,
        system="\n".join(reading.system),
        messages=merged(messages),
        tools=() if tools is None else tuple(_schema(node) for node in tools.items()),
        max_output_tokens=NO_LIMIT if limit is None else limit.integer(1),
        effort=read_effort(root.find("reasoning_effort")),
        output_schema=_format(root.find("response_format")),
        media=reading.media.found,
        stream=streams,
        stream_usage=not streams or _wants_usage(root.find("stream_options")),
    )


def _wants_usage(node: Node | None) -> bool:
    wanted = None if node is None else node.find("include_usage")
    return wanted is not None and wanted.boolean()


def _schema(node: Node) -> ToolSchema:
    kind = node.get("type")
    if kind.text() != "function":
        raise kind.fail(f"tools of type '{kind.text()}' are not supported here, send 'function'")
    function = node.get("function")
    description, schema = function.find("description"), function.find("parameters")
    if schema is not None:
        schema.members()
    return ToolSchema(
        name=function.get("name").text(),
        description="" if description is None else description.text(),
        schema_json=NO_PARAMETERS if schema is None else schema.json(),
    )


def _format(node: Node | None) -> str:
    """The schema of the answer."""
    if node is None or node.get("type").text() == "text":
        return ""
    match node.get("type").text():
        case "json_object":
            return '{"type":"object"}'
        case "json_schema":
            schema = node.get("json_schema").get("schema")
            schema.members()
            return schema.json()
        case kind:
            raise node.fail(
                f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', "
                "and 'text'."
            )


def _message(node: Node, reading: _Reading) -> Message | None:
    role = node.get("role")
    match role.text():
        case "system" | "developer":
            reading.system.append("\n".join(_texts(node.get("content"))))
            return None
        case "user":
            parts = tuple(_user_parts(node.get("content"), reading))
            return Message(role="user", parts=parts)
        case "assistant":
            return Message(role="assistant", parts=tuple(_assistant_parts(node, reading)))
        case "tool":
            return Message(role="user", parts=(_result(node, reading),))
        case name:
            raise role.fail(
                f"Invalid value: '{name}'. Supported values are: 'system', 'assistant', 'user', "
                "'tool', and 'developer'."
            )


def _texts(node: Node) -> Iterator[str]:
    """The texts of a content that is a string or a list of text parts."""
    if isinstance(node.value, str):
        yield node.text()
        return
    for block in node.items():
        if block.get("type").text() != "text":
            raise _kind_error(block, "'text'")
        yield block.get("text").text()


def _kind_error(node: Node, expected: str) -> ProviderError:
    kind = node.get("type")
    return kind.fail(f"Invalid value: '{kind.text()}'. Supported values are: {expected}.")


def _user_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    if isinstance(node.value, str):
        yield TextPart(text=reading.clean(node.text()), origin=_USER)
        return
    for block in node.items():
        match block.get("type").text():
            case "text":
                yield TextPart(text=reading.clean(block.get("text").text()), origin=_USER)
            case "image_url":
                url = block.get("image_url").get("url")
                media_type, text = reading.media.split(url)
                yield reading.media.image(url, media_type, text, _USER)
            case "file":
                file = block.get("file")
                content = file.get("file_data")
                media_type, text = reading.media.split(content)
                name = reading.clean(read_name(file.find("filename")))
                yield reading.media.document(content, media_type, text, _USER, name)
            case _:
                raise _kind_error(block, "'text', 'image_url', and 'file'")


def _assistant_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    clean = reading.clean
    thought = node.find("reasoning_content") or node.find("reasoning")
    if thought is not None:
        yield ThinkingPart(text=clean(thought.text()), origin=_MODEL)
    content, refusal, calls = node.find("content"), node.find("refusal"), node.find("tool_calls")
    if content is not None:
        for text in _said(content):
            yield TextPart(text=clean(text), origin=_MODEL)
    if refusal is not None:
        yield TextPart(text=clean(refusal.text()), origin=_MODEL)
    for block in () if calls is None else calls.items():
        call = block.get("id").text()
        function = block.get("function")
        reading.names[call] = function.get("name").text()
        yield CallPart(
            call=call,
            provider_id=call,
            tool=reading.names[call],
            arguments=clean(function.get("arguments").text()),
            origin=_MODEL,
        )


def _said(node: Node) -> Iterator[str]:
    """The texts of an answer that goes back, its refusals among them."""
    if isinstance(node.value, str):
        yield node.text()
        return
    for block in node.items():
        kind = block.get("type").text()
        if kind not in {"text", "refusal"}:
            raise _kind_error(block, "'text' and 'refusal'")
        yield block.get(kind).text()


def _result(node: Node, reading: _Reading) -> ResultPart:
    call = node.get("tool_call_id").text()
    tool = reading.names.get(call, "")
    text = "\n".join(_texts(node.get("content")))
    return ResultPart(
        call=call,
        provider_id=call,
        tool=tool,
        text=reading.clean(text.removeprefix(ERROR_MARK)),
        is_error=text.startswith(ERROR_MARK),
        origin=Origin(kind="tool", name=tool),
    )
