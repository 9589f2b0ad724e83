"""Gemini generateContent requests as they come in, for those who serve them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

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
from remit.wire.gemini.request import STREAMED, UNSIGNED
from remit.wire.gemini.schema import json_schema
from remit.wire.gemini.thinking import decode_thinking
from remit.wire.jsontext import MAX_DEPTH, Json, mend, write
from remit.wire.media import MediaReader
from remit.wire.node import Node

# What a request without a limit may get: the output limit of every model since 2.5.
DEFAULT_LIMIT = 65_536

# Members of a request that this codec understands or that do not change what a script answers.
KNOWN_MEMBERS = frozenset(
    {
        "cachedContent",
        "contents",
        "generationConfig",
        "labels",
        "model",
        "safetySettings",
        "serviceTier",
        "store",
        "systemInstruction",
        "toolConfig",
        "tools",
    }
)
_TOOL_MEMBERS = frozenset({"functionDeclarations"})
_ROLES = ("user", "model", "function")
_USER = Origin(kind="user")
_MODEL = Origin(kind="model")
# Beside the content of a part: about it, not content itself.
_ABOUT_PARTS = frozenset({"thought", "thoughtSignature", "partMetadata", "mediaResolution"})


# Members whose content is the user's own, to be kept letter for letter.
_OPAQUE = frozenset(
    {
        "args",
        "labels",
        "parameters",
        "parametersJsonSchema",
        "partMetadata",
        "response",
        "responseJsonSchema",
        "responseSchema",
    }
)


def decode_request(body: bytes, clean: Cleaner) -> ModelRequest:
    """A request as it came in; `clean` makes its text fit for messages.

    The model and whether to stream come from `located`. A call without an id gets one of ours, and
    its result is found by name and order. Levels of thinking read as the budgets they stand for.
    """
    read = Node.of(body, kind="bad_request")
    root = Node(camel(read.value), "bad_request").only(KNOWN_MEMBERS)
    config = root.find("generationConfig")
    system = root.find("systemInstruction")
    limit = None if config is None else config.find("maxOutputTokens")
    most = DEFAULT_LIMIT if limit is None else limit.integer(1)
    thinking = None if config is None else config.find("thinkingConfig")
    tokens, effort = decode_thinking(thinking, most)
    reading = _Reading(clean)
    return ModelRequest(
        model="",
        system="" if system is None else "\n".join(_texts(system)),
        messages=tuple(_message(node, reading) for node in root.get("contents").items()),
        tools=tuple(_tools(root.find("tools"))),
        max_output_tokens=most,
        thinking_tokens=tokens,
        effort=effort,
        output_schema="" if config is None else _output_schema(config),
        media=reading.media.found,
        stream=False,
    )


def _output_schema(config: Node) -> str:
    if text_of(config, "responseMimeType") != "application/json":
        return ""
    schema, older = config.find("responseJsonSchema"), config.find("responseSchema")
    if schema is None and older is None:
        return "{}"
    found = schema or Node(json_schema(older.value if older else None), "bad_request")
    found.members()
    return found.json()


def located(request: ModelRequest, path: str) -> ModelRequest:
    """The request with what its path says: the model, and whether to stream."""
    place, _, verb = path.partition("?")[0].rpartition(":")
    collection, _, name = place.rpartition("/")
    kind = collection.rpartition("/")[2]
    model = unquote(name) if kind == "models" else f"{kind}/{unquote(name)}"
    return replace(request, model=model, stream=verb == STREAMED)


def camel(value: Json, depth: int = 0) -> Json:
    """The same with members in camel case: the API takes `system_instruction` as well."""
    if depth > MAX_DEPTH:
        return value  # whoever reads this deep will refuse it
    match value:
        case list():
            return [camel(item, depth + 1) for item in value]
        case dict():
            names = {key: _camel(key) for key in value}
            return {
                name: value[key] if name in _OPAQUE else camel(value[key], depth + 1)
                for key, name in names.items()
            }
        case _:
            return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _texts(content: Node) -> Iterator[str]:
    return (part.get("text").text() for part in content.get("parts").items())


# ---------------------------------------------------------------- tools


def _tools(node: Node | None) -> Iterator[ToolSchema]:
    if node is None:
        return
    for tool in node.items():
        declared = tool.only(_TOOL_MEMBERS).find("functionDeclarations")
        if declared is not None:
            yield from map(_schema, declared.items())


def _schema(node: Node) -> ToolSchema:
    description = node.find("description")
    schema = node.find("parametersJsonSchema")
    older = node.find("parameters")
    if schema is not None and older is not None:
        raise node.fail("only one of parameters and parametersJsonSchema may be set")
    if schema is None:
        schema = Node(json_schema(older.value) if older else _NO_PARAMETERS, "bad_request")
    schema.members()
    return ToolSchema(
        name=node.get("name").text(),
        description="" if description is None else description.text(),
        schema_json=schema.json(),
    )


_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


# ---------------------------------------------------------------- contents


@dataclass(slots=True)
class _Reading:
    """What is known while one request is read."""

    clean: Cleaner
    count: int = 0
    """Calls and results that got an id of ours."""
    waiting: list[CallPart] = field(default_factory=list)
    """Calls not answered yet, found again by id, or by name and order."""
    media: MediaReader = field(default_factory=MediaReader)

    def own_id(self) -> str:
        self.count += 1
        return f"call-{self.count}"

    def answered(self, name: str, given: str) -> str:
        """Our id of the call that a result answers; one of its own if there is none."""
        by_id = (call for call in self.waiting if given and call.provider_id == given)
        by_name = (
            call for call in self.waiting if call.tool == name and not (given and call.provider_id)
        )
        found = next(by_id, None) or next(by_name, None)
        if found is not None:
            self.waiting.remove(found)
            return found.call
        return given or self.own_id()


def _message(node: Node, reading: _Reading) -> Message:
    name = text_of(node, "role") or "user"
    if name not in _ROLES:
        raise node.fail("Please use a valid role: user, model.")
    read = _model_parts if name == "model" else _user_parts
    parts = node.get("parts").items()
    return Message(
        role="assistant" if name == "model" else "user",
        parts=tuple(part for item in parts for part in read(item, reading)),
    )


def content_name(node: Node) -> str:
    """The name of the member that holds the content of a part, empty if none does."""
    members = node.members()
    if "text" in members:  # of nearly all parts of a stream
        return "text"
    return next((name for name in members if name not in _ABOUT_PARTS), "")


def text_of(node: Node, key: str) -> str:
    """A text among the members, empty if missing."""
    found = node.find(key)
    return "" if found is None else found.text()


def _unknown(node: Node) -> ProviderError:
    return node.fail(f"content {content_name(node)!r} is not supported here")


def _user_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    match content_name(node):
        case "text":
            yield TextPart(text=reading.clean(node.get("text").text()), origin=_USER)
        case "inlineData":
            yield _media_part(node.get("inlineData"), _USER, reading)
        case "functionResponse":
            yield from _result_parts(node.get("functionResponse"), reading)
        case _:
            raise _unknown(node)


def _media_part(node: Node, origin: Origin, reading: _Reading) -> Part:
    kind, content = node.get("mimeType").text(), node.get("data").text()
    if kind.startswith("image/"):
        return reading.media.image(node, kind, content, origin)
    return reading.media.document(node, kind, content, origin)


def _result_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    """The result, and after it the images and documents that stand in it."""
    name, given = node.get("name").text(), text_of(node, "id")
    origin = Origin(kind="tool", name=name)
    response = node.get("response").members()
    # `output` and `error` have a meaning; without them the whole is the output.
    single = next(iter(response)) if len(response) == 1 else ""
    value = response[single] if single in {"output", "error"} else response
    text = mend(value) if isinstance(value, str) else write(value)
    yield ResultPart(
        call=reading.answered(name, given),
        provider_id=given,
        tool=name,
        text=reading.clean(text),
        is_error=single == "error",
        origin=origin,
    )
    shown = node.find("parts")
    for item in () if shown is None else shown.items():
        yield _media_part(item.get("inlineData"), origin, reading)


def _model_parts(node: Node, reading: _Reading) -> Iterator[Part]:
    signature = text_of(node, "thoughtSignature")
    content = content_name(node)
    thought = node.find("thought")
    if content == "text" and thought is not None and thought.boolean():
        text = reading.clean(node.get("text").text())
        yield ThinkingPart(text=text, signature=signature, origin=_MODEL)
        return
    if signature and signature != UNSIGNED:
        # It stands before the part it belongs to.
        yield ThinkingPart(text=reading.clean(""), redacted=signature, origin=_MODEL)
    match content:
        case "text":
            text = reading.clean(node.get("text").text())
            if text or not signature:
                yield TextPart(text=text, origin=_MODEL)
        case "functionCall":
            call = _call(node.get("functionCall"), reading)
            reading.waiting.append(call)
            yield call
        case "" if signature:
            pass
        case _:
            raise _unknown(node)


def _call(node: Node, reading: _Reading) -> CallPart:
    given = text_of(node, "id")
    arguments = node.find("args")
    if arguments is not None:
        arguments.members()
    return CallPart(
        call=given or reading.own_id(),
        provider_id=given,
        tool=node.get("name").text(),
        arguments=reading.clean("{}" if arguments is None else arguments.json()),
        origin=_MODEL,
    )
