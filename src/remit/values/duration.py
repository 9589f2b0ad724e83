"""Durations as people write them: `250ms`, `30s`, `5m`, `2h`, `3d`."""

import re

from remit.errors import ConfigError

_FORM = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# A hundred years: an instant that lies further ahead may have no date, and none can be shown.
_MOST_DAYS = 36_500


def milliseconds(text: str) -> int:
    """Milliseconds of a duration such as `5m`, at most a hundred years.

    Raises `ConfigError` for anything else.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ConfigError(f"{text!r} is not a duration such as '250ms', '30s', '5m', '2h' or '3d'")
    found = int(form[1]) * _MS[form[2]]
    if found > _MOST_DAYS * _MS["d"]:
        raise ConfigError(f"{text!r}: a duration is at most {_MOST_DAYS}d, a hundred years")
    return found


def spoken(ms: int) -> str:
    """A duration for people: `250 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`."""
    if ms < 1000:  # noqa: PLR2004  # a second
        return f"{ms} ms"
    seconds = ms / 1000
    if seconds < 60:  # noqa: PLR2004  # a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:  # noqa: PLR2004  # an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
