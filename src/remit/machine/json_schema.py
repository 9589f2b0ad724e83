"""JSON Schema 2020-12 for arguments that came from elsewhere: bounded, linear, no reference leaves.

Source: JSON Schema Core and Validation, 2020-12. What a schema demands and this does not check is
refused when the tool is declared, never passed over. `format` is a remark there, and here.
"""

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import cast

from remit.errors import ArgumentError
from remit.machine.schema_check import BOUNDS, RANGE, WORDS, Schema, number, resolved
from remit.policy.linear import compiled

MAX_STEPS = 100_000
"""Schemas looked at for one call: a file of a thousand lines takes some thousand."""
MAX_PROBLEMS = 10  # a model mends a few at a time


@dataclass(slots=True)
class _Check:
    root: Schema
    problems: list[str] = field(default_factory=list)
    steps: int = 0

    def say(self, path: str, text: str) -> None:
        self.problems.append(f"{path or 'arguments'}: {text}")

    def fits(self, schema: object, value: object) -> bool:
        """Whether a value fits, without a word about it."""
        kept, self.problems = self.problems, []
        self.look(schema, value, "")
        found, self.problems = self.problems, kept
        return not found

    def look(self, schema: object, value: object, path: str) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise ArgumentError("the arguments are too large for their schema")
        if len(self.problems) >= MAX_PROBLEMS or schema is True:
            return
        if schema is False:
            self.say(path, "nothing may stand here")
            return
        tree = cast("Schema", schema)
        if "$ref" in tree:
            self.look(resolved(self.root, str(tree["$ref"])), value, path)
        if not self._type(tree, value, path):
            return
        for word, check in _CHECKS.items():
            if word in tree:
                check(self, tree, value, path)

    def _type(self, tree: Schema, value: object, path: str) -> bool:
        wanted = tree.get("type")
        if wanted is None:
            return True
        names = cast("list[str]", wanted if isinstance(wanted, list) else [wanted])
        if any(_is(name, value) for name in names):
            return True
        self.say(path, f"must be {' or '.join(names)}")
        return False


def _is(name: str, value: object) -> bool:
    found = number(value)
    if name == "number":
        return found is not None
    if name == "integer":
        return found is not None and found == found.to_integral_value()
    return isinstance(value, WORDS[name])


def _same(one: object, other: object) -> bool:
    """Equality of JSON: 1 is 1.0, and true is no number."""
    left, right = number(one), number(other)
    if left is not None or right is not None:
        return left == right
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


# ---------------------------------------------------------------- one function a keyword


def _enum(check: _Check, tree: Schema, value: object, path: str) -> None:
    options = cast("list[object]", tree["enum"])
    if not any(_same(value, each) for each in options):
        shown = ", ".join(str(each) for each in options[:20])
        check.say(path, f"must be one of {shown}")


def _const(check: _Check, tree: Schema, value: object, path: str) -> None:
    if not _same(value, tree["const"]):
        check.say(path, f"must be {tree['const']}")


def _properties(check: _Check, tree: Schema, value: object, path: str) -> None:
    if not isinstance(value, dict):
        return
    for name, schema in cast("Schema", tree["properties"]).items():
        if name in value:
            check.look(schema, value[name], _below(path, name))


def _patterned(check: _Check, tree: Schema, value: object, path: str) -> None:
    if not isinstance(value, dict):
        return
    for pattern, schema in cast("Schema", tree["patternProperties"]).items():
        for name, inner in value.items():
            if compiled(pattern).search(name) is not None:
                check.look(schema, inner, _below(path, name))


def _additional(check: _Check, tree: Schema, value: object, path: str) -> None:
    if not isinstance(value, dict):
        return
    known = cast("Schema", tree.get("properties", {}))
    patterns = cast("Schema", tree.get("patternProperties", {}))
    for name, inner in value.items():
        if name in known or any(compiled(each).search(name) is not None for each in patterns):
            continue
        if tree["additionalProperties"] is False:
            check.say(_below(path, name), "there is no such argument")
        else:
            check.look(tree["additionalProperties"], inner, _below(path, name))


def _names(check: _Check, tree: Schema, value: object, path: str) -> None:
    if isinstance(value, dict):
        for name in value:
            check.look(tree["propertyNames"], name, _below(path, name))


def _required(check: _Check, tree: Schema, value: object, path: str) -> None:
    if isinstance(value, dict):
        for name in cast("list[str]", tree["required"]):
            if name not in value:
                check.say(_below(path, name), "is missing")


def _dependent(check: _Check, tree: Schema, value: object, path: str) -> None:
    if not isinstance(value, dict):
        return
    for name, needed in cast("Mapping[str, list[str]]", tree["dependentRequired"]).items():
        missing = [each for each in needed if each not in value]
        if name in value and missing:
            check.say(path, f"{name} needs {', '.join(missing)} too")


def _prefix(check: _Check, tree: Schema, value: object, path: str) -> None:
    if isinstance(value, list):
        for place, (schema, inner) in enumerate(
            zip(cast("list[object]", tree["prefixItems"]), value, strict=False)
        ):
            check.look(schema, inner, _below(path, str(place)))


def _items(check: _Check, tree: Schema, value: object, path: str) -> None:
    if isinstance(value, list):
        start = len(cast("list[object]", tree.get("prefixItems", [])))
        for place, inner in enumerate(value[start:], start):
            check.look(tree["items"], inner, _below(path, str(place)))


def _unique(check: _Check, tree: Schema, value: object, path: str) -> None:
    if tree["uniqueItems"] is not True or not isinstance(value, list):
        return
    check.steps += len(value) ** 2 // 2  # each is compared with each
    if check.steps > MAX_STEPS:
        raise ArgumentError("the arguments are too large for their schema")
    if any(_same(one, other) for at, one in enumerate(value) for other in value[:at]):
        check.say(path, "must not repeat an item")


_SIZED = {"Length": str, "Items": list, "Properties": dict}


def _size(measured: str | None, value: object) -> Decimal | None:
    """What a keyword compares: a number itself, or the size of a text, a list, an object."""
    if measured is None:
        return number(value)
    fits = isinstance(value, _SIZED[measured])
    return Decimal(len(value)) if fits and isinstance(value, Sized) else None


def _bound(word: str) -> "_Keyword":
    """A keyword that compares with a number: sizes of texts, lists and objects, and numbers."""
    measured = next((name for name in _SIZED if word.endswith(name)), None)

    def look(check: _Check, tree: Schema, value: object, path: str) -> None:
        limit = cast("Decimal", number(tree[word]))
        size = _size(measured, value)
        if size is None:
            return
        low = "in" in word[:3] or word == "exclusiveMinimum"
        exclusive = word.startswith("exclusive")
        if (size == limit and exclusive) or (size < limit if low else size > limit):
            what = "size" if measured else "value"
            side = "more than" if low else "less than"
            least = f"{side} {limit}" if exclusive else f"at {'least' if low else 'most'} {limit}"
            check.say(path, f"its {what} must be {least}")

    return look


def _multiple(check: _Check, tree: Schema, value: object, path: str) -> None:
    found, step = number(value), cast("Decimal", number(tree["multipleOf"]))
    if found is None:
        return
    try:
        rest = found % step
    except InvalidOperation:  # more digits between the two than anybody divides exactly
        rest = step
    if rest != 0:
        check.say(path, f"must be a multiple of {step}")


def _pattern(check: _Check, tree: Schema, value: object, path: str) -> None:
    pattern = str(tree["pattern"])
    if isinstance(value, str) and compiled(pattern).search(value) is None:
        check.say(path, f"must match the pattern {pattern}")


def _all(check: _Check, tree: Schema, value: object, path: str) -> None:
    for schema in cast("list[object]", tree["allOf"]):
        check.look(schema, value, path)


def _any(check: _Check, tree: Schema, value: object, path: str) -> None:
    options = cast("list[object]", tree["anyOf"])
    if not any(check.fits(each, value) for each in options):
        check.say(path, f"fits none of its {len(options)} forms")


def _one(check: _Check, tree: Schema, value: object, path: str) -> None:
    options = cast("list[object]", tree["oneOf"])
    fitting = sum(check.fits(each, value) for each in options)
    if fitting != 1:
        check.say(path, f"must fit one of its {len(options)} forms, and fits {fitting}")


def _not(check: _Check, tree: Schema, value: object, path: str) -> None:
    if check.fits(tree["not"], value):
        check.say(path, "has a form that is ruled out")


def _if(check: _Check, tree: Schema, value: object, path: str) -> None:
    branch = "then" if check.fits(tree["if"], value) else "else"
    check.look(tree.get(branch, True), value, path)


_Keyword = Callable[[_Check, Schema, object, str], None]
_CHECKS: dict[str, _Keyword] = {
    "enum": _enum,
    "const": _const,
    "required": _required,
    "properties": _properties,
    "patternProperties": _patterned,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "dependentRequired": _dependent,
    "prefixItems": _prefix,
    "items": _items,
    "uniqueItems": _unique,
    "multipleOf": _multiple,
    "pattern": _pattern,
    "allOf": _all,
    "anyOf": _any,
    "oneOf": _one,
    "not": _not,
    "if": _if,
}
_CHECKS.update({word: _bound(word) for word in (*BOUNDS, *RANGE)})


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def violations(schema: Schema, value: object) -> tuple[str, ...]:
    """What is wrong with a value, in words for whoever made it; nothing where it fits.

    Numbers are `int` and `Decimal`. `schema` passed `check_schema`. Raises `ArgumentError` for
    what is nested too deep or takes too long.
    """
    check = _Check(schema)
    try:
        check.look(schema, value, "")
    except RecursionError as exc:
        raise ArgumentError("nested too deep") from exc
    return tuple(check.problems[:MAX_PROBLEMS])
