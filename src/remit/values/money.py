"""Money is an integer count of nano-dollars; no float ever enters a computation."""

from decimal import Context, Decimal, InvalidOperation
from typing import NewType

from remit.errors import ConfigError

Nano = NewType("Nano", int)

NANO_PER_USD = 1_000_000_000
# One token of the cheapest priced models costs a few nano-dollars, so a millionth of a dollar
# would round to nothing; nine digits keep every published price an integer per million tokens.
TOKENS_PER_PRICE = 1_000_000
# Stores count in 64 bits: 9.2 billion dollars, or as many tokens as nobody will ever use.
MAX_USD = 1_000_000_000
MAX_COUNT = 2**63 - 1
# More digits than an amount has. Not the program's own context: that may be set to fewer.
_EXACT = Context(prec=40, traps=[])
_LEAST = Decimal("1e-9")


def usd(amount: str | int | Decimal) -> Nano:
    """Nano-dollars of a dollar amount such as `"2.00"`.

    Raises `ConfigError` for a float, a negative or not finite amount, one of more than `MAX_USD`,
    or of more than nine decimals.
    """
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise ConfigError(f"an amount in USD is written as text such as '2.00', not {amount!r}")
    wrong = ConfigError(f"{amount!r} is not an amount in USD such as '2.00'")
    try:
        exact = Decimal(amount)
    except (InvalidOperation, ValueError) as exc:
        raise wrong from exc
    if not exact.is_finite():
        raise wrong
    if exact > MAX_USD:
        raise ConfigError(f"{amount!r}: an amount in USD is at most {MAX_USD:,}")
    # What is out of the context's reach becomes NaN here, which equals nothing.
    counted = exact.quantize(_LEAST, context=_EXACT)
    if counted != exact or exact < 0:
        raise ConfigError(
            f"{amount!r}: an amount in USD is not negative and has at most 9 decimals"
        )
    return Nano(int(_EXACT.multiply(counted, NANO_PER_USD)))


def format_usd(nano: int, decimals: int = 4) -> str:
    """Dollars with at least `decimals` places, never rounded: `$0.0123`."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO_PER_USD)
    digits = f"{rest:09d}".rstrip("0").ljust(decimals, "0")
    return f"{sign}${whole}.{digits}" if digits else f"{sign}${whole}"


def format_amount(unit: str, amount: int) -> str:
    """What an account counts, in words: `$1.50`, `1,000 tokens`; a bare number of anything else."""
    if unit == "nano":
        return format_usd(amount, 2)
    return f"{amount:,} {unit}" if unit in ("tokens", "calls") else str(amount)


def price_of(tokens: int, nano_per_million: int) -> Nano:
    """Cost of tokens, rounded up to the next nano-dollar so that a hold is never too small."""
    return Nano(-(-tokens * nano_per_million // TOKENS_PER_PRICE))
