"""Classes of tokens add up, and days are those of UTC."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.values.statement import OUTPUT, day_of, start_ms, token_classes
from remit.values.usage import Usage
from tests.wire.strategies import usages


@pytest.mark.requirement("BIL-2")
@given(usages())
def test_no_class_is_a_part_of_another(usage: Usage) -> None:
    classes = token_classes(usage)
    assert sum(classes.values()) == usage.total
    assert classes[OUTPUT] == usage.output
    assert min(classes.values()) >= 0


def test_days() -> None:
    assert day_of(0) == date(1970, 1, 1)
    assert day_of(start_ms(date(2026, 11, 19))) == date(2026, 11, 19)
    assert day_of(start_ms(date(2026, 11, 19)) - 1) == date(2026, 11, 18)


@given(st.integers(0, 4_000_000_000_000))
def test_a_day_holds_its_instants(ms: int) -> None:
    assert 0 <= ms - start_ms(day_of(ms)) < 86_400_000
