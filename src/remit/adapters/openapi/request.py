"""A call of an operation as a request: arguments encoded so that they stay where they belong.

Source: OpenAPI 3.1.1, section 4.8.12 (styles); RFC 3986 (what must be escaped).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote, unquote

from remit.adapters.openapi.operation import Operation, Parameter
from remit.adapters.openapi.schema import scalar
from remit.errors import ToolError
from remit.machine.schema_arguments import json_text

MAX_ADDRESS = 8_192  # what servers take as the first line of a request
_JOINERS = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "|"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, but for the base of its address."""

    method: str
    path: str
    """Escaped, with its query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def request_of(operation: Operation, arguments: Mapping[str, object]) -> Request:
    """The request of a call. Raises `ToolError` for values that no request can carry."""
    path = operation.path
    pairs: list[str] = []
    headers: dict[str, str] = {}
    body: bytes | None = None
    for each in operation.parameters:
        if each.argument not in arguments:
            continue
        value = arguments[each.argument]
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", _segment(each, value))
        elif each.place == "query":
            pairs += _query(each, value)
        elif each.place == "header":
            headers[each.name] = _header(each, value)
        else:
            body = _body(operation, value)
            media = "json" if operation.body == "json" else "x-www-form-urlencoded"
            headers["Content-Type"] = f"application/{media}"
    _check(path)
    whole = f"{path}?{'&'.join(pairs)}" if pairs else path
    if len(whole) > MAX_ADDRESS:
        raise ToolError(f"the arguments make an address longer than {MAX_ADDRESS} characters")
    return Request(operation.method, whole, headers, body)


def _text(parameter: Parameter, value: object) -> str:
    return json_text(value) if parameter.as_json else scalar(value)


def _segment(parameter: Parameter, value: object) -> str:
    """A part of the path, nothing of which can be read as another part."""
    texts = [scalar(each) for each in value] if isinstance(value, list) else [scalar(value)]
    joined = ",".join(quote(_clean(parameter, text), safe="") for text in texts)
    if not joined:
        # An empty part would make another path of it: DELETE /tickets/ is not DELETE /tickets/17.
        raise ToolError(f"{parameter.argument}: it is a part of the address and cannot be empty")
    return joined


def _check(path: str) -> None:
    """No part climbs, however often whoever stands between decodes it."""
    seen = path
    for _ in range(3):
        if any(part in (".", "..") for part in seen.replace("\\", "/").split("/")):
            raise ToolError("an argument of the address would lead to another place; '..' is no id")
        seen = unquote(seen)


def _clean(parameter: Parameter, text: str) -> str:
    if not text.isprintable() and any(char < " " or char == "\x7f" for char in text):
        raise ToolError(f"{parameter.argument}: it has control characters, which no address takes")
    return text


def _query(parameter: Parameter, value: object) -> list[str]:
    name = quote(parameter.name, safe="")
    if parameter.as_json or not isinstance(value, list | dict):
        return [f"{name}={quote(_text(parameter, value), safe='')}"]
    if isinstance(value, list):
        texts = [quote(scalar(each), safe="") for each in value]
        if parameter.explode and parameter.style == "form":
            return [f"{name}={text}" for text in texts]
        return [f"{name}={_JOINERS.get(parameter.style, ',').join(texts)}"] if texts else []
    tree = cast("Mapping[str, object]", value)
    if parameter.style == "deepObject":
        return _deep(name, tree)
    if parameter.explode:
        return [
            f"{quote(key, safe='')}={quote(scalar(each), safe='')}" for key, each in tree.items()
        ]
    flat = ",".join(f"{quote(key, safe='')},{quote(scalar(v), safe='')}" for key, v in tree.items())
    return [f"{name}={flat}"]


def _deep(name: str, value: object) -> list[str]:
    """`name[key]=value`, nested as deep as it goes: how forms carry objects."""
    if isinstance(value, dict):
        inner = cast("Mapping[str, object]", value)
        return [
            pair
            for key, each in inner.items()
            for pair in _deep(f"{name}%5B{quote(key, safe='')}%5D", each)
        ]
    if isinstance(value, list):
        return [pair for each in value for pair in _deep(f"{name}%5B%5D", each)]
    return [f"{name}={quote(scalar(value), safe='')}"]


def _header(parameter: Parameter, value: object) -> str:
    parts: Sequence[object] = value if isinstance(value, list) else [value]
    text = ",".join(_text(parameter, each) for each in parts).strip()
    if not text.isascii() or not text.isprintable():
        raise ToolError(f"{parameter.argument}: a header takes printable ASCII only")
    return text


def _body(operation: Operation, value: object) -> bytes:
    if operation.body == "json":
        return json_text(value).encode()
    if not isinstance(value, dict):
        raise ToolError("the body of a form is an object")
    fields = cast("Mapping[str, object]", value)
    pairs = [pair for key, each in fields.items() for pair in _deep(quote(key, safe=""), each)]
    return "&".join(pairs).encode()
