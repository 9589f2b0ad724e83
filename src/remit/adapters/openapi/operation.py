"""One operation of an API: what it takes, where each argument goes, and its contract as a tool."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from remit.adapters.openapi.document import Document, Tree, tree_of
from remit.adapters.openapi.schema import Schemas, text_of
from remit.errors import SpecError

Place = Literal["path", "query", "header", "body"]
BodyKind = Literal["", "json", "form"]
MAX_DESCRIPTION = 2_000  # of characters; each request pays for every one of them
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Set by us, by the HTTP client, or meant for machines between: no model writes them.
_OWN_HEADERS = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type"}
    | {"cookie", "expect", "forwarded", "host", "idempotency-key", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "via", "x-http-method-override", "x-method-override"}
)
_STYLES = {
    "path": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Where one argument goes, and how it is written there."""

    argument: str
    """The model's name of it."""
    name: str
    place: Place
    style: str = ""
    explode: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one operation takes; `schema` is JSON Schema as text."""

    key: str
    """`METHOD /path`."""
    id: str
    method: str
    path: str
    description: str
    schema: str
    parameters: tuple[Parameter, ...]
    body: BodyKind = ""

    @property
    def is_read(self) -> bool:
        """By its method it changes nothing (RFC 9110, section 9.2.1)."""
        return self.method in READS


def chosen(document: Document, allow: Sequence[str]) -> list[Operation]:
    """The operations of the list, by id or by `METHOD /path`. Raises `SpecError`."""
    if not allow:
        raise SpecError(f"{document.name}: name in `allow` the operations that become tools")
    known = document.operations()
    by_id: dict[str, list[str]] = {}
    for key, (_, _, _, operation) in known.items():
        by_id.setdefault(str(operation.get("operationId", "")), []).append(key)
    found = []
    for each in dict.fromkeys(allow):
        method, _, path = each.partition(" ")
        keys = by_id.get(each, []) if not path else [f"{method.upper()} {path.strip()}"]
        if len(keys) != 1 or keys[0] not in known:
            shown = ", ".join(sorted(filter(None, by_id))[:20]) or ", ".join(sorted(known)[:20])
            raise SpecError(
                f"{document.name}: there is not one operation {each!r}; there are {shown}"
            )
        try:
            found.append(_operation(document, keys[0], *known[keys[0]]))
        except SpecError as exc:
            raise SpecError(f"{document.name}: {keys[0]}: {exc}") from exc
    return found


def _operation(
    document: Document, key: str, method: str, path: str, item: Tree, operation: Tree
) -> Operation:
    schemas = Schemas(document)
    properties: dict[str, object] = {}
    required: list[str] = []
    parameters = []
    for raw in _parameters(document, item, operation):
        parameter = _parameter(raw, set(properties))
        if parameter is None:
            continue
        parameters.append(parameter)
        properties[parameter.argument] = _schema_of(raw, schemas)
        if raw.get("required") is True or parameter.place == "path":
            required.append(parameter.argument)
    body, schema, needed = _body(document, operation, schemas)
    if body:
        name = "body" if "body" not in properties else "request_body"
        parameters.append(Parameter(argument=name, name="", place="body"))
        properties[name] = schema
        required += [name] if needed else []
    whole = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    _check_path(path, parameters)
    return Operation(
        key=key,
        id=str(operation.get("operationId", "")),
        method=method,
        path=path,
        description=_description(key, item, operation),
        schema=text_of(whole, schemas.definitions),
        parameters=tuple(parameters),
        body=body,
    )


def _parameters(document: Document, item: Tree, operation: Tree) -> Iterable[Tree]:
    """Those of the path and of the operation; the latter win (section 4.8.10)."""
    found: dict[tuple[str, str], Tree] = {}
    for where in (item, operation):
        given = where.get("parameters", [])
        for each in cast("list[object]", given) if isinstance(given, list) else []:
            raw = document.follow(each)
            found[str(raw.get("in", "")), str(raw.get("name", ""))] = raw
    return found.values()


def _parameter(raw: Tree, taken: set[str]) -> Parameter | None:
    """Where the parameter goes; None for one that no model sets."""
    name, place = str(raw.get("name", "")), str(raw.get("in", ""))
    own = place == "header" and (name.lower() in _OWN_HEADERS or name.lower().startswith("proxy-"))
    if own or (place == "cookie" and raw.get("required") is not True):
        return None
    if place not in _STYLES or not name:
        raise SpecError(f"its parameter {name!r} is in {place!r}, which no tool can set")
    style = str(raw.get("style", _STYLES[place][0]))
    if style not in _STYLES[place]:
        raise SpecError(f"its parameter {name!r} has the style {style!r}, which is not written")
    argument = name if name not in taken else f"{place}_{name}"
    return Parameter(
        argument=argument,
        name=name,
        place=cast("Place", place),
        style=style,
        explode=bool(raw.get("explode", style == "form")),
        as_json="content" in raw,
    )


def _schema_of(raw: Tree, schemas: Schemas) -> object:
    if "content" in raw:
        (media, *_) = tree_of(raw["content"]).values() or ({},)
        schema = schemas.read(tree_of(media).get("schema", {}))
    else:
        schema = schemas.read(raw.get("schema", {}))
    about = str(raw.get("description", "")).strip()
    if about and isinstance(schema, dict) and "description" not in schema:
        return {**schema, "description": about[:MAX_DESCRIPTION]}
    return schema


def _body(document: Document, operation: Tree, schemas: Schemas) -> tuple[BodyKind, object, bool]:
    """How the body is written, its schema, and whether there must be one."""
    if "requestBody" not in operation:
        return "", {}, False
    body = document.follow(operation["requestBody"])
    content = tree_of(body.get("content"))
    for media, value in content.items():
        kind = _kind_of(media)
        if kind:
            schema = schemas.read(tree_of(value).get("schema", {}))
            return kind, schema, body.get("required") is True
    if body.get("required") is True:
        raise SpecError(f"its body is {', '.join(content) or 'nothing'}, which no tool writes")
    return "", {}, False


def _kind_of(media: str) -> BodyKind:
    bare = media.partition(";")[0].strip().lower()
    if bare == "application/json" or bare.endswith("+json"):
        return "json"
    return "form" if bare == "application/x-www-form-urlencoded" else ""


def _check_path(path: str, parameters: Sequence[Parameter]) -> None:
    left = path
    for each in parameters:
        if each.place == "path":
            left = left.replace(f"{{{each.name}}}", "")
    if "{" in left or not path.startswith("/"):
        raise SpecError(f"its path {path!r} has parts that no parameter fills")


def _description(key: str, item: Mapping[str, object], operation: Tree) -> str:
    texts = [str(operation.get(word, "")).strip() for word in ("summary", "description")]
    texts = [text for text in texts if text] or [str(item.get("summary", "")).strip() or key]
    return "\n\n".join(dict.fromkeys(texts))[:MAX_DESCRIPTION]
