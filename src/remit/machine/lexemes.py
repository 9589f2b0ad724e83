"""JSON whose numbers keep the digits they were written with: `1.10` stays `1.10`."""

import json
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import NoReturn, cast

from remit.errors import ArgumentError


class _Lexeme(str):
    """A number as it was written."""

    __slots__ = ()


def _no_number(word: str) -> NoReturn:
    raise ArgumentError(f"{word} is no JSON number")


# Made once: to make one costs more than to read, or write, most arguments.
def _reader(whole: Callable[[str], object], part: Callable[[str], object]) -> json.JSONDecoder:
    return json.JSONDecoder(parse_int=whole, parse_float=part, parse_constant=_no_number)


_LEXEMES, _VALUES = _reader(_Lexeme, _Lexeme), _reader(int, Decimal)
_WORDS = {None: "null", True: "true", False: "false"}


def _read(text: str, reader: json.JSONDecoder) -> object:
    try:
        return reader.decode(text)
    except (ValueError, RecursionError) as exc:
        raise ArgumentError(f"not JSON: {exc}") from exc


def _write(value: object) -> str:
    if isinstance(value, str):
        return value if isinstance(value, _Lexeme) else encode_basestring(value)
    if isinstance(value, dict):
        tree = cast("dict[str, object]", value)
        return (
            "{"
            + ",".join([f"{encode_basestring(key)}:{_write(tree[key])}" for key in sorted(tree)])
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join([_write(each) for each in value]) + "]"
    return _WORDS[cast("bool | None", value)]


def compact(text: str) -> str:
    """JSON text with sorted keys and no spaces. Raises `ArgumentError` for what is not JSON."""
    try:
        return _write(_read(text, _LEXEMES))
    except RecursionError as exc:
        raise ArgumentError("nested too deep") from exc


def exact(text: str) -> object:
    """The value of JSON text, its fractions as `Decimal`. Raises `ArgumentError`."""
    return _read(text, _VALUES)


def wrapped(schema: dict[str, object]) -> str:
    """The schema of `final_answer`: providers want an object, so any answer stands in `answer`."""
    defs = schema.pop("$defs", None)
    tree: dict[str, object] = {
        "type": "object",
        "properties": {"answer": schema},
        "required": ["answer"],
        "additionalProperties": False,
    }
    if defs is not None:
        tree["$defs"] = defs
    return json.dumps(tree, sort_keys=True)


def unwrap(text: str) -> str:
    """The JSON text of the answer inside the arguments of `final_answer`.

    Raises `ArgumentError` when they are anything but one object with the key `answer`.
    """
    tree = _read(text, _LEXEMES)
    if not isinstance(tree, dict) or set(tree) != {"answer"}:
        raise ArgumentError("the arguments of final_answer are one object with the key 'answer'")
    return _write(tree["answer"])


def brief_of(text: str) -> str:
    """The brief in the arguments of a call to a sub-agent. Raises `ArgumentError`."""
    tree = _read(text, _VALUES)
    brief = tree.get("brief") if isinstance(tree, dict) and set(tree) == {"brief"} else None
    if not isinstance(brief, str):
        raise ArgumentError("the arguments are one object with the text 'brief'")
    return brief
