"""Amounts are read exactly from decimal texts and numbers, and written back digit for digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.money import NANO_PER_USD
from remit.wire.node import Node
from remit.wire.usage.amounts import (
    NANO_PER_CENT,
    any_amount,
    decimal_text,
    nano_of,
    number_amount,
    text_amount,
)


def node(text: str) -> Node:
    return Node.of(text, kind="malformed", about="report: ").get("amount")


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("text", "unit", "nano"),
    [
        ("123.45", NANO_PER_CENT, 1_234_500_000),  # the documentation's own example: $1.2345
        ("123.45", NANO_PER_USD, 123_450_000_000),
        ("0", NANO_PER_CENT, 0),
        ("-2.5", NANO_PER_USD, -2_500_000_000),
        ("1e-9", NANO_PER_USD, 1),
        ("0.13080438340307526", NANO_PER_USD, 130_804_383),
        ("0.0000000005", NANO_PER_USD, 0),  # half to even
        ("0.0000000015", NANO_PER_USD, 2),
    ],
)
def test_amounts_are_exact(text: str, unit: int, nano: int) -> None:
    assert nano_of(text, unit) == nano


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    "text",
    ["", "many", "1,5", "NaN", "Infinity", "1e400", "9" * 16, "1.", ".5", "0x1", "\u0661", "1e99"],
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert nano_of(text, NANO_PER_USD) is None


@given(st.integers(-(10**18), 10**18), st.sampled_from([NANO_PER_CENT, NANO_PER_USD]))
def test_written_and_read_again(nano: int, unit: int) -> None:
    text = decimal_text(nano, unit)
    assert nano_of(text, unit) == nano
    assert Decimal(text) * unit == nano


@pytest.mark.requirement("BIL-2")
def test_an_error_names_the_field() -> None:
    with pytest.raises(ProviderError, match=r"^report: amount: .* decimal amount"):
        text_amount(node('{"amount":"many"}'), NANO_PER_CENT)
    with pytest.raises(ProviderError, match="amount: Input should be a valid string"):
        text_amount(node('{"amount":1.5}'), NANO_PER_CENT)  # a number may be a float of somebody
    with pytest.raises(ProviderError, match="amount: Input should be a decimal amount"):
        number_amount(node('{"amount":null}'), NANO_PER_USD)
    with pytest.raises(ProviderError, match="amount"):
        any_amount(node('{"amount":[]}'), NANO_PER_USD)


def test_numbers_keep_their_digits() -> None:
    assert number_amount(node('{"amount":0.1}'), NANO_PER_USD) == 100_000_000
    assert any_amount(node('{"amount":"0.1"}'), NANO_PER_USD) == 100_000_000
    assert any_amount(node('{"amount":1E-5}'), NANO_PER_USD) == 10_000
