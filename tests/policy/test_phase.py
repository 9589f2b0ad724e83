"""Of two phases the one of less trust holds."""

from itertools import combinations_with_replacement
from typing import get_args

import pytest

from remit.policy.phase import Phase, least

PHASES: tuple[Phase, ...] = get_args(Phase)


@pytest.mark.parametrize(("less", "more"), list(combinations_with_replacement(PHASES, 2)))
def test_the_earlier_phase_is_the_one_of_less_trust(less: Phase, more: Phase) -> None:
    assert least(less, more) == less
    assert least(more, less) == less


def test_trust_grows_from_off_to_autonomous() -> None:
    assert PHASES == ("off", "shadow", "supervised", "autonomous")
