"""Texts of a scenario with `${name}` in them, filled from what the conversation says."""

import re
from collections.abc import Iterator, Mapping

from remit.wire.jsontext import Json

_HOLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_]\w*)\})")


def names(value: Json) -> Iterator[str]:
    """The names used anywhere in a text, or in the texts of a JSON value."""
    match value:
        case str():
            yield from (found["name"] for found in _HOLE.finditer(value) if found["name"])
        case list():
            for item in value:
                yield from names(item)
        case dict():
            for item in value.values():
                yield from names(item)
        case _:
            pass


def fill(text: str, captures: Mapping[str, str]) -> str:
    """`text` with its holes filled; `$$` stands for a dollar sign."""
    return _HOLE.sub(lambda found: captures[found["name"]] if found["name"] else "$", text)


def fill_json(value: Json, captures: Mapping[str, str]) -> Json:
    """A JSON value with the holes of its texts filled; a text stays a text."""
    match value:
        case str():
            return fill(value, captures)
        case list():
            return [fill_json(item, captures) for item in value]
        case dict():
            return {key: fill_json(item, captures) for key, item in value.items()}
        case _:
            return value
