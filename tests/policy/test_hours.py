"""Hours of the week, over midnight too; the tenant's calendar says which they are."""

import pytest
from pydantic import ValidationError

from remit.policy.hours import Hours
from remit.policy.permission import Question, Rule, matches
from remit.values.windows import Calendar, Shift

DAY_MS = 24 * 3600 * 1000
MONDAY_MS = 4 * DAY_MS


@pytest.mark.parametrize(
    ("hours", "weekday", "minute", "holds"),
    [
        (Hours(), 3, 0, True),
        (Hours(days=("mon",), start="09:00", end="17:00"), 0, 540, True),
        (Hours(days=("mon",), start="09:00", end="17:00"), 0, 1020, False),
        (Hours(days=("mon",), start="09:00", end="17:00"), 1, 600, False),
        (Hours(days=("fri",), start="22:00", end="02:00"), 4, 1380, True),
        (Hours(days=("fri",), start="22:00", end="02:00"), 5, 60, True),
        (Hours(days=("fri",), start="22:00", end="02:00"), 5, 120, False),
        (Hours(days=("fri",), start="22:00", end="02:00"), 4, 60, False),
        (Hours(days=("sun",), start="22:00", end="02:00"), 0, 60, True),
    ],
)
def test_hours_hold(hours: Hours, weekday: int, minute: int, holds: bool) -> None:
    assert hours.holds(weekday, minute) is holds


@pytest.mark.parametrize(
    "wrong", [{"start": "9:00"}, {"end": "25:00"}, {"start": "08:00", "end": "08:00"}, {"days": ()}]
)
def test_hours_that_are_none_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Hours.model_validate(wrong)


@pytest.mark.requirement("PERM-5")
def test_a_rule_holds_in_the_tenants_own_time() -> None:
    night = Rule(id="night", effect="deny", tool="*", hours=(Hours(start="22:00", end="06:00"),))
    east = Calendar(zone="East", shifts=(Shift(from_ms=0, minutes=120),))

    def at(hour: int, calendar: Calendar) -> bool:
        question = Question(
            tool="x",
            access="write",
            risk="low",
            arguments="{}",
            now_ms=MONDAY_MS + hour * 3600 * 1000,
            calendar=calendar,
        )
        return matches(night, question)

    assert not at(20, Calendar())
    assert at(20, east)
    assert at(5, Calendar())
    assert not at(5, east)
