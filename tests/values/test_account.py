"""Account names say who, over which window, in which unit; a run's own has a short name."""

import pytest

from remit.values.account import (
    OPERATOR,
    OWN,
    SCOPES,
    WINDOWS,
    WORLD,
    account,
    dated,
    holder_of,
    is_alert,
    is_rate,
    keeper,
    limit_names,
    own_name,
    rate_account,
    resets_ms,
    resolve,
    scope_of,
    undated,
    unit_of,
    window_of,
)
from remit.values.windows import UTC, Calendar, Shift

BERLIN = Calendar(zone="Europe/Berlin", shifts=(Shift(from_ms=0, minutes=60),))
NIGHT_MS = 1_795_303_800_000
"""2026-11-21 23:30 UTC, half past midnight in Berlin."""


@pytest.mark.requirement("BUD-1", "BUD-2", "BUD-3")
def test_names_of_accounts() -> None:
    name = account("run", "run_1", "nano")
    assert name == "run:run_1|total|nano"
    assert (scope_of(name), window_of(name), unit_of(name)) == ("run", "total", "nano")
    daily = account("session", "s1", "tokens", "day")
    assert daily == "session:s1|day|tokens"
    assert (scope_of(daily), window_of(daily), unit_of(daily)) == ("session", "day", "tokens")
    assert holder_of(daily) == "session:s1"


def test_a_runs_own_account_is_resolved_and_no_other() -> None:
    own = account("run", OWN, "nano")
    assert own == "run:.|total|nano"
    assert resolve(own, "run_1") == "run:run_1|total|nano"
    assert own_name("run:run_1|total|nano", "run_1") == own
    for other in (account("run", "run_0", "nano"), account("session", OWN, "nano")):
        assert resolve(other, "run_1") == other
        assert own_name(other, "run_1") == other


@pytest.mark.requirement("BUD-3")
@pytest.mark.parametrize("scope", SCOPES)
def test_a_window_is_that_of_the_tenants_calendar(scope: str) -> None:
    name = f"{scope}:ann|day|nano"
    day = "2026-11-21" if scope == "global" else "2026-11-22"
    opened = dated(name, NIGHT_MS, BERLIN)
    assert opened == f"{scope}:ann|day:{day}|nano"
    assert undated(opened) == name
    assert (window_of(opened), unit_of(opened)) == ("day", "nano")
    half_an_hour = 30 * 60_000
    until = NIGHT_MS + half_an_hour + (0 if scope == "global" else 23 * 3_600_000)
    assert resets_ms(opened, NIGHT_MS, BERLIN) == until


@pytest.mark.requirement("BUD-3")
def test_each_kind_of_window_has_instances_and_the_whole_has_none() -> None:
    found = {dated(f"user:ann|{kind}|calls", NIGHT_MS, UTC) for kind in WINDOWS}
    assert found == {
        "user:ann|hour:2026-11-21T23|calls",
        "user:ann|day:2026-11-21|calls",
        "user:ann|month:2026-11|calls",
    }
    for whole in ("user:ann|total|nano", "user:ann|alert|nano"):
        assert dated(whole, NIGHT_MS, UTC) == undated(whole) == whole
        assert resets_ms(whole, NIGHT_MS, UTC) is None


@pytest.mark.requirement("TOOL-15")
def test_rates_have_windows_of_seconds_and_minutes_too_and_are_no_budgets() -> None:
    name = rate_account("send_mail,ann", "minute", everywhere=False)
    assert name == "rate:send_mail,ann|minute|calls"
    opened = dated(name, NIGHT_MS + 61_000, BERLIN)
    assert opened == "rate:send_mail,ann|minute:2026-11-21T23:31|calls"
    assert (undated(opened), window_of(opened)) == (name, "minute")
    assert resets_ms(opened, NIGHT_MS + 61_000, BERLIN) == NIGHT_MS + 120_000
    day = rate_account("send_mail", "day", everywhere=False)
    world = rate_account("send_mail", "day", everywhere=True)
    assert dated(day, NIGHT_MS, BERLIN).split("|")[1] == "day:2026-11-22"
    assert dated(world, NIGHT_MS, BERLIN).split("|")[1] == "day:2026-11-21"
    assert (keeper("acme", day), keeper("acme", world)) == ("acme", OPERATOR)
    assert [is_rate(each) for each in (name, world, "user:ann|day|calls")] == [True, True, False]


@pytest.mark.requirement("BUD-8")
def test_an_alert_is_told_apart() -> None:
    assert is_alert(account("session", "alert", "nano", "alert"))
    assert not is_alert(account("session", "alert", "nano"))


@pytest.mark.requirement("TEN-1")
def test_what_belongs_to_everybody_is_kept_by_the_operator() -> None:
    everybody = account("global", WORLD, "nano", "day")
    assert keeper("acme", everybody) == OPERATOR
    assert keeper("acme", account("tenant", "acme", "nano")) == "acme"


def test_a_limit_may_be_set_for_one_or_for_each() -> None:
    names = limit_names("user:ann|day:2026-11-21|nano")
    assert names == ("user:ann|day|nano", "user:*|day|nano")
