"""Who is who, who has which role, and until when somebody is left alone."""

import pytest

from remit.policy.hours import Hours
from remit.policy.roster import Person, Role, Roster, quiet_until
from remit.values.windows import UTC

ROSTER = Roster(
    people={
        "ann": Person(roles=("finance",), also=("local:ann", "slack:U1")),
        "bob": Person(roles=("sales", "finance"), quiet=(Hours(days=("sun",)),)),
        "zoe": Person(roles=("sales",)),
    },
    roles={"finance": Role(quiet=(Hours(start="22:00", end="06:00"),))},
)
MONDAY = 1_795_392_000_000 - 2 * 86_400_000  # 2026-11-23 is a Monday; counted from the Wednesday
HOUR = 3_600_000


def test_a_principal_is_one_person() -> None:
    assert [ROSTER.person_of(each) for each in ("ann", "local:ann", "slack:U1", "U1")] == [
        "ann",
        "ann",
        "ann",
        "U1",
    ]
    assert ROSTER.problem() == ""
    twice = Roster({"ann": Person(also=("x",)), "bob": Person(also=("x",))})
    assert twice.problem() == "people.bob: 'x' is 'ann' already"
    assert "empty name" in Roster({"ann": Person(also=(" ",))}).problem()


def test_roles_are_those_that_are_declared() -> None:
    assert ROSTER.roles_of("ann") == ("finance",)
    assert ROSTER.roles_of("eve") == ()
    assert ROSTER.having(["finance"]) == ("ann", "bob")
    assert ROSTER.having(["none"]) == ()


def test_who_is_meant_by_a_list() -> None:
    assert ROSTER.meant(["role:finance", "carl"]) == ("carl", "ann", "bob")
    assert ROSTER.meant(["zoe"]) == ("zoe",)
    assert set(ROSTER.meant([])) == {"ann", "bob", "zoe"}


def test_own_quiet_hours_count_before_those_of_roles() -> None:
    assert ROSTER.quiet_of("ann") == (Hours(start="22:00", end="06:00"),)
    assert ROSTER.quiet_of("bob") == (Hours(days=("sun",)),)
    assert ROSTER.quiet_of("zoe") == ()
    assert ROSTER.quiet_of("eve") == ()


@pytest.mark.requirement("APR-2")
def test_quiet_hours_end_to_the_minute() -> None:
    night = (Hours(start="22:00", end="06:00"),)
    day, minute = UTC.time_of_week(MONDAY)
    midnight = MONDAY - minute * 60_000
    assert 0 <= day < 7
    assert quiet_until(night, UTC, midnight + 23 * HOUR + 1) == midnight + 30 * HOUR
    assert quiet_until(night, UTC, midnight + 12 * HOUR) is None
    assert quiet_until((), UTC, midnight) is None
    always = quiet_until((Hours(),), UTC, midnight)
    assert always == midnight + 7 * 24 * HOUR
