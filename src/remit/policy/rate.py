"""Rates of tools: how often each may be called in a second, a minute, an hour or a day, by whom."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from remit.errors import ConfigError
from remit.values.account import EVERYONE, rate_account
from remit.values.ids import check_name

Every = Literal["second", "minute", "hour", "day"]
Part = Literal["tool", "tenant", "user"]
When = Literal["wait", "refuse"]

_FORM = re.compile(r"([1-9]\d{0,6})/(second|minute|hour|day)", re.ASCII)
# A name of a tool, or a glob of names; what divides the parts of an account is not in it.
_TOOL = r"^[A-Za-z0-9_.*?\[\]!/-]{1,128}$"


class Rate(BaseModel):
    """At most so many calls of a tool in each window: `Rate(rate="10/minute")`.

    rate: a number of calls per second, minute, hour or day (days and hours of the tenant's time
    zone; of UTC where all tenants count together). per: what has the rate for itself: each `tool`
    (else all that `tool` covers together), each `tenant`, each `user` of it. when: what becomes of
    a call beyond it: it waits for its turn, or is refused and the model told when to try again.
    tool: a glob of names, or of `server/name`. tenant, user: only theirs, and before a rate for
    all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: str
    per: tuple[Part, ...] = ("tool", "tenant", "user")
    when: When = "wait"
    tool: str = Field(default=EVERYONE, pattern=_TOOL)
    tenant: str = EVERYONE
    user: str = EVERYONE

    @field_validator("rate")
    @classmethod
    def _form(cls, text: str) -> str:
        if _FORM.fullmatch(text) is None:
            raise ValueError(
                f"{text!r} is not a rate such as '2/second', '10/minute', '100/hour' or '500/day'"
            )
        return text

    @model_validator(mode="after")
    def _sense(self) -> Self:
        for kind, name in (("tenant", self.tenant), ("user", self.user)):
            if name != EVERYONE:
                try:
                    check_name(kind, name)
                except ConfigError as exc:
                    raise ValueError(str(exc)) from exc
        if len(set(self.per)) < len(self.per):
            raise ValueError(f"per={self.per!r} names a part twice")
        if "user" in self.per and "tenant" not in self.per:
            raise ValueError("per 'user' needs 'tenant': the ann of two tenants are two people")
        for part, name in (("tenant", self.tenant), ("user", self.user)):
            if name != EVERYONE and part not in self.per:
                raise ValueError(f"{part}={name!r} has the rate for itself: add {part!r} to per")
        return self

    @property
    def calls(self) -> int:
        """How many calls a window has room for."""
        return int(self.rate.partition("/")[0])

    @property
    def every(self) -> Every:
        """The kind of window."""
        return cast("Every", self.rate.partition("/")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A rate that one call counts on."""

    account: str
    """As declared, for a kind of window; see `remit.values.account`."""
    limit: int
    when: When
    rate: str


def rate_of(given: str | Rate) -> Rate:
    """A rate as it is written: `10/minute`, or a `Rate`. Raises pydantic's `ValidationError`."""
    return given if isinstance(given, Rate) else Rate(rate=given)


def drawn(
    lists: Iterable[Iterable[Rate]], *, tool: str, server: str, tenant: str, user: str
) -> tuple[RateLimit, ...]:
    """The rates that a call counts on, one for each account.

    Within one list a rate for a tenant or user counts before one for all; of what several lists say
    of an account, the strictest.
    """
    strictest: dict[str, RateLimit] = {}
    for rates in lists:
        found: dict[str, tuple[tuple[bool, bool], RateLimit]] = {}
        for rate in rates:
            if not _covers(rate, tool, server, tenant, user):
                continue
            special = (rate.tenant != EVERYONE, rate.user != EVERYONE)
            name = _account(rate, tool, user)
            known = found.get(name)
            one = RateLimit(account=name, limit=rate.calls, when=rate.when, rate=rate.rate)
            if known is None or (known[0], -known[1].limit) < (special, -one.limit):
                found[name] = (special, one)
        for name, (_, one) in found.items():
            known_one = strictest.get(name)
            if known_one is None or one.limit < known_one.limit:
                strictest[name] = one
    return tuple(strictest.values())


def _covers(rate: Rate, tool: str, server: str, tenant: str, user: str) -> bool:
    names = (tool, f"{server}/{tool}") if server else (tool,)
    return (
        any(fnmatchcase(name, rate.tool) for name in names)
        and rate.tenant in (EVERYONE, tenant)
        and rate.user in (EVERYONE, user)
    )


def _account(rate: Rate, tool: str, user: str) -> str:
    """Whose calls are counted together: `send_mail,ann`, in the tenant that keeps the account."""
    what = tool if "tool" in rate.per else rate.tool
    if "user" in rate.per:
        what = f"{what},{user}"
    return rate_account(what, rate.every, everywhere="tenant" not in rate.per)
