"""What both OpenAI protocols ask for alike: effort, schemas, tool results, files and images."""

import hashlib
import re

from remit.errors import ProviderError
from remit.values.media import PDF
from remit.values.message import DocumentPart, Message, ResultPart
from remit.values.model import Effort, ModelRequest, ToolSchema
from remit.wire.jsontext import Json, embed_object, parse
from remit.wire.node import Node

ERROR_MARK = "[error] "
"""Before the text of a result that is an error: the protocols have no flag for it."""

# Models that reason and take an effort; the chat variants of the same families do not.
_REASONS = re.compile(r"(?:o\d|gpt-(?:[5-9]|[1-9]\d))(?!.*chat)|codex", re.ASCII)
# Of gpt-4o-mini images cost 33 times the tokens of others: a whole page is above what is held.
_DEAR_IMAGES = re.compile(r"(?:.*/)?gpt-4o-mini", re.ASCII)

# The tokens that levels stand for in Gemini's translation of this protocol, the only published one.
_LEVELS: tuple[tuple[int, Effort], ...] = ((1024, "low"), (8192, "medium"))
EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_KEY_CHARS = 32  # 128 bits: no two conversations have one key; the service takes 64 characters

# The part of JSON Schema that strict output takes, from its documentation.
_STRICT_WORDS = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "items",
        "properties",
        "required",
        "title",
        "type",
    }
)
SCHEMA_NAME = "answer"  # the protocols want a name; the model sees it
# Taken for requests that set no limit: the most that the newest models write at once.
NO_LIMIT = 128_000
NO_PARAMETERS = '{"type":"object","properties":{}}'
"""The schema of a tool that takes nothing."""
_FILE_NAMES = {PDF: "document.pdf"}
_OTHER_FILE = "document.txt"


def conversation_key(request: ModelRequest) -> str:
    """A key that all requests of a conversation have in common, for the service's prompt cache.

    The same beginning is found again where requests of one key are sent to one machine. A key for
    each conversation stays below the 15 requests a minute beyond which the service spreads a key.
    Made of what the request begins with, so nothing has to be kept for it.
    """
    digest = hashlib.sha256(request.system.encode(errors="replace"))
    for tool in request.tools:
        digest.update(f"\0{tool.name}\0{tool.schema_json}".encode(errors="replace"))
    for message in request.messages[:1]:
        digest.update(b"\0" + message.model_dump_json().encode())
    return digest.hexdigest()[:_KEY_CHARS]


def reasons(model: str) -> bool:
    """Whether a model is known to reason."""
    return _REASONS.match(model) is not None


def effort_of(request: ModelRequest) -> Effort | None:
    """The effort to ask for. A budget of thinking tokens becomes one for models that reason."""
    if request.effort is not None or not request.thinking_tokens:
        return request.effort
    if not reasons(request.model):
        return None
    return next((level for limit, level in _LEVELS if request.thinking_tokens <= limit), "high")


def read_effort(node: Node | None) -> Effort | None:
    """An effort as it came in."""
    if node is None:
        return None
    word = node.text()
    for effort in EFFORTS:
        if word == effort:
            return effort
    raise node.fail(
        f"Invalid value: '{word}'. Supported values are: {', '.join(map(repr, EFFORTS))}."
    )


def schema_of(tool: ToolSchema) -> str:
    """The schema of a tool as JSON text. Raises `ProviderError` (`bad_request`)."""
    schema = embed_object(tool.schema_json)
    if schema is None:
        raise ProviderError(
            f"tool {tool.name!r}: its schema is not a JSON object", kind="bad_request"
        )
    return schema


def output_schema(request: ModelRequest) -> tuple[str, bool]:
    """The schema of the answer as JSON text, and whether it can be enforced to the letter."""
    schema = embed_object(request.output_schema)
    if schema is None:
        raise ProviderError("output_schema is not a JSON object", kind="bad_request")
    parsed = parse(schema)
    is_object = isinstance(parsed, dict) and parsed.get("type") == "object"
    return schema, is_object and is_strict(parsed)


def is_strict(schema: Json) -> bool:
    """Whether a schema stays within what strict output takes."""
    if not isinstance(schema, dict) or not schema.keys() <= _STRICT_WORDS:
        return False
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        required = schema.get("required", [])
        if (
            schema.get("additionalProperties") is not False
            or not isinstance(properties, dict)
            or not isinstance(required, list)
            or {name for name in required if isinstance(name, str)} != set(properties)
        ):
            return False
    return all(is_strict(inner) for inner in _inner(schema))


def _inner(schema: dict[str, Json]) -> list[Json]:
    found: list[Json] = []
    for key in ("properties", "$defs"):
        members = schema.get(key)
        if isinstance(members, dict):
            found.extend(members.values())
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        found.extend(choices)
    if "items" in schema:
        found.append(schema["items"])
    return found


def result_text(part: ResultPart) -> str:
    """A result as the model reads it."""
    return ERROR_MARK + part.text if part.is_error else part.text


def file_name(part: DocumentPart) -> str:
    """The name of a file, which the protocols want in any case."""
    return part.name or _FILE_NAMES.get(part.media_type, _OTHER_FILE)


def read_name(node: Node | None) -> str:
    """The name of a file as it came in, empty for one that only stood for none."""
    name = "" if node is None else node.text()
    return "" if name in {_OTHER_FILE, *_FILE_NAMES.values()} else name


def image_detail(model: str) -> str:
    """`low` for models to which images are dear beyond all others, else `auto`."""
    return "low" if _DEAR_IMAGES.match(model) else "auto"


def check_document(model: str) -> None:
    """Refuse documents for models that would ask more for a page than is held for it."""
    if _DEAR_IMAGES.match(model):
        raise ProviderError(
            f"{model} counts over 30,000 tokens for a page of a document; take another model",
            kind="bad_request",
        )


def merged(messages: list[Message]) -> tuple[Message, ...]:
    """The messages with neighbours of one role as one turn."""
    turns: list[Message] = []
    for message in messages:
        if turns and turns[-1].role == message.role:
            turns[-1] = Message(role=message.role, parts=turns[-1].parts + message.parts)
        else:
            turns.append(message)
    return tuple(turns)
