"""Hours, days and months of a time zone, also where its clocks are set forward and back."""

from datetime import UTC as ZERO
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.app.calendars import calendar_of
from remit.values.windows import UTC, Calendar, ShortKind, WindowKind

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Africa/Cairo",  # its clocks go forward at midnight: that hour does not exist
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",
)
KINDS: tuple[WindowKind, ...] = ("hour", "day", "month")
START_MS = 1_790_000_000_000
YEAR_MS = 365 * 24 * 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZERO).timestamp()) * 1000


def told(kind: WindowKind, zone: str, at_ms: int) -> str:
    """What the machine's own table of zones says."""
    local = datetime.fromtimestamp(at_ms // 1000, ZERO).astimezone(ZoneInfo(zone))
    text = local.replace(tzinfo=None).isoformat()
    return text[: {"hour": 13, "day": 10, "month": 7}[kind]]


@pytest.mark.requirement("BUD-3")
@pytest.mark.parametrize("zone", ZONES)
@given(ahead=st.integers(0, YEAR_MS), kind=st.sampled_from(KINDS))
def test_windows_are_those_of_the_zone(zone: str, ahead: int, kind: WindowKind) -> None:
    calendar = calendar_of(zone, START_MS)
    at_ms = START_MS + ahead
    assert calendar.window(kind, at_ms) == told(kind, zone, at_ms)


@pytest.mark.requirement("BUD-3")
@pytest.mark.parametrize("zone", ZONES)
@given(ahead=st.integers(0, YEAR_MS), kind=st.sampled_from(KINDS))
def test_a_window_ends_where_the_next_begins(zone: str, ahead: int, kind: WindowKind) -> None:
    calendar = calendar_of(zone, START_MS)
    now_ms = START_MS + ahead
    ends_ms = calendar.ends_ms(kind, now_ms)
    assert now_ms < ends_ms <= now_ms + 32 * 24 * 3_600_000
    assert calendar.window(kind, ends_ms - 1) == calendar.window(kind, now_ms)
    assert calendar.window(kind, ends_ms) > calendar.window(kind, now_ms)


def test_the_hour_that_comes_twice_is_one_window() -> None:
    berlin = calendar_of("Europe/Berlin", ms("2026-10-01"))
    first, second = ms("2026-10-25T00:10"), ms("2026-10-25T01:10")
    assert berlin.window("hour", first) == berlin.window("hour", second) == "2026-10-25T02"
    assert berlin.ends_ms("hour", first) == ms("2026-10-25T02:00")
    assert berlin.ends_ms("day", first) - ms("2026-10-24T22:00") == 25 * 3_600_000


def test_a_midnight_that_does_not_exist_begins_when_the_clocks_have_moved() -> None:
    cairo = calendar_of("Africa/Cairo", ms("2027-04-01"))
    eve = ms("2027-04-29T21:30")  # 23:30, and half an hour later it is one o'clock
    assert cairo.ends_ms("day", eve) == eve + timedelta(minutes=30) // timedelta(milliseconds=1)


def test_a_calendar_is_data() -> None:
    berlin = calendar_of("Europe/Berlin", START_MS)
    assert Calendar.model_validate_json(berlin.model_dump_json()) == berlin
    assert UTC.window("month", 0) == "1970-01"


@pytest.mark.requirement("TOOL-15")
@pytest.mark.parametrize(("kind", "length_ms"), [("second", 1_000), ("minute", 60_000)])
@given(ahead=st.integers(0, YEAR_MS))
def test_seconds_and_minutes_are_those_of_utc_in_every_zone(
    kind: ShortKind, length_ms: int, ahead: int
) -> None:
    calendar, now_ms = calendar_of("Australia/Lord_Howe", START_MS), START_MS + ahead
    text = datetime.fromtimestamp(now_ms // 1000, ZERO).replace(tzinfo=None).isoformat()
    assert calendar.window(kind, now_ms) == text[: {"second": 19, "minute": 16}[kind]]
    ends_ms = calendar.ends_ms(kind, now_ms)
    assert now_ms < ends_ms <= now_ms + length_ms
    assert ends_ms % length_ms == 0
