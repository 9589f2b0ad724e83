"""Finds the app's own secrets by their exact value, also base64-, URL- and JSON-encoded."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from remit.errors import ConfigError
from remit.policy.byte_search import compiled
from remit.policy.secret_rule import MAX_SECRET

LEAST_BYTES = 6
"""A shorter value would stand in ordinary text by chance."""

MOST_BYTES = MAX_SECRET // 3
"""URL-encoding makes three bytes of one. (Control characters would make six in JSON; a form that
is too long for the redactor is left out.)"""

_HEAD = 12
"""Bytes of a form that a stream compares as a pattern; the rest is compared directly."""

_WORD = re.compile("[a-z0-9]{1,16}")


def kind_of(name: str) -> str:
    """The kind of a known secret, from its name: `known-` and up to four words of it."""
    return "-".join(["known", *_WORD.findall(name.lower())[:4]])


def forms(value: str) -> set[bytes]:
    """The ways a value is found: as it is, and in the encodings that carry secrets along."""
    raw = value.encode()
    texts = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], _escaped(value)}
    texts |= {_escaped(text) for text in texts}  # JSON within a string of JSON
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        texts |= {escaped, re.sub("%..", lambda found: found[0].lower(), escaped)}
    made = {raw, base64.b64encode(raw), *_inside_base64(raw)}
    made |= {text.encode() for text in texts}
    made |= {form.translate(bytes.maketrans(b"+/", b"-_")) for form in made if form != raw}
    return {form for form in made if LEAST_BYTES <= len(form) <= MAX_SECRET}


def _escaped(text: str) -> str:
    """Text in a JSON string as `remit.policy.json_text` leaves it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _inside_base64(raw: bytes) -> Iterable[bytes]:
    """What is left of `raw` in the base64 of a longer text, for each of three alignments.

    The characters at both ends that also carry bits of the neighbours are left out.
    """
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw)
        yield coded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]


class KnownValues:
    """Exact values (at least one) and their encoded forms.

    Raises `ConfigError` naming the secret whose length will not do.
    """

    __slots__ = ("_kinds", "_longest", "_search", "_started", "_tail")

    def __init__(self, values: Mapping[str, str]) -> None:
        self._kinds: dict[bytes, str] = {}
        for name, value in values.items():
            _check(name, value)
            for form in forms(value):
                self._kinds.setdefault(form, kind_of(name))
        # At one place the longest form wins, so that no rest of an encoding stays behind.
        ordered = sorted(self._kinds, key=lambda form: (-len(form), form))
        self._longest = len(ordered[0])
        self._search = compiled(_either(ordered), "known secrets")
        heads = sorted({form[:_HEAD] for form in ordered})
        self._started = compiled(_either(heads), "known secrets")
        self._tail = compiled(b"(?:%b)\\z" % b"|".join(map(_begun, heads)), "known secrets")

    def find(self, data: bytes, pos: int, end: int) -> tuple[int, int, str] | None:
        """The leftmost known value in `data[pos:end]`: where it begins and ends, and its kind."""
        hit = self._search.search(data, pos, end)
        if hit is None:
            return None
        start, stop = hit.span()
        return start, stop, self._kinds[data[start:stop]]

    def begun(self, data: bytes, pos: int) -> int:
        """The leftmost place from `pos` where the rest of `data` is the beginning of a value."""
        hit = self._tail.search(data, max(pos, len(data) - _HEAD))
        place = len(data) if hit is None else hit.span()[0]
        pos = max(pos, len(data) - self._longest)
        while (hit := self._started.search(data, pos)) is not None:
            pos = hit.span()[0]
            rest = data[pos:]
            if any(form.startswith(rest) for form in self._kinds):
                return min(place, pos)
            pos += 1
        return place


def _check(name: str, value: str) -> None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ConfigError(
            f"known secret {name!r} is not Unicode text; give secrets of raw bytes in base64"
        ) from None  # the cause would show the value
    if not LEAST_BYTES <= size <= MOST_BYTES:
        raise ConfigError(
            f"known secret {name!r}: has {size} bytes, must have {LEAST_BYTES} to {MOST_BYTES}; "
            "a shorter one would be found in ordinary text"
        )


def _either(options: Iterable[bytes]) -> bytes:
    return b"|".join(map(re.escape, options))


def _begun(head: bytes) -> bytes:
    pattern = b""
    for at in reversed(range(len(head))):
        pattern = b"(?:%b%b)?" % (re.escape(head[at : at + 1]), pattern)
    return pattern
