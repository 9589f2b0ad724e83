"""Money is counted in whole nano-dollars; what cannot be counted exactly is refused."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError
from remit.values.money import (
    MAX_COUNT,
    MAX_USD,
    NANO_PER_USD,
    TOKENS_PER_PRICE,
    format_amount,
    format_usd,
    price_of,
    usd,
)


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("2.00", 2_000_000_000),
        ("0", 0),
        ("0.000000001", 1),
        (5, 5_000_000_000),
        (Decimal("1.5"), 1_500_000_000),
        ("1e3", 1_000_000_000_000),
        (" 7 ", 7_000_000_000),
    ],
)
def test_amounts(text: str | int | Decimal, nano: int) -> None:
    assert usd(text) == nano


@pytest.mark.parametrize("amount", [2.0, 0.1, True, None, b"1"])
def test_a_float_is_no_amount(amount: object) -> None:
    with pytest.raises(ConfigError, match="written as text"):
        usd(amount)  # type: ignore[arg-type] # what the test shows


@pytest.mark.parametrize("text", ["", "two", "1,5", "nan", "inf", "-inf", "$2"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ConfigError, match="not an amount in USD"):
        usd(text)


@pytest.mark.parametrize(
    "text", ["-1", "0.0000000001", "1.9999999999", "1e-9999999", "-1e9999999", "-1e30"]
)
def test_what_cannot_be_counted(text: str) -> None:
    with pytest.raises(ConfigError, match="not negative and has at most 9 decimals"):
        usd(text)


@pytest.mark.parametrize("text", ["1000000000.000000001", "1e30", "1e999999999", "9" * 29])
def test_an_amount_that_no_store_can_count_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="at most 1,000,000,000"):
        usd(text)


def test_the_greatest_amount_fits_a_store() -> None:
    assert usd(MAX_USD) == 10**18 <= MAX_COUNT


def test_an_amount_does_not_depend_on_how_the_program_rounds() -> None:
    with localcontext() as context:
        context.prec = 3
        assert usd("1234.567891") == 1_234_567_891_000
        with pytest.raises(ConfigError, match="at most 9 decimals"):
            usd("1234.5678901234")


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.0000"),
        (12_300_000, "$0.0123"),
        (1, "$0.000000001"),
        (-1_500_000_000, "-$1.5000"),
        (5_000_000_000, "$5.0000"),
    ],
)
def test_amounts_for_people(nano: int, text: str) -> None:
    assert format_usd(nano) == text


def test_whole_dollars_where_wanted() -> None:
    assert format_usd(5 * NANO_PER_USD, decimals=0) == "$5"
    assert format_usd(5 * NANO_PER_USD + 1, decimals=0) == "$5.000000001"


@given(st.integers(0, 10**18))
def test_what_is_shown_is_what_is_counted(nano: int) -> None:
    assert usd(format_usd(nano).removeprefix("$")) == nano


@pytest.mark.requirement("BUD-1")
@given(tokens=st.integers(0, 10**9), price=st.integers(0, 10**12))
def test_a_price_is_rounded_up_by_less_than_a_nano_dollar(tokens: int, price: int) -> None:
    cost = price_of(tokens, price)
    exact = tokens * price
    assert exact <= cost * TOKENS_PER_PRICE < exact + TOKENS_PER_PRICE


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        ("nano", 1_500_000_000, "$1.50"),
        ("nano", 300_000, "$0.0003"),
        ("tokens", 1_000, "1,000 tokens"),
        ("calls", 12, "12 calls"),
        ("clock", 1_000, "1000"),
    ],
)
def test_what_an_account_counts_in_words(unit: str, amount: int, text: str) -> None:
    assert format_amount(unit, amount) == text
