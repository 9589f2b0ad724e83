"""The price of a model, in integers, as it stood when a run started."""

from pydantic import BaseModel, ConfigDict, Field

from remit.values.money import Nano, price_of
from remit.values.usage import Usage


class PriceTier(BaseModel):
    """Prices that hold for a whole call whose input is longer than `above_tokens`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    above_tokens: int = Field(ge=0)
    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cache_read: int = Field(ge=0)
    cache_write: int = Field(ge=0)


class ModelPrice(BaseModel):
    """Prices of one model in integer nano-dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Provider and name, as `anthropic:claude-haiku-4-5-20251001`."""
    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cache_read: int = Field(ge=0)
    cache_write: int = Field(ge=0)
    context_tokens: int = 0
    """Size of the context window in tokens, 0 if unknown."""
    version: str = ""
    """Version of the table the price was taken from."""
    tiers: tuple[PriceTier, ...] = ()
    """Other prices for long inputs, in rising order; the last one passed holds for all tokens."""

    def cost(self, usage: Usage) -> Nano:
        """What a call costs. Cached tokens are a part of `usage.input` and priced apart."""
        rates: ModelPrice | PriceTier = self
        for tier in self.tiers:
            if usage.input > tier.above_tokens:
                rates = tier
        plain = max(0, usage.input - usage.cache_read - usage.cache_write)
        return Nano(
            price_of(plain, rates.input)
            + price_of(usage.cache_read, rates.cache_read)
            + price_of(usage.cache_write, rates.cache_write)
            + price_of(usage.output, rates.output)
        )

    def worst_case(self, input_tokens: int, output_tokens: int) -> Nano:
        """The most a call of at most this size can cost: all input at the dearest input price."""
        reached = self._reached(input_tokens)
        dearest = max(max(rates.input, rates.cache_read, rates.cache_write) for rates in reached)
        output = price_of(output_tokens, self.dearest_output(input_tokens))
        return Nano(price_of(input_tokens, dearest) + output)

    def dearest_output(self, input_tokens: int) -> int:
        """Nano-dollars a million output tokens can cost after an input of at most this length."""
        return max(rates.output for rates in self._reached(input_tokens))

    def _reached(self, input_tokens: int) -> "list[ModelPrice | PriceTier]":
        """The rates that can hold for an input of at most this length."""
        return [self, *(tier for tier in self.tiers if input_tokens > tier.above_tokens)]
