"""A calendar tells which hour, day and month an instant lies in, in one time zone.

Where the zone's clocks are set forward and back is data (`shifts`), so that a journal read on
another machine, or with a newer table of zones, gives the same windows.
"""

from datetime import UTC as _ZERO
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

WindowKind = Literal["hour", "day", "month"]
ShortKind = Literal["second", "minute"]
"""Windows of rates, besides hours and days; they are those of UTC in every zone."""

_MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=_ZERO)
_FORMATS: dict[str, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
_SHORT: dict[str, tuple[str, int]] = {
    "second": ("%Y-%m-%dT%H:%M:%S", 1_000),
    "minute": ("%Y-%m-%dT%H:%M", 60_000),
}
_FEBRUARY_IS_OVER = 32  # days from the first of any month lead into the next


class Shift(BaseModel):
    """From `from_ms` on, local time is UTC plus `minutes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_ms: int
    minutes: int


class Calendar(BaseModel):
    """Local time of `zone`, as far as its `shifts` reach: before the first it is UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "UTC"
    shifts: tuple[Shift, ...] = ()
    """In rising order."""

    def window(self, kind: WindowKind | ShortKind, now_ms: int) -> str:
        """The window an instant lies in: `2026-11-21T14`, `2026-11-21` or `2026-11`.

        The hour that comes twice when clocks are set back is one window; minutes and seconds do not
        come twice, for they are those of UTC.
        """
        if kind in _SHORT:
            return (_EPOCH + timedelta(milliseconds=now_ms)).strftime(_SHORT[kind][0])
        return self._local(now_ms).strftime(_FORMATS[kind])

    def ends_ms(self, kind: WindowKind | ShortKind, now_ms: int) -> int:
        """When the next window begins, in milliseconds since 1970."""
        if kind in _SHORT:
            length_ms = _SHORT[kind][1]
            return now_ms - now_ms % length_ms + length_ms
        local = self._local(now_ms).replace(minute=0, second=0, microsecond=0)
        if kind == "hour":
            after = local + timedelta(hours=1)
        elif kind == "day":
            after = local.replace(hour=0) + timedelta(days=1)
        else:
            first = local.replace(day=1, hour=0)
            after = (first + timedelta(days=_FEBRUARY_IS_OVER)).replace(day=1)
        naive_ms = (after - _EPOCH) // timedelta(milliseconds=1)
        # The offset that holds there may be another than now; a midnight that clocks skip begins
        # where the skip ends.
        guess = naive_ms - self._minutes(now_ms) * _MINUTE_MS
        there = naive_ms - self._minutes(guess) * _MINUTE_MS
        return max(there, naive_ms - self._minutes(there) * _MINUTE_MS)

    def time_of_week(self, now_ms: int) -> tuple[int, int]:
        """The weekday (0 is Monday) and the minute of the day, in local time."""
        local = self._local(now_ms)
        return local.weekday(), local.hour * 60 + local.minute

    def _minutes(self, now_ms: int) -> int:
        minutes = 0
        for shift in self.shifts:
            if shift.from_ms <= now_ms:
                minutes = shift.minutes
        return minutes

    def _local(self, now_ms: int) -> datetime:
        return _EPOCH + timedelta(milliseconds=now_ms, minutes=self._minutes(now_ms))


UTC = Calendar()
