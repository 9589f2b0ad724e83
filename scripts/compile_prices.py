#!/usr/bin/env python3
"""Compiles the price table of the package from the installed genai-prices.

Run from the repository root after an update of genai-prices:

    .venv/bin/python scripts/compile_prices.py --as-of 2026-11-21

One line a model, integers only: nano-dollars per million tokens. Choices, each on the dear side:

- Of prices that begin on a date, the one in force at `--as-of` and all later ones count; of prices
  by the time of day, all. The dearest of those that count is taken, number by number.
- Prices by the length of the input stay apart, as tiers.
- No price for cache reads: they cost what input costs. No price for cache writes: for Claude
  1.25 times the input (its published multiple), for others what input costs.
- Reasoning that costs more than other output makes all output cost that.
- A model without prices for tokens, with a fee for each request, or that costs nothing, stays in
  the table without a price: nothing may run unpriced because a provider gives something away.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal
from importlib.metadata import version
from pathlib import Path

from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
)

TABLE = Path("src/remit/adapters/prices.json")
_NANO_PER_USD = 1_000_000_000

Matcher = str | list["Matcher"]
Row = list[object]


def compile_table(source: Sequence[Provider], as_of: date) -> dict[str, object]:
    """The table as it is written; the same for the same source and date."""
    return {
        "version": f"genai-prices {version('genai-prices')} as of {as_of.isoformat()}",
        "as_of": as_of.isoformat(),
        "providers": {
            provider.id: {
                "fallback": provider.fallback_model_providers or [],
                "models": [_row(model, as_of) for model in provider.models],
            }
            for provider in source
        },
    }


def _row(model: ModelInfo, as_of: date) -> Row:
    """[id, matcher, context window, rates …]: each rates is [above, in, out, read, write]."""
    prices = _in_force(model, as_of)
    starts = sorted({0} | {start for price in prices for start in _starts(price)})
    rates = [_rates(model, prices, start) for start in starts]
    priced = all(rate is not None for rate in rates)
    flat: list[object] = [[start, *rate] for start, rate in zip(starts, rates, strict=True) if rate]
    return [model.id, _matcher(model.match), model.context_window or 0, *(flat if priced else [])]


def _in_force(model: ModelInfo, as_of: date) -> list[ModelPrice]:
    if isinstance(model.prices, ModelPrice):
        return [model.prices]
    counting: list[ModelPrice] = []
    for conditional in model.prices:
        constraint = conditional.constraint
        begun = constraint is None or (
            isinstance(constraint, StartDateConstraint) and constraint.start_date <= as_of
        )
        if begun:
            counting.clear()  # it takes the place of everything before it
        counting.append(conditional.prices)
    return counting


def _starts(price: ModelPrice) -> Iterable[int]:
    for value in vars(price).values():
        if isinstance(value, TieredPrices):
            yield from (tier.start for tier in value.tiers)


def _rates(model: ModelInfo, prices: list[ModelPrice], start: int) -> list[int] | None:
    found = [_one(model, price, start) for price in prices]
    known = [rates for rates in found if rates is not None]
    if len(known) < len(found):
        return None
    dearest = [max(column) for column in zip(*known, strict=True)]
    return dearest if any(dearest) else None


def _one(model: ModelInfo, price: ModelPrice, start: int) -> list[int] | None:
    read = {key: _at(value, start) for key, value in vars(price).items() if value is not None}
    if "input_mtok" not in read or "output_mtok" not in read or "requests_kcount" in read:
        return None
    plain = read["input_mtok"]
    factor = Decimal("1.25") if "claude" in model.id else Decimal(1)
    return [
        _nano(plain),
        _nano(max(read["output_mtok"], read.get("output_reasoning_mtok", Decimal(0)))),
        _nano(read.get("cache_read_mtok", plain)),
        _nano(read.get("cache_write_mtok", plain * factor)),
    ]


def _at(value: Decimal | TieredPrices, start: int) -> Decimal:
    """The price for inputs just longer than `start`."""
    if not isinstance(value, TieredPrices):
        return value
    held = value.base
    for tier in value.tiers:
        if 0 < tier.start <= start:
            held = tier.price
    return held


def _nano(usd_per_million: Decimal) -> int:
    nano = usd_per_million * _NANO_PER_USD
    return int(nano.to_integral_value(ROUND_CEILING))


def _matcher(clause: MatchLogic) -> Matcher:
    """A clause as text (`=` equals, `^` begins, `*` contains, `$` ends, `~` pattern) or a list."""
    if isinstance(clause, ClauseOr):
        return ["|", *(_matcher(one) for one in clause.or_)]
    if isinstance(clause, ClauseAnd):
        return ["&", *(_matcher(one) for one in clause.and_)]
    if isinstance(clause, ClauseEquals):
        return "=" + clause.equals.lower()
    if isinstance(clause, ClauseStartsWith):
        return "^" + clause.starts_with.lower()
    if isinstance(clause, ClauseContains):
        return "*" + clause.contains.lower()
    if isinstance(clause, ClauseEndsWith):
        return "$" + clause.ends_with.lower()
    return "~" + clause.regex


def write_table(table: dict[str, object]) -> str:
    """The table as JSON: the version alone in the first line, then a line a model.

    So the version is read without the rest, and a change reads well in a diff.
    """
    text = json.dumps(table, separators=(",", ":"), ensure_ascii=False)
    text = text.replace(',"providers":', ',\n"providers":', 1)
    return text.replace('],["', '],\n["').replace('"models":[', '"models":[\n') + "\n"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    given = parser.parse_args()
    TABLE.write_text(write_table(compile_table(providers, given.as_of)), encoding="utf-8")


if __name__ == "__main__":
    main()
