"""The values in the arguments of a call, each with its dotted path; numbers keep their digits."""

import json
from decimal import Decimal, InvalidOperation
from functools import lru_cache

# Adjusted exponents outside are left as they are written; nobody means such numbers.
_MAX_DIGITS = 40
_KEPT = 256  # many rules look at the few values of one call


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


class Words(tuple[str, ...]):
    """All strings of one list: a command and its arguments."""

    __slots__ = ()


Value = Digits | str | bool | Words | None
Leaf = tuple[str, Value]
# Made once: to make one costs more than to read most calls.
_DECODER = json.JSONDecoder(parse_int=Digits, parse_float=Digits)


def leaves(arguments: str) -> list[Leaf]:
    """Every value in JSON text with its dotted path; what stands in a list has the list's path.

    A list of strings comes once more as a whole (`Words`), for a command may be given in parts.
    Raises `ValueError` for what is no JSON.
    """
    tree: object = _DECODER.decode(arguments)
    found: list[Leaf] = []
    if isinstance(tree, dict):
        for key, value in tree.items():  # most calls are flat: no step into the walk for these
            if value.__class__ is str or value.__class__ is Digits:
                found.append((key, value))
            else:
                _walk(value, key, found)
    else:
        _walk(tree, "", found)
    return found


def _walk(value: object, path: str, found: list[Leaf]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _walk(inner, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, path, found)
        if len(value) > 1 and all(each.__class__ is str for each in value):
            found.append((path, Words(value)))
    elif value is None or isinstance(value, str | bool):
        found.append((path, value))
    else:  # NaN and Infinity, which JSON does not have
        found.append((path, Digits(value)))


def plain(value: Value) -> str:
    """A value as text: numbers in plain digits (`5e2` is 500), `true`, `false`, `null`."""
    if value.__class__ is str:
        return str(value)
    if isinstance(value, Digits):
        return _plain_digits(value)
    if isinstance(value, Words):
        return " ".join(value)
    return json.dumps(value)


def _plain_digits(lexeme: str) -> str:
    try:
        number = Decimal(lexeme)
    except InvalidOperation:  # an exponent beyond what decimals have
        return str(lexeme)
    small = number.is_finite() and abs(number.adjusted()) <= _MAX_DIGITS
    return f"{number:f}" if small else str(lexeme)


def number_of(value: Value) -> Decimal | None:
    """The exact number that a tool would read from a value: digits, also in a string; true is 1.

    None where it is none; NaN where nobody can say how large it is.
    """
    if value is True or value is False:
        return Decimal(int(value))
    if not isinstance(value, str):
        return None
    number = _number(value)
    return Decimal("NaN") if number is None and isinstance(value, Digits) else number


@lru_cache(maxsize=_KEPT)
def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
