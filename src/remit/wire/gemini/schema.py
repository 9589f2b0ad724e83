"""Schemas as Gemini takes them: JSON Schema, of which it reads a part, or its own older kind."""

from remit.errors import ProviderError
from remit.wire.jsontext import MAX_DEPTH, Json, embed_object, parse, write

# Members whose members are names of the user's own, each with a schema.
_NAMED = frozenset({"properties", "$defs", "definitions", "patternProperties"})
# Members whose content is no schema.
_VALUES = frozenset({"const", "default", "enum", "examples", "required"})


def schema_text(text: str, about: str) -> str:
    """A schema for a request. Raises `ProviderError` (`bad_request`) if it is no JSON object.

    `const` is not among the keywords that the API documents: a single `enum` says the same.
    """
    found = embed_object(text)
    if found is None:
        raise ProviderError(f"{about} is not a JSON object", kind="bad_request")
    if '"const"' not in found:
        return found
    try:
        return write(_without_const(parse(found)))
    except ProviderError as exc:
        raise ProviderError(f"{about}: {exc}", kind="bad_request") from None


def _without_const(value: Json, depth: int = 0) -> Json:
    if depth > MAX_DEPTH:
        return value  # refused when it is written
    match value:
        case list():
            return [_without_const(item, depth + 1) for item in value]
        case dict():
            read = {key: _inside(key, item, depth + 1) for key, item in value.items()}
            if "const" in read:
                read.setdefault("enum", [read["const"]])
                del read["const"]
            return read
        case _:
            return value


def _inside(key: str, value: Json, depth: int) -> Json:
    if key in _VALUES:
        return value
    if key in _NAMED and isinstance(value, dict):
        return {name: _without_const(schema, depth) for name, schema in value.items()}
    return _without_const(value, depth)


def json_schema(value: Json, depth: int = 0) -> Json:
    """The JSON Schema of the API's own kind of schema: its type names are in capitals."""
    if depth > MAX_DEPTH:
        return value  # refused when it is written
    match value:
        case list():
            return [json_schema(item, depth + 1) for item in value]
        case dict():
            read = {key: json_schema(item, depth + 1) for key, item in value.items()}
            kind = value.get("type")
            if isinstance(kind, str):
                read["type"] = kind.lower()
            if value.get("nullable") is True and isinstance(kind, str):
                read["type"] = [kind.lower(), "null"]
                del read["nullable"]
            return read
        case _:
            return value
