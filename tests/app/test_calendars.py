"""Calendars come from the machine's time zones; a zone it does not know is refused."""

import pytest

from remit.app.calendars import Calendars, calendar_of, check_zone
from remit.errors import ConfigError
from remit.values.windows import UTC

NOW_MS = 1_790_000_000_000  # September 2026


@pytest.mark.requirement("BUD-3")
def test_each_tenant_has_its_own_else_the_default() -> None:
    calendars = Calendars("UTC", {"acme": "Asia/Tokyo"})
    assert calendars.of("acme", NOW_MS).zone == "Asia/Tokyo"
    assert calendars.of("globex", NOW_MS) is UTC


def test_all_changes_within_the_next_year_are_in_it_and_it_is_made_once_a_day() -> None:
    berlin = calendar_of("Europe/Berlin", NOW_MS)
    assert [shift.minutes for shift in berlin.shifts] == [120, 60, 120]
    assert calendar_of("Europe/Berlin", NOW_MS + 1000) is berlin
    assert [shift.minutes for shift in calendar_of("Asia/Tokyo", NOW_MS).shifts] == [540]


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "", "a\0b"])
def test_an_unknown_zone_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(ConfigError, match="write it as 'Europe/Berlin'"):
        check_zone(name)
