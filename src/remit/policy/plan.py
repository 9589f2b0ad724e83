"""Plans as they are declared: what each includes, what it limits, and what buys it."""

import fnmatch
import re
from collections.abc import Iterable
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from remit.errors import ConfigError
from remit.journal.facts_of_plans import PlanTerms
from remit.policy.allowance import Budget, Spender, accounts_for
from remit.values.account import EVERYONE, Scope, account
from remit.values.duration import milliseconds
from remit.values.ids import check_name

MAX_PLANS = 64  # a price list; more is another thing
_MAX_PRICES = 64
MAX_NAME = 48  # it stands in every checkout link, which holds 200 characters
_MAX_SECRETS = 8  # two while one is exchanged, of a few endpoints
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_SECRET = re.compile(r"wh(sec|sk|pk)_")
_MAX_URL = 2048  # browsers and proxies carry this much

HolderScope = Literal["user", "tenant"]

_SCOPES: dict[HolderScope, tuple[Scope, ...]] = {
    "user": ("run", "session", "user"),
    "tenant": ("run", "session", "user", "agent", "tenant"),
}
"""What a plan of such a holder may limit: nothing that holders of other plans share."""


class _Frozen(BaseModel):
    # An input may be a secret that was written where the name of its variable belongs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PlanBody(_Frozen):
    """A plan without its name, as it stands in a file of settings."""

    limits: tuple[Budget, ...] = ()
    models: tuple[str, ...] = ("*",)
    agents: tuple[str, ...] = ("*",)
    tools: tuple[str, ...] = ("*",)
    checkout_url: str = ""
    prices: tuple[str, ...] = Field(default=(), max_length=_MAX_PRICES)

    @field_validator("checkout_url")
    @classmethod
    def _link(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        safe = parts.scheme == "https" or (parts.scheme == "http" and local)
        if url and (not safe or not parts.hostname or parts.fragment or len(url) > _MAX_URL):
            raise ValueError("write the whole payment link, such as https://buy.stripe.com/…")
        return url

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.checkout_url and not self.prices:
            raise ValueError(
                "checkout_url without prices: list the ids of the prices, products or payment "
                "links that buy the plan, or nobody who pays gets it"
            )
        for limit in self.limits:
            if limit.name != EVERYONE or limit.tenant != EVERYONE or limit.alert_usd is not None:
                raise ValueError("a limit of a plan has neither name, nor tenant, nor alert_usd")
        return self


class Plan(PlanBody):
    """What somebody gets: budgets, and patterns (`*`, `?`) of models, agents and tools.

    limits: budgets; at one of them a run ends with `upgrade-required`.
    checkout_url: the payment link that sells the plan; a signed reference is added to it.
    prices: the provider's ids of prices, products or payment links that buy it.
    """

    name: str = Field(max_length=MAX_NAME)

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        try:
            return check_name("plan", name)
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc

    def covers(self, what: Literal["model", "agent", "tool"], name: str) -> bool:
        """The plan includes it."""
        patterns = {"model": self.models, "agent": self.agents, "tool": self.tools}[what]
        return includes(patterns, name)


class Billing(_Frozen):
    """How plans are held and paid for, as it stands in a file of settings."""

    default: str
    holder: HolderScope = "user"
    grace: str = "3d"
    reference_days: int = Field(default=30, ge=1, le=3660)
    stripe_secret_env: tuple[str, ...] = Field(default=(), max_length=_MAX_SECRETS)
    webhook_secret_env: tuple[str, ...] = Field(default=(), max_length=_MAX_SECRETS)
    tolerance: str = "5m"

    @field_validator("grace", "tolerance")
    @classmethod
    def _duration(cls, text: str) -> str:
        try:
            milliseconds(text)
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        return text

    @field_validator("stripe_secret_env", "webhook_secret_env", mode="before")
    @classmethod
    def _one_or_many(cls, names: object) -> object:
        return (names,) if isinstance(names, str) else names

    @field_validator("stripe_secret_env", "webhook_secret_env")
    @classmethod
    def _variables(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            # Nothing of it is shown: it may be the secret itself.
            if not _VARIABLE.fullmatch(name) or _SECRET.match(name):
                raise ValueError("name the variable that holds the secret, never the secret")
        return names

    @property
    def grace_ms(self) -> int:
        """How long a plan is kept after a payment failed."""
        return milliseconds(self.grace)

    @property
    def tolerance_s(self) -> int:
        """How far from now a webhook may have been signed, in whole seconds."""
        return milliseconds(self.tolerance) // 1000


class Plans(Billing):
    """The price list, the lowest plan first, and how payments for it are told.

    default: the plan of whoever pays nothing. holder: who has a plan, each `user` or each `tenant`.
    grace: how long the plan is kept after a payment failed.
    reference_days: how long a checkout link is good.
    stripe_secret_env, webhook_secret_env: names of variables with the secrets of Stripe's webhooks,
    and of Standard Webhooks; several while one is exchanged.
    tolerance: how old the signature of a webhook may be.
    """

    plans: tuple[Plan, ...] = Field(min_length=1, max_length=MAX_PLANS)

    @model_validator(mode="after")
    def _sense(self) -> Self:
        names = [plan.name for plan in self.plans]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two plans are named {', '.join(twice)}")
        if self.default not in names:
            raise ValueError(f"the default plan {self.default!r} is none of {', '.join(names)}")
        sold = [price for plan in self.plans for price in plan.prices]
        double = sorted({price for price in sold if sold.count(price) > 1})
        if double:
            raise ValueError(f"{', '.join(double)} buys two plans: list it under one")
        for plan in self.plans:
            for limit in plan.limits:
                if limit.of not in _SCOPES[self.holder]:
                    raise ValueError(
                        f"plan {plan.name!r} limits of={limit.of!r}; a {self.holder}'s plan limits "
                        f"{', '.join(_SCOPES[self.holder])}"
                    )
        return self

    def find(self, name: str) -> Plan | None:
        """The plan of that name."""
        return next((plan for plan in self.plans if plan.name == name), None)

    def get(self, name: str) -> Plan:
        """The plan of that name. Raises `ConfigError`."""
        plan = self.find(name)
        if plan is None:
            known = ", ".join(each.name for each in self.plans)
            raise ConfigError(f"there is no plan {name!r}; declared are {known}")
        return plan

    def rank(self, name: str) -> int:
        """How high a plan stands; -1 for one that is not declared (any more)."""
        names = [plan.name for plan in self.plans]
        return names.index(name) if name in names else -1

    def sold_as(self, ids: Iterable[str]) -> str:
        """The highest plan that one of these prices, products or links buys; empty for none."""
        bought = set(ids)
        found = [plan.name for plan in self.plans if bought.intersection(plan.prices)]
        return found[-1] if found else ""


def includes(patterns: Iterable[str], name: str) -> bool:
    """One of the patterns fits the name."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def holder_name(plans: Plans, tenant: str, user: str) -> str:
    """Who has the plan of a run: `user:ann`, or `tenant:acme`."""
    return f"user:{user}" if plans.holder == "user" else f"tenant:{tenant}"


def terms_of(plan: Plan, spender: Spender, number: int) -> PlanTerms:
    """The plan as a run of this spender has it."""
    return PlanTerms(
        name=plan.name,
        number=number,
        models=plan.models,
        agents=plan.agents,
        tools=plan.tools,
        accounts=accounts_for(spender, plan.limits, plan=plan.name),
    )


def offer(
    plans: Plans, current: str, *, account_name: str = "", model: str = "", agent: str = ""
) -> Plan | None:
    """The lowest plan above `current` that can be bought and would have let it pass."""
    for plan in plans.plans[plans.rank(current) + 1 :]:
        fits = (
            (not model or plan.covers("model", model))
            and (not agent or plan.covers("agent", agent))
            and (not account_name or _gives_more(plans.find(current), plan, account_name))
        )
        if plan.checkout_url and fits:
            return plan
    return None


def _gives_more(current: Plan | None, other: Plan, account_name: str) -> bool:
    """The other plan limits the account (undated) less, or not at all."""

    def limit(plan: Plan | None) -> int | None:
        for budget in () if plan is None else plan.limits:
            for (unit, window), amount in budget.amounts.items():
                scope = account_name.partition(":")[0]
                name = account_name.partition(":")[2].partition("|")[0]
                if budget.of == scope and account(budget.of, name, unit, window) == account_name:
                    return amount
        return None

    now, then = limit(current), limit(other)
    return then is None or now is None or then > now
