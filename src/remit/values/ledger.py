"""Sums of the ledger: what who used of which model on which day, in tokens, calls and money."""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from remit.values.usage import Usage
from remit.values.windows import UTC

LedgerField = Literal["tenant", "day", "user", "agent", "model"]
FIELDS: tuple[LedgerField, ...] = get_args(LedgerField)

LEDGER_CURSOR = "ledger"
"""The name of the cursor up to which the feed of records has been summed."""


def utc_day(ms: int) -> str:
    """The UTC day of an instant, as `2026-11-21`."""
    return UTC.window("day", ms)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What was used. No class of tokens is a part of another one but `reasoning`, of `output`.

    Money is in nano-dollars; `assumed` is the part of `cost` of which nobody knows whether it was
    billed. `calls` counts those that may have been billed, `over_hold` those that cost more than
    was held for them.
    """

    calls: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    assumed: int = 0
    over_hold: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            calls=self.calls + other.calls,
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            cost=self.cost + other.cost,
            assumed=self.assumed + other.assumed,
            over_hold=self.over_hold + other.over_hold,
        )

    @property
    def tokens(self) -> int:
        """All tokens read and written."""
        read = self.input + self.cache_read + self.cache_write + self.cache_write_1h
        return read + self.output


AMOUNTS: tuple[str, ...] = tuple(each.name for each in fields(Amounts))
NOTHING = Amounts()


def amounts_of(
    usage: Usage, *, calls: int = 1, cost: int = 0, assumed: int = 0, over_hold: int = 0
) -> Amounts:
    """Tokens of one call by class, and its money."""
    return Amounts(
        calls=calls,
        input=max(0, usage.input - usage.cache_read - usage.cache_write),
        cache_read=usage.cache_read,
        cache_write=max(0, usage.cache_write - usage.cache_write_1h),
        cache_write_1h=usage.cache_write_1h,
        output=usage.output,
        reasoning=usage.reasoning,
        cost=cost,
        assumed=assumed,
        over_hold=over_hold,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerKey:
    """What amounts are summed by; a field that is not summed by is empty."""

    tenant: str = ""
    day: str = ""
    user: str = ""
    agent: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class LedgerSum:
    """One row of the ledger."""

    key: LedgerKey
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFilter:
    """Which rows are meant; None means any. Days are inclusive, as `2026-11-21`."""

    tenant: str | None = None
    user: str | None = None
    agent: str | None = None
    model: str | None = None
    since: str | None = None
    until: str | None = None

    def takes(self, key: LedgerKey) -> bool:
        """The row is one of those that are meant."""
        wanted = (
            (self.tenant, key.tenant),
            (self.user, key.user),
            (self.agent, key.agent),
            (self.model, key.model),
        )
        if any(asked is not None and asked != has for asked, has in wanted):
            return False
        early = self.since is not None and key.day < self.since
        late = self.until is not None and key.day > self.until
        return not early and not late


ALL = LedgerFilter()
