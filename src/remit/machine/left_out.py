"""Arguments that a call leaves out and its tool fills in: rules that deny or ask see them too."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import cast

_SCHEMAS = 1_024  # more tools than the agents of a process have
_DEPTH = 64  # of arguments whose schema refers to itself; nobody nests them so deep
_REF = "#/$defs/"

Tree = dict[str, object]


def left_out(parameters: str, arguments: str) -> str:
    """JSON text of what a JSON Schema says of arguments not given; empty where it says nothing.

    `null` says nothing. Both must be JSON. Raises `ValueError` otherwise.
    """
    if '"default"' not in parameters:  # most tools: asked of every call
        return ""
    schema = _schema(parameters)
    found = _missing(schema, json.loads(arguments or "{}"), _tree(schema.get("$defs")), _DEPTH)
    return json.dumps(found) if found else ""


@lru_cache(maxsize=_SCHEMAS)
def _schema(parameters: str) -> Tree:
    return _tree(json.loads(parameters))


def _tree(value: object) -> Tree:
    return cast("Tree", value) if isinstance(value, dict) else {}


def _missing(schema: Tree, value: object, defs: Mapping[str, object], depth: int) -> object:
    """The defaults missing from a value, in its own shape; nothing where none is."""
    if depth == 0 or not isinstance(value, dict | list):
        return None
    found: Tree = {}
    listed: list[object] = []
    for branch in _branches(schema, defs, set()):
        if isinstance(value, list):
            items = _tree(branch.get("items"))
            listed += filter(None, (_missing(items, each, defs, depth - 1) for each in value))
            continue
        for name, about in _tree(branch.get("properties")).items():
            inner = _tree(about)
            if name in value:
                beneath = _missing(inner, value[name], defs, depth - 1)
            else:
                beneath = inner.get("default")
            if beneath is not None:
                found.setdefault(name, beneath)
    return found or listed or None


def _branches(schema: Tree, defs: Mapping[str, object], seen: set[str]) -> Iterator[Tree]:
    """A schema and those that it refers to or is made of, each reference once."""
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REF) and reference not in seen:
        seen.add(reference)
        yield from _branches(_tree(defs.get(reference.removeprefix(_REF))), defs, seen)
    for key in ("anyOf", "oneOf", "allOf"):
        several = schema.get(key)
        for each in several if isinstance(several, list) else ():
            yield from _branches(_tree(each), defs, seen)
