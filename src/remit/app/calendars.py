"""Calendars of tenants, made of the machine's time zones once a day and zone."""

from collections.abc import Mapping
from datetime import UTC as ZERO
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from remit.errors import ConfigError
from remit.values.windows import UTC, Calendar, Shift

# A run may wait for humans for weeks; nothing that a run can still do lies beyond this.
_AHEAD_DAYS = 400
_DAY_MS = 24 * 3600 * 1000
_ZONES = 1024  # there are about 600 zones


def check_zone(name: str) -> str:
    """`name` if this machine knows the time zone, else `ConfigError`."""
    _zone(name)
    return name


def calendar_of(zone: str, now_ms: int) -> Calendar:
    """The calendar of a time zone such as `Europe/Berlin`, for a run that starts now."""
    return UTC if zone == "UTC" else _calendar(zone, now_ms // _DAY_MS)


class Calendars:
    """The calendar of each tenant: its own time zone, else the default."""

    def __init__(self, default: str, tenants: Mapping[str, str]) -> None:
        self._default = default
        self._tenants = tenants

    def of(self, tenant: str, now_ms: int) -> Calendar:
        """The calendar of a tenant for a run that starts now."""
        return calendar_of(self._tenants.get(tenant, self._default), now_ms)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigError(
            f"time zone {name!r}: this machine does not know it; write it as 'Europe/Berlin' "
            "(where no zone is known, install the package tzdata)"
        ) from exc


@lru_cache(maxsize=_ZONES)
def _calendar(name: str, day: int) -> Calendar:
    zone = _zone(name)
    first, last = day * _DAY_MS, (day + _AHEAD_DAYS) * _DAY_MS
    shifts = [Shift(from_ms=0, minutes=_minutes(zone, first))]
    at_ms = first
    while at_ms < last:
        after = at_ms + _DAY_MS
        if _minutes(zone, after) != shifts[-1].minutes:
            from_ms = _change(zone, at_ms, after)
            shifts.append(Shift(from_ms=from_ms, minutes=_minutes(zone, from_ms)))
        at_ms = after
    return Calendar(zone=name, shifts=tuple(shifts))


def _change(zone: tzinfo, low_ms: int, high_ms: int) -> int:
    """The first instant of the offset that holds at `high_ms`; one change a day at most."""
    wanted = _minutes(zone, high_ms)
    while high_ms - low_ms > 1:
        middle = (low_ms + high_ms) // 2
        if _minutes(zone, middle) == wanted:
            high_ms = middle
        else:
            low_ms = middle
    return high_ms


def _minutes(zone: tzinfo, at_ms: int) -> int:
    offset = datetime.fromtimestamp(at_ms // 1000, ZERO).astimezone(zone).utcoffset()
    return (offset or timedelta()) // timedelta(minutes=1)
