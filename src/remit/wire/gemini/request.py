"""Gemini generateContent requests as we send them."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import assert_never
from urllib.parse import quote as quote_path

from remit.errors import ProviderError
from remit.values.message import (
    CallPart,
    DocumentPart,
    ImagePart,
    Message,
    Part,
    ResultPart,
    Role,
    TextPart,
    ThinkingPart,
)
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.gemini.schema import schema_text
from remit.wire.gemini.thinking import checks_signatures, encode_thinking, version
from remit.wire.jsontext import array, embed_object, quote, record
from remit.wire.media import quoted_base64

VERSION = "v1beta"  # where thinking levels, JSON schemas and signatures of thoughts are
WHOLE = "generateContent"
STREAMED = "streamGenerateContent"

# What the API's documentation gives for calls that no Gemini model made, such as those of a
# conversation begun elsewhere: without any signature the newer models refuse them.
UNSIGNED = "skip_thought_signature_validator"

_SCHEMA_WITH_TOOLS_SINCE = (3, 0)
_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})  # of our types; GIF is refused

Block = dict[str, str]

_ROLES: dict[Role, str] = {"user": '"user"', "assistant": '"model"'}


def headers(key: str) -> dict[str, str]:
    """The headers of a request."""
    return {
        "x-goog-api-key": key,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }


def path(request: ModelRequest) -> str:
    """The model and the manner stand in the path."""
    return f"/{VERSION}{versionless_path(request)}"


def versionless_path(request: ModelRequest) -> str:
    """The path after a base URL that names the version, such as Vertex AI's."""
    verb = f"{STREAMED}?alt=sse" if request.stream else WHOLE
    return f"{place(request)}:{verb}"


def place(request: ModelRequest) -> str:
    """Where the model stands; tuned models have a collection of their own: `tunedModels/mine`."""
    collection, slash, name = request.model.rpartition("/")
    return f"/{quote_path(collection if slash else 'models')}/{quote_path(name, safe='')}"


# ---------------------------------------------------------------- encode


def encode_request(request: ModelRequest) -> bytes:
    """The body of a request. The model and whether to stream stand in `path`.

    Blank text and messages left empty are not sent. A signature goes back on the very part it came
    with. Names of documents are not sent: the API has no member for them.
    Raises `ProviderError` (`bad_request`) for what the API would refuse in any case.
    """
    turns = list(_turns(request))
    if not turns:
        raise ProviderError("nothing to send: no message has any content", kind="bad_request")
    members = {
        "contents": array(
            record({"role": _ROLES[role], "parts": array(record(block) for block in blocks)})
            for role, blocks in turns
        )
    }
    if request.system.strip():
        part = record({"text": quote(request.system)})
        members["systemInstruction"] = record({"parts": array([part])})
    if request.tools:
        declared = array(_tool(tool) for tool in request.tools)
        members["tools"] = array([record({"functionDeclarations": declared})])
    members["generationConfig"] = record(_config(request))
    return record(members).encode()


def _config(request: ModelRequest) -> Block:
    config = {"maxOutputTokens": str(request.max_output_tokens)}
    thinking = encode_thinking(request)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    if request.output_schema:
        schema = schema_text(request.output_schema, "output_schema")
        if request.tools and (0, 0) < version(request.model) < _SCHEMA_WITH_TOOLS_SINCE:
            raise ProviderError(
                f"{request.model} takes either tools or an output schema; use a model since "
                "gemini-3, or a final tool",
                kind="bad_request",
            )
        config |= {"responseMimeType": '"application/json"', "responseJsonSchema": schema}
    return config


def _tool(tool: ToolSchema) -> str:
    schema = schema_text(tool.schema_json, f"tool {tool.name!r}: its schema")
    block = {"name": quote(tool.name)}
    if tool.description:
        block["description"] = quote(tool.description)
    # The older `parameters` takes a subset of OpenAPI only: no references, no unions of types.
    return record(block | {"parametersJsonSchema": schema})


def _turns(request: ModelRequest) -> Iterator[tuple[Role, list[Block]]]:
    """Role and parts by turn: neighbours of one role are one turn, results stand first in it."""
    places: dict[str, int] = {}  # of calls: results without ids are told apart by their order
    signs = checks_signatures(request.model)
    for role, parts in _merged(request.messages):
        for part in parts:
            if isinstance(part, CallPart):
                places.setdefault(part.call, len(places))
        parts.sort(key=partial(_rank, places=places))
        blocks = list(_blocks(parts, request))
        if signs:
            _sign(blocks)
        if blocks:
            yield role, blocks


def _merged(messages: Iterable[Message]) -> Iterator[tuple[Role, list[Part]]]:
    role: Role = "user"
    parts: list[Part] = []
    for message in messages:
        if any(_says(part) for part in message.parts) and message.role != role:
            yield role, parts
            role, parts = message.role, []
        parts.extend(message.parts)
    yield role, parts


def _says(part: Part) -> bool:
    match part:
        case TextPart():
            return bool(part.text.strip())
        case ThinkingPart():
            return bool(part.text or part.signature or part.redacted)
        case CallPart() | ResultPart() | ImagePart() | DocumentPart():
            return True
        case never:
            assert_never(never)


def _rank(part: Part, places: Mapping[str, int]) -> int:
    """Results before all else, in the order of their calls; the sort is stable."""
    if not isinstance(part, ResultPart):
        return len(places) + 1
    return places.get(part.call, len(places))


def _blocks(parts: Iterable[Part], request: ModelRequest) -> Iterator[Block]:
    """The parts of a turn; a bare signature is put on the part that follows it."""
    signature = ""
    for part in filter(_says, parts):
        signed = {"thoughtSignature": quote(signature)} if signature else {}
        signature = ""
        match part:
            case TextPart():
                yield {"text": quote(part.text)} | signed
            case CallPart():
                yield {"functionCall": _call(part)} | signed
            case ResultPart():
                yield {"functionResponse": _result(part)}
            case ImagePart() | DocumentPart():
                yield {"inlineData": _inline(part, request)}
            case ThinkingPart():
                if signed:
                    yield {"text": '""'} | signed
                signature = part.redacted
                if not signature:
                    yield _thought(part)
            case never:
                assert_never(never)
    if signature:
        yield {"text": '""', "thoughtSignature": quote(signature)}


def _inline(part: ImagePart | DocumentPart, request: ModelRequest) -> str:
    kind = part.media_type
    if isinstance(part, ImagePart) and kind not in _IMAGES:
        raise ProviderError(
            f"images of type {kind} are not taken by {request.model}; send png, jpeg or webp",
            kind="bad_request",
        )
    if kind.startswith("text/"):
        kind = "text/plain"  # the only type of text that every model takes
    return record({"mimeType": quote(kind), "data": quoted_base64(request, part)})


def _thought(part: ThinkingPart) -> Block:
    block = {"text": quote(part.text), "thought": "true"}
    return block | {"thoughtSignature": quote(part.signature)} if part.signature else block


def _call(part: CallPart) -> str:
    named = {"name": quote(part.tool), "args": embedded(part.arguments)}
    return record({"id": quote(part.provider_id)} | named if part.provider_id else named)


def embedded(arguments: str) -> str:
    """Arguments as the JSON object the API wants; what is none is wrapped."""
    if not arguments.strip():
        return "{}"
    return embed_object(arguments) or record({"INVALID_JSON": quote(arguments)})


def _result(part: ResultPart) -> str:
    # `output` and `error` are the members that the API's documentation gives a meaning.
    response = record({"error" if part.is_error else "output": quote(part.text)})
    named = {"name": quote(part.tool), "response": response}
    return record({"id": quote(part.provider_id)} | named if part.provider_id else named)


def _sign(blocks: Iterable[Block]) -> None:
    """The first call of a turn carries the signature of them all."""
    first = next((block for block in blocks if "functionCall" in block), None)
    if first is not None:
        first.setdefault("thoughtSignature", quote(UNSIGNED))
