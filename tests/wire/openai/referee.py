"""The official SDK's types as a judge of what we send."""

import json
from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter


def plain(value: object) -> object:
    """The SDK's types leave iterables lazy: walking them is what validates them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return value
    return [plain(item) for item in value]


def accepts(params: TypeAdapter[object], body: bytes) -> None:
    """Raise if the types refuse the body, or do not know a member of it: that one is dropped."""
    given = json.loads(body)
    found = plain(params.validate_python(given))
    if found != given:
        raise ValueError(f"the official types do not know all of {body.decode()}")
