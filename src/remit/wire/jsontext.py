"""JSON that keeps number lexemes: read into plain values, written back digit for digit."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from remit.errors import ProviderError

# Far above what a tool schema or its arguments need, far below the interpreter's own limit.
MAX_DEPTH = 100

_SURROGATE = re.compile("[\ud800-\udfff]")
_HIGH = re.compile("[\ud800-\udbff]\\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written: `1.10` is not `1.1`, `1e400` stays finite."""

    lexeme: str


Json = None | bool | str | Number | list["Json"] | dict[str, "Json"]


def mend(text: str) -> str:
    """`text` without lone surrogates (they become U+FFFD), which no UTF-8 can carry."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    # By way of UTF-16 two halves that met in one text become the character they meant.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Joiner:
    """Mends text that comes in pieces: half a surrogate pair waits for its other half."""

    def __init__(self) -> None:
        self._held = ""

    def push(self, piece: str) -> str:
        """The part of what came so far that is whole."""
        if not self._held and piece.isascii():
            return piece
        text = self._held + piece
        cut = len(text) - 1 if _HIGH.search(text) else len(text)
        self._held = text[cut:]
        return mend(text[:cut])

    def flush(self) -> str:
        """What is still held; a half without its other half becomes U+FFFD."""
        held, self._held = self._held, ""
        return mend(held)


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False)  # `json.dumps` would make one a call
# Numbers stay text: int() of ten thousand digits is refused by the interpreter, and slow.
_CHECKER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)


def parse(text: str | bytes) -> Json:
    """The value of a JSON text. Raises `ProviderError` of kind `malformed`."""
    try:
        if isinstance(text, bytes):
            text = text.decode()
        value: Json = _DECODER.decode(text)
    except (ValueError, RecursionError) as exc:
        # UnicodeDecodeError and JSONDecodeError are ValueErrors; their text holds no payload
        # except UnicodeDecodeError's, which is why only the class and place are told.
        place = f" at byte {exc.start}" if isinstance(exc, UnicodeDecodeError) else f": {exc}"
        word = "not UTF-8" if isinstance(exc, UnicodeDecodeError) else "not JSON"
        raise ProviderError(f"{word}{place}", kind="malformed") from None
    return value


def embed_object(text: str) -> str | None:
    """`text` if it is a JSON object and may be spliced into a document as it stands, else None."""
    mended = mend(text)
    try:
        value: object = _CHECKER.decode(mended)
    except (ValueError, RecursionError):
        return None
    return mended if isinstance(value, dict) else None


def quote(text: str) -> str:
    """A JSON string; characters beyond ASCII stand as they are, so that bytes are few."""
    return _ENCODER.encode(mend(text))


def write(value: Json, depth: int = 0) -> str:
    """Compact JSON text; numbers as they were read. Raises `ProviderError` if nested too deep."""
    if depth > MAX_DEPTH:
        raise ProviderError(f"JSON nested deeper than {MAX_DEPTH} levels", kind="malformed")
    match value:
        case str():
            return quote(value)
        case Number():
            return value.lexeme
        case list():
            return array(write(item, depth + 1) for item in value)
        case dict():
            return record({key: write(item, depth + 1) for key, item in value.items()})
        case None:
            return "null"
        case _:
            return "true" if value else "false"


def array(items: Iterable[str]) -> str:
    """A JSON array of items that are JSON text already."""
    return f"[{','.join(items)}]"


def record(members: dict[str, str]) -> str:
    """A JSON object whose values are JSON text already: raw text is spliced, never re-read."""
    return "{" + ",".join(f"{quote(key)}:{value}" for key, value in members.items()) + "}"
