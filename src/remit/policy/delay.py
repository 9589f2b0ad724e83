"""Delays of writes: how long a call that was let through waits, so that it can be called back."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

from remit.errors import ConfigError
from remit.values.duration import milliseconds

# A month: whoever has not looked by then does not look. An approval may wait three days.
MAX_DELAY_MS = 30 * 24 * 60 * 60 * 1000


class Delay(BaseModel):
    """Calls of the write tools that `tool` (a glob of names) covers wait this long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    delay_ms: int = Field(ge=0, le=MAX_DELAY_MS)


def delay_ms_of(text: str) -> int:
    """The milliseconds of a delay such as `5m`. Raises `ConfigError` for one that is none."""
    ms = milliseconds(text)
    if not 0 < ms <= MAX_DELAY_MS:
        raise ConfigError(f"{text!r}: a delay is longer than nothing and at most 30 days")
    return ms


def delays_of(declared: Mapping[str, str]) -> tuple[Delay, ...]:
    """Delays by the globs they are declared for. Raises `ConfigError`."""
    return tuple(Delay(tool=tool, delay_ms=delay_ms_of(text)) for tool, text in declared.items())


def longest_ms(delays: Iterable[Delay], name: str, server: str) -> int:
    """The longest of the delays that cover a tool; 0 for none."""
    names = (name, f"{server}/{name}") if server else (name,)
    return max(
        (
            delay.delay_ms
            for delay in delays
            if any(fnmatchcase(known, delay.tool) for known in names)
        ),
        default=0,
    )
