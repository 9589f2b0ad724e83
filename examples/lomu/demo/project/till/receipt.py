"""Adds up the lines of a receipt."""

from collections.abc import Iterable
from decimal import Decimal


def line_total(line: str) -> Decimal:
    """The price of a line: `1.50`, or `2 x 1.50` for two of them."""
    return Decimal(line.rsplit("x", maxsplit=1)[-1].strip())


def total(lines: Iterable[str]) -> Decimal:
    """The sum of all lines."""
    return sum((line_total(line) for line in lines), Decimal(0))
