"""Budgets as they are declared: who may use how much of what in which window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from remit.errors import ConfigError
from remit.journal.events import AccountLimit
from remit.values.account import EVERYONE, WORLD, Scope, Unit, Window, account
from remit.values.ids import check_name
from remit.values.money import MAX_COUNT, usd


class Budget(BaseModel):
    """A limit in US dollars, tokens or model calls, for a scope and a window.

    of: `run`, `session`, `user`, `agent`, `tenant`, `label`, or `global` for everybody together.
    name: one of them; without it each has the budget for itself. tenant: only in this tenant.
    window: `hour`, `day`, `month` (of the tenant's time zone; of UTC for `global`) or `total`.
    alert_usd: an amount at which a `CostAlerted` event is written and nothing stops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Scope
    name: str = EVERYONE
    tenant: str = EVERYONE
    window: Window = "total"
    cost_usd: str | None = None
    tokens: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    calls: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    alert_usd: str | None = None

    @field_validator("cost_usd", "alert_usd")
    @classmethod
    def _amount(cls, amount: str | None) -> str | None:
        if amount is not None:
            try:
                usd(amount)
            except ConfigError as exc:
                raise ValueError(str(exc)) from exc
        return amount

    @model_validator(mode="after")
    def _sense(self) -> Self:
        for kind, name in (("tenant", self.tenant), (self.of, self.name)):
            if name != EVERYONE:
                try:
                    check_name(kind, name)
                except ConfigError as exc:
                    raise ValueError(str(exc)) from exc
        if self.of == "global" and self.name != EVERYONE:
            raise ValueError("of='global' is everybody together and takes no name")
        if self.of == "run" and self.name != EVERYONE:
            raise ValueError("of='run' is each run and takes no name")
        if self.of == "label" and self.name == EVERYONE:
            raise ValueError("of='label' needs the name of the label")
        if (self.cost_usd, self.tokens, self.calls, self.alert_usd) == (None, None, None, None):
            raise ValueError("say at least one of cost_usd, tokens, calls and alert_usd")
        if self.window == "alert" or (self.alert_usd is not None and self.window != "total"):
            raise ValueError("an alert counts all that was spent: window='total', alert_usd='3.00'")
        return self

    @property
    def amounts(self) -> Mapping[tuple[Unit, Window], int]:
        """The limits by unit and window, in nano-dollars, tokens and calls."""
        found: dict[tuple[Unit, Window], int] = {}
        if self.cost_usd is not None:
            found["nano", self.window] = usd(self.cost_usd)
        if self.tokens is not None:
            found["tokens", self.window] = self.tokens
        if self.calls is not None:
            found["calls", self.window] = self.calls
        if self.alert_usd is not None:
            found["nano", "alert"] = usd(self.alert_usd)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """Who pays for a run: one name of each scope, and its labels."""

    tenant: str
    user: str
    session: str
    agent: str
    run: str
    labels: tuple[str, ...] = ()

    @property
    def holders(self) -> tuple[tuple[Scope, str], ...]:
        """Everybody whose accounts a run draws on."""
        return (
            ("run", self.run),
            ("session", self.session),
            ("user", self.user),
            ("agent", self.agent),
            ("tenant", self.tenant),
            *(("label", label) for label in self.labels),
            ("global", WORLD),
        )


def accounts_for(
    spender: Spender, budgets: Iterable[Budget], plan: str = ""
) -> tuple[AccountLimit, ...]:
    """The accounts that these budgets limit for a run, the limit for a name before that for each.

    `plan` is noted on each of them.
    """
    found: dict[str, tuple[tuple[bool, bool], int]] = {}
    for budget in budgets:
        if budget.tenant not in (EVERYONE, spender.tenant):
            continue
        special = (budget.tenant != EVERYONE, budget.name != EVERYONE)
        for scope, name in spender.holders:
            if scope != budget.of or budget.name not in (EVERYONE, name):
                continue
            for (unit, window), limit in budget.amounts.items():
                named = account(scope, name, unit, window)
                known = found.get(named)
                if known is None or known[0] <= special:
                    found[named] = (special, limit)
    return tuple(AccountLimit(account=n, limit=li, plan=plan) for n, (_, li) in found.items())


def strictest(*sources: Iterable[AccountLimit]) -> tuple[AccountLimit, ...]:
    """One limit an account: the lowest that any source sets."""
    found: dict[str, AccountLimit] = {}
    for source in sources:
        for limit in source:
            known = found.get(limit.account)
            if known is None or limit.limit < known.limit:
                found[limit.account] = limit
    return tuple(found.values())
