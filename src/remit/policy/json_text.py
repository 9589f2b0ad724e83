"""JSON text as rules read it: escapes of strings undone, with the way back to where they stood."""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from remit.policy.secret_scan import Region

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^u])"
)
_KEPT = {'"': b'\\"', "\\": b"\\\\"}
"""What would end a string, or begin an escape: written as it mostly is."""
_STRING = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"')
# Numbers stay text: int() of ten thousand digits is refused by the interpreter, and slow.
_CHECKER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def hides(data: bytes) -> bool:
    """Tell whether escapes may hide a keyword: those that can stand for letters and `/`."""
    return b"\\u" in data or b"\\/" in data


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON document beside `plain`, the same with the escapes of its strings undone.

    Quotes and backslashes stay escaped, each in one way, so that a string ends where it ended.
    `_plain` and `_raw` are the places behind each escape that was undone, in both texts, and
    `_begun` where each begins in `plain`.
    """

    raw: bytes
    plain: bytes
    _begun: list[int]
    _plain: list[int]
    _raw: list[int]

    def pieces(self, regions: Iterable[Region]) -> Iterable[tuple[str, int, int, str]]:
        """The parts of strings in regions of `plain`: kind, place in `raw`, and value."""
        starts, ends = _strings(self.raw)
        for region in regions:
            first = self._back(region.start, whole=False)
            last = self._back(region.drop, whole=True)
            for index in range(bisect_right(ends, first), bisect_left(starts, last)):
                start = max(starts[index], first)
                end = min(ends[index], last)
                # A rule may have cut an escape in two: then it is taken whole.
                start -= _slashes(self.raw, starts[index], start) % 2
                end += _slashes(self.raw, start, end) % 2
                value: str = json.loads(f'"{self.raw[start:end].decode("utf-8", "surrogatepass")}"')
                yield region.kind, start, end, value

    def _back(self, at: int, *, whole: bool) -> int:
        """The place in `raw` of a place in `plain`; within an escape its end, or its beginning."""
        index = bisect_right(self._plain, at)
        if index < len(self._begun) and self._begun[index] < at:
            if whole:
                return self._raw[index]
            at = self._begun[index]
        return at if index == 0 else self._raw[index - 1] + at - self._plain[index - 1]


def _slashes(data: bytes, least: int, end: int) -> int:
    """How many backslashes stand right before `end`, back to `least`."""
    return end - least - len(data[least:end].rstrip(b"\\"))


def read_json(text: str, data: bytes) -> JsonText | None:
    """`text`, of which `data` is the UTF-8; None if it is not JSON."""
    try:
        _CHECKER.decode(text)
    except (ValueError, RecursionError):
        return None
    parts: list[bytes] = []
    begun: list[int] = []
    plain_places: list[int] = []
    raw_places: list[int] = []
    at = length = 0
    for escape in _ESCAPE.finditer(data):
        if escape[0] in {b'\\"', b"\\\\"}:
            continue
        before = data[at : escape.start()]
        character = _character(escape[0])
        parts += [before, character]
        begun.append(length + len(before))
        length += len(before) + len(character)
        at = escape.end()
        plain_places.append(length)
        raw_places.append(at)
    plain = b"".join([*parts, data[at:]])
    return JsonText(data, plain, begun, plain_places, raw_places)


@lru_cache(maxsize=1024)  # more different escapes than a text in one language has
def _character(escape: bytes) -> bytes:
    character: str = json.loads(b'"%b"' % escape)
    return _KEPT.get(character) or character.encode("utf-8", "surrogatepass")


def _strings(data: bytes) -> tuple[list[int], list[int]]:
    """Where the contents of the strings begin and end, empty ones left out."""
    spans = [found.span(1) for found in _STRING.finditer(data) if found[1]]
    return [start for start, _ in spans], [end for _, end in spans]
