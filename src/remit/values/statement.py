"""What a provider says it counted and billed for a day, in one meaning for all providers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from remit.values.usage import Usage

DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TokenClass = Literal[
    "uncached_input",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "output",
]
"""Tokens that are priced alike. No class is a part of another one."""

UNCACHED: TokenClass = "uncached_input"
READ: TokenClass = "cache_read"
WRITE: TokenClass = "cache_write"
"""Written to the cache, where nobody tells for how long."""
WRITE_5M: TokenClass = "cache_write_5m"
WRITE_1H: TokenClass = "cache_write_1h"
OUTPUT: TokenClass = "output"

TOKENS = "tokens"
"""The cost item that stands for all tokens of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """Tokens of one model and class."""

    model: str
    """The provider's own name; empty where it names none."""
    token_class: str
    """A `TokenClass`, or the provider's own words for what we do not know."""
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """Money for one model, or for something that is no model."""

    model: str
    """As in `TokenLine`."""
    item: str
    """`TOKENS`, or the provider's own words: `web_search`, `code_execution`."""
    nano: int
    """Nano-dollars; negative for a credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Everything a provider reports about one UTC day."""

    provider: str
    source: str
    """Which report of the provider it was, such as `anthropic-analytics`."""
    day: date
    tokens: tuple[TokenLine, ...]
    costs: tuple[CostLine, ...] | None
    """None: this report says nothing of money."""
    refreshed_ms: int | None = None
    """How far the report reaches (Unix, ms), where it says so."""
    notes: tuple[str, ...] = ()
    """What a reader must know: another report was used, costs could not be had."""


def token_classes(usage: Usage) -> dict[TokenClass, int]:
    """The tokens of our own count by class; the parts add up to input and output."""
    return {
        UNCACHED: max(0, usage.input - usage.cache_read - usage.cache_write),
        READ: usage.cache_read,
        WRITE_5M: max(0, usage.cache_write - usage.cache_write_1h),
        WRITE_1H: usage.cache_write_1h,
        OUTPUT: usage.output,
    }


def day_of(ms: int) -> date:
    """The UTC day of an instant."""
    return (_EPOCH + timedelta(milliseconds=ms)).date()


def start_ms(day: date) -> int:
    """The first instant of a UTC day (Unix, ms)."""
    return (day - _EPOCH.date()) // DAY * 86_400_000  # milliseconds of a day
