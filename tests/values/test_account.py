"""Account names say who, over which window, in which unit; a run's own has a short name."""

import pytest

from remit.values.account import OWN, account, resolve, scope_of, unit_of


@pytest.mark.requirement("BUD-1", "BUD-2")
def test_names_of_accounts() -> None:
    name = account("run", "run_1", "nano")
    assert name == "run:run_1|total|nano"
    assert (scope_of(name), unit_of(name)) == ("run", "nano")
    daily = account("session", "s1", "tokens", "day")
    assert daily == "session:s1|day|tokens"
    assert (scope_of(daily), unit_of(daily)) == ("session", "tokens")


def test_a_runs_own_account_is_resolved_and_no_other() -> None:
    own = account("run", OWN, "nano")
    assert own == "run:.|total|nano"
    assert resolve(own, "run_1") == "run:run_1|total|nano"
    for other in (account("run", "run_0", "nano"), account("session", OWN, "nano")):
        assert resolve(other, "run_1") == other
