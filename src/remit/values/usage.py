"""Token counts of one model call, in one meaning for all providers."""

from pydantic import BaseModel, ConfigDict, Field

MOST_TOKENS = 1_000_000_000
"""More than any model reads or writes at once by orders of magnitude: beyond it is no count."""


class Usage(BaseModel):
    """Tokens of one model call.

    `input` counts everything the model read, cached tokens included; `cache_read` and
    `cache_write` are parts of it, `cache_write_1h` is the part of `cache_write` that is kept for an
    hour instead of minutes, and dearer. `output` counts everything it wrote; `reasoning` is a part
    of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: int = Field(default=0, ge=0)
    output: int = Field(default=0, ge=0)
    cache_read: int = Field(default=0, ge=0)
    cache_write: int = Field(default=0, ge=0)
    cache_write_1h: int = Field(default=0, ge=0)
    reasoning: int = Field(default=0, ge=0)

    @property
    def total(self) -> int:
        """Tokens that count against a token budget."""
        return self.input + self.output

    @property
    def credible(self) -> bool:
        """Whether one call can have used so much."""
        parts = (self.cache_read, self.cache_write, self.cache_write_1h, self.reasoning)
        return max(self.input, self.output, *parts) < MOST_TOKENS

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            reasoning=self.reasoning + other.reasoning,
        )
