"""The price of a model, in integers, as it stood when a run started."""

from pydantic import BaseModel, ConfigDict, Field

from remit.values.money import Nano, price_of
from remit.values.usage import Usage

# An hour's cache write by Anthropic's published multiple of the input price; nobody else tells
# hours from minutes.
_HOUR_FACTOR = 2
_PERCENT = 100


class ServiceRate(BaseModel):
    """What a call costs that is served in another way: `batch` at 50 % of all rates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    """The provider's word in its answer."""
    percent: int = Field(ge=0)
    held: bool = False
    """A call may be served so: its hold counts on it where that is dearer."""


class PriceTier(BaseModel):
    """Prices that hold for a whole call whose input is longer than `above_tokens`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    above_tokens: int = Field(ge=0)
    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cache_read: int = Field(ge=0)
    cache_write: int = Field(ge=0)
    cache_write_1h: int | None = Field(default=None, ge=0)


class ModelPrice(BaseModel):
    """Prices of one model in integer nano-dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Provider and name, as `anthropic:claude-haiku-4-5-20251001`."""
    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cache_read: int = Field(ge=0)
    cache_write: int = Field(ge=0)
    cache_write_1h: int | None = Field(default=None, ge=0)
    """Of what is kept for an hour instead of minutes; None: twice the input price."""
    context_tokens: int = 0
    """Size of the context window in tokens, 0 if unknown."""
    version: str = ""
    """Version of the table the price was taken from."""
    tiers: tuple[PriceTier, ...] = ()
    """Other prices for long inputs, in rising order; the last one passed holds for all tokens."""
    services: tuple[ServiceRate, ...] = ()
    """Other ways of being served; an answer that names none of them costs the rates above."""

    def cost(self, usage: Usage) -> Nano:
        """What a call costs. Cached tokens are a part of `usage.input` and priced apart."""
        rates: ModelPrice | PriceTier = self
        for tier in self.tiers:
            if usage.input > tier.above_tokens:
                rates = tier
        plain = max(0, usage.input - usage.cache_read - usage.cache_write)
        hour = min(usage.cache_write_1h, usage.cache_write)
        # Both kinds of writes are rounded once: a hold's bound knows three parts of the input.
        written = (usage.cache_write - hour) * rates.cache_write + hour * _hour_rate(rates)
        return Nano(
            price_of(plain, rates.input)
            + price_of(usage.cache_read, rates.cache_read)
            + price_of(1, written)
            + price_of(usage.output, rates.output)
        )

    def served(self, service: str) -> "ModelPrice":
        """The price of a call that was served in this way, by the provider's word for it."""
        percent = {each.service: each.percent for each in self.services}.get(service, _PERCENT)
        if percent == _PERCENT:
            return self
        changed: dict[str, object] = _scaled(self, percent)
        changed["tiers"] = tuple(
            tier.model_copy(update=_scaled(tier, percent)) for tier in self.tiers
        )
        return self.model_copy(update=changed)

    def worst_case(self, input_tokens: int, output_tokens: int) -> Nano:
        """The most a call of at most this size can cost: all input at the dearest input price.

        Hour-long cache writes count where they have a price of their own: who declares one uses
        them (Remit's own requests ask for minutes). A dearer service counts where it is `held`.
        """
        dearest = max(
            max(rates.input, rates.cache_read, rates.cache_write, rates.cache_write_1h or 0)
            for rates in self._reached(input_tokens)
        )
        output = price_of(output_tokens, self.dearest_output(input_tokens))
        return Nano(price_of(input_tokens, _percent_of(dearest, self._dearest_percent)) + output)

    def dearest_output(self, input_tokens: int) -> int:
        """Nano-dollars a million output tokens can cost after an input of at most this length."""
        dearest = max(rates.output for rates in self._reached(input_tokens))
        return _percent_of(dearest, self._dearest_percent)

    @property
    def _dearest_percent(self) -> int:
        return max([_PERCENT, *(each.percent for each in self.services if each.held)])

    def _reached(self, input_tokens: int) -> "list[ModelPrice | PriceTier]":
        """The rates that can hold for an input of at most this length."""
        return [self, *(tier for tier in self.tiers if input_tokens > tier.above_tokens)]


def _hour_rate(rates: ModelPrice | PriceTier) -> int:
    return _HOUR_FACTOR * rates.input if rates.cache_write_1h is None else rates.cache_write_1h


def _percent_of(rate: int, percent: int) -> int:
    """Rounded up, as everything that is held and posted."""
    return -(-rate * percent // _PERCENT)


def _scaled(rates: ModelPrice | PriceTier, percent: int) -> dict[str, object]:
    return {
        "input": _percent_of(rates.input, percent),
        "output": _percent_of(rates.output, percent),
        "cache_read": _percent_of(rates.cache_read, percent),
        "cache_write": _percent_of(rates.cache_write, percent),
        "cache_write_1h": _percent_of(_hour_rate(rates), percent),
    }
