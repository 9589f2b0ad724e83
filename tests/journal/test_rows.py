"""Rows carry what the store knows; a balance never offers what is not there."""

from hypothesis import given
from hypothesis import strategies as st

from remit.journal.rows import Balance

AMOUNT = st.integers(-(10**12), 10**12)


@given(posted=AMOUNT, held=AMOUNT, limit=AMOUNT)
def test_what_is_available_is_never_negative_and_never_too_much(
    posted: int, held: int, limit: int
) -> None:
    available = Balance("a", posted, held, limit).available
    assert available >= 0
    assert available == 0 or posted + held + available == limit
