"""What the rule-based clerk makes of a ticket's text: language, category, order numbers."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

WORDS = Path(__file__).with_name("words.toml")
SPOKEN = ("en", "de", "fr", "es", "it")
_ORDER = re.compile(r"\b[AB]\d{5}\b")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """A ticket as the clerk understands it."""

    language: str
    """One that the desk writes in."""
    understood: bool
    """The sender's language is one of those."""
    category: str
    orders: tuple[str, ...]
    topic: str


def read(subject: str, body: str) -> Reading:
    """Read a ticket."""
    text = f"{subject}\n{body}"
    spoken = language_of(text)
    understood = spoken in SPOKEN
    category = category_of(text) if understood else "other"
    return Reading(
        language=spoken if understood else "en",
        understood=understood,
        category=category,
        orders=tuple(dict.fromkeys(_ORDER.findall(text))),
        topic=_first(_topics(), text, "shipping"),
    )


def language_of(text: str) -> str:
    """The language whose small words stand there most often; English where none does."""
    words = [word.lower() for word in _WORD.findall(text)]
    counts = {name: sum(map(words.count, known)) for name, known in _languages().items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else "en"


def category_of(text: str) -> str:
    """The first category one of whose words stands there, else `other`."""
    return _first(_categories(), text, "other")


def _first(known: dict[str, re.Pattern[str]], text: str, otherwise: str) -> str:
    return next((name for name, pattern in known.items() if pattern.search(text)), otherwise)


@cache
def _tree() -> dict[str, object]:
    return cast("dict[str, object]", tomllib.loads(WORDS.read_text(encoding="utf-8")))


@cache
def _categories() -> dict[str, re.Pattern[str]]:
    listed = cast("list[dict[str, object]]", _tree()["category"])
    return {str(each["name"]): _any(cast("list[str]", each["words"])) for each in listed}


@cache
def _topics() -> dict[str, re.Pattern[str]]:
    found = cast("dict[str, list[str]]", _tree()["topics"])
    return {name: _any(words) for name, words in found.items()}


@cache
def _languages() -> dict[str, list[str]]:
    return cast("dict[str, list[str]]", _tree()["languages"])


def _any(words: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)
