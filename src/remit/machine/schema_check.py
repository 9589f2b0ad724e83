"""Which JSON Schemas arguments can be checked against: the rest is refused when it is declared."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import cast
from urllib.parse import unquote

from remit.errors import SpecError
from remit.policy.linear import compiled

MAX_DEPTH = 64  # of a schema; the deepest in public API documents is below 20
Schema = Mapping[str, object]
# Demands of the standard that hardly anybody makes; a check that is not made must not be promised.
_UNCHECKED = frozenset(
    {"$dynamicRef", "$recursiveRef", "dependentSchemas", "unevaluatedItems"}
    | {"unevaluatedProperties", "contains", "dependencies"}
)
WORDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}
BOUNDS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("additionalProperties", "propertyNames", "items", "not", "if", "then", "else")


def number(value: object) -> Decimal | None:
    """A JSON number; `True` is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def resolved(root: Schema, reference: str) -> object:
    """What a reference within the document (RFC 6901) leads to. Raises `SpecError`."""
    if reference != "#" and not reference.startswith("#/"):
        raise SpecError(f"the reference {reference!r} leads out of the document; copy it in")
    found: object = root
    for part in reference.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = cast("Schema", found)[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise SpecError(f"the reference {reference!r} leads nowhere")
    return found


def check_schema(schema: object) -> Schema:
    """The schema, if all that it demands can be checked. Raises `SpecError` with what cannot."""
    if not isinstance(schema, Mapping):
        raise SpecError("a schema of arguments is an object")
    root = cast("Schema", schema)
    seen = {"#"}
    todo: list[object] = [root]
    while todo:
        references: set[str] = set()
        _check_part(todo.pop(), 0, references)
        # What is referred to may lie outside of every place that holds schemas.
        todo += [resolved(root, each) for each in sorted(references - seen)]
        seen |= references
    return root


def _check_part(part: object, depth: int, references: set[str]) -> None:
    if isinstance(part, bool):
        return
    if depth > MAX_DEPTH or not isinstance(part, Mapping):
        raise SpecError(
            f"a schema is an object, true or false, and no deeper than {MAX_DEPTH} levels"
        )
    unchecked = sorted(_UNCHECKED & part.keys())
    if unchecked:
        raise SpecError(
            f"{unchecked[0]!r} is not checked, so it must not be relied on; leave it out, or leave "
            "the tool out"
        )
    tree = cast("Schema", part)
    if "$ref" in tree:
        references.add(str(tree["$ref"]))
    _check_words(tree)
    _check_sizes(tree)
    for each in _parts(tree):
        _check_part(each, depth + 1, references)


def _parts(tree: Schema) -> Iterable[object]:
    """The schemas inside a schema."""
    for word in _MAPS:
        inner = tree.get(word, {})
        if not isinstance(inner, Mapping):
            raise SpecError(f"{word!r} is an object of schemas")
        yield from inner.values()
    for word in _LISTS:
        inner = tree.get(word, [])
        if not isinstance(inner, list):
            raise SpecError(f"{word!r} is a list of schemas")
        yield from inner
    yield from (tree[word] for word in _SINGLE if word in tree)


def _check_words(tree: Schema) -> None:
    """The keywords whose values are no schemas and no sizes."""
    wanted = tree.get("type", [])
    for name in wanted if isinstance(wanted, list) else [wanted]:
        if name not in (*WORDS, "number", "integer"):
            raise SpecError(f"type {name!r} is none of JSON's")
    patterns = tree.get("patternProperties", {})
    for pattern in patterns if isinstance(patterns, Mapping) else ():
        compiled(str(pattern))
    compiled(str(tree.get("pattern", "")))
    for word in ("enum", "required"):
        if not isinstance(tree.get(word, []), list):
            raise SpecError(f"{word!r} is a list")
    needed = tree.get("dependentRequired", {})
    if not isinstance(needed, Mapping) or not all(isinstance(v, list) for v in needed.values()):
        raise SpecError("'dependentRequired' is an object of lists")


def _check_sizes(tree: Schema) -> None:
    for word in (*BOUNDS, *RANGE, "multipleOf"):
        if word in tree and number(tree[word]) is None:
            raise SpecError(f"{word!r} is a number")
    if number(tree.get("multipleOf", 1)) == 0:
        raise SpecError("'multipleOf' is above nought")
