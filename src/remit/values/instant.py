"""Instants and spans of time in words for people and models, in UTC."""

from datetime import UTC, datetime

_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))


def utc_text(at_ms: int) -> str:
    """An instant (Unix, ms) to the second, as ISO 8601 writes it."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span_text(span_ms: int) -> str:
    """A span in its largest whole unit, such as `12 minutes`."""
    for size, name in _UNITS:
        if span_ms >= size:
            count = span_ms // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "less than a second"
