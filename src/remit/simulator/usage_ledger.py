"""What the simulated provider would bill: its answers by UTC day, provider and model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from remit.errors import UnpricedModel
from remit.ports import Prices
from remit.values.statement import TOKENS, CostLine, TokenLine, day_of, token_classes
from remit.values.usage import Usage
from remit.wire.usage.sources import biller

MAX_DAYS = 40  # a month to look back on, and some
MAX_MODELS = 1000  # of one day; further names are counted as one
OTHERS = "other models"


@dataclass(slots=True)
class Billed:
    """One model of one day."""

    tokens: dict[str, int] = field(default_factory=dict)
    nano: int | None = 0
    """None: the model has no known price."""
    calls: int = 0
    last: Usage = field(default_factory=Usage)
    last_nano: int = 0


class UsageLedger:
    """Bounded counts of what was answered."""

    def __init__(self, prices: Callable[[], Prices]) -> None:
        """`prices` makes the price table when the first answer is counted."""
        self._prices = prices
        self._table: Prices | None = None
        self._days: dict[date, dict[tuple[str, str], Billed]] = {}

    def note(self, provider: str, model: str, usage: Usage, now_ms: int) -> None:
        """Count one answer, also one that broke off on its way: it is billed."""
        provider = biller(provider)
        models = self._days.setdefault(day_of(now_ms), {})
        while len(self._days) > MAX_DAYS:
            del self._days[min(self._days)]
        full = len(models) >= MAX_MODELS and (provider, model) not in models
        row = models.setdefault((provider, OTHERS if full else model), Billed())
        for token_class, count in token_classes(usage).items():
            row.tokens[token_class] = row.tokens.get(token_class, 0) + count
        nano = self._cost(provider, model, usage)
        row.nano = None if nano is None or row.nano is None else row.nano + nano
        row.calls += 1
        row.last, row.last_nano = usage, nano or 0

    def models(self, provider: str, day: date) -> dict[str, Billed]:
        """The models of a provider on a day."""
        found = self._days.get(day, {})
        return {model: row for (name, model), row in found.items() if name == provider}

    def _cost(self, provider: str, model: str, usage: Usage) -> int | None:
        if self._table is None:
            self._table = self._prices()
        try:
            return self._table.price(f"{provider}:{model}").cost(usage)
        except UnpricedModel:
            return None


def token_lines(model: str, row: Billed) -> list[TokenLine]:
    """A model's counts as lines of a report."""
    return [
        TokenLine(model=model, token_class=name, tokens=count) for name, count in row.tokens.items()
    ]


def cost_lines(model: str, row: Billed) -> list[CostLine]:
    """A model's money as lines of a report."""
    return [] if row.nano is None else [CostLine(model=model, item=TOKENS, nano=row.nano)]
