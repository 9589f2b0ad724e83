"""The price of a model, in integers, as it stood when a run started."""

from pydantic import BaseModel, ConfigDict, Field

from remit.values.money import Nano, price_of
from remit.values.usage import Usage


class ModelPrice(BaseModel):
    """Prices of one model in integer nano-dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Provider and name, as `anthropic:claude-sonnet-4-5-20250929`."""
    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cache_read: int = Field(ge=0)
    cache_write: int = Field(ge=0)
    context_tokens: int = 0
    """Size of the context window in tokens, 0 if unknown."""
    version: str = ""
    """Version of the table the price was taken from."""

    def cost(self, usage: Usage) -> Nano:
        """What a call costs. Cached tokens are a part of `usage.input` and priced apart."""
        plain = max(0, usage.input - usage.cache_read - usage.cache_write)
        return Nano(
            price_of(plain, self.input)
            + price_of(usage.cache_read, self.cache_read)
            + price_of(usage.cache_write, self.cache_write)
            + price_of(usage.output, self.output)
        )

    def worst_case(self, input_tokens: int, output_tokens: int) -> Nano:
        """The most a call of this size can cost: all input at the dearest input price."""
        dearest = max(self.input, self.cache_read, self.cache_write)
        return Nano(price_of(input_tokens, dearest) + price_of(output_tokens, self.output))
