"""Token counts add up field by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from remit.values.usage import Usage

COUNTS = st.integers(0, 10**9)
USAGES = st.builds(
    Usage,
    input=COUNTS,
    output=COUNTS,
    cache_read=COUNTS,
    cache_write=COUNTS,
    cache_write_1h=COUNTS,
    reasoning=COUNTS,
)


@pytest.mark.requirement("OBS-3")
@given(USAGES, USAGES, USAGES)
def test_usage_adds_up_in_any_order(a: Usage, b: Usage, c: Usage) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Usage() == a
    for name in Usage.model_fields:
        assert getattr(a + b, name) == getattr(a, name) + getattr(b, name)
    assert (a + b).total == a.total + b.total == a.input + a.output + b.input + b.output


def test_a_count_is_not_negative() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Usage(input=-1)
