"""Money in reports: decimal texts and JSON numbers become whole nano-dollars, never floats."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from remit.values.money import NANO_PER_USD
from remit.wire.jsontext import Number
from remit.wire.node import Node

NANO_PER_CENT = NANO_PER_USD // 100
# Fifteen digits of cents are ten trillion dollars; binary fractions leave 17 to 20 digits behind.
_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
MAX_NANO = 10**12 * NANO_PER_USD
_EXACT = Context(prec=200)  # more digits than an amount can have, so that nothing rounds unseen


def nano_of(text: str, unit: int) -> int | None:
    """Nano-dollars of a decimal text in units of `unit` nano-dollars; None if it is none.

    What is finer than a nano-dollar is rounded half to even: no price is finer.
    """
    if not _AMOUNT.fullmatch(text):
        return None
    exact = _EXACT.multiply(Decimal(text), Decimal(unit))
    nano = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN, context=_EXACT))
    return nano if abs(nano) <= MAX_NANO else None


def text_amount(node: Node, unit: int) -> int:
    """The nano-dollars of a decimal text. Raises `ProviderError` naming the field."""
    nano = nano_of(node.text(), unit)
    if nano is None:
        raise node.fail("Input should be a decimal amount written as text")
    return nano


def number_amount(node: Node, unit: int) -> int:
    """The nano-dollars of a JSON number. Raises `ProviderError` naming the field."""
    nano = nano_of(node.value.lexeme, unit) if isinstance(node.value, Number) else None
    if nano is None:
        raise node.fail("Input should be a decimal amount")
    return nano


def any_amount(node: Node, unit: int) -> int:
    """The nano-dollars of a number or of a decimal text, as different exports write them."""
    return text_amount(node, unit) if isinstance(node.value, str) else number_amount(node, unit)


def decimal_text(nano: int, unit: int) -> str:
    """An amount in units of `unit` nano-dollars, a power of ten, exactly and in plain digits."""
    digits = len(str(unit)) - 1
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), unit)
    fraction = f"{rest:0{digits}d}".rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
