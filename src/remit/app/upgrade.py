"""What a person is told when the plan gives no more: facts and a link, written by no model."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from remit.journal.events import BudgetRefused, PlanRefused
from remit.machine.plans import UPGRADE
from remit.machine.state import State
from remit.policy.plan import Plans, holder_name, offer
from remit.ports import Clock
from remit.values.account import undated, unit_of, window_of
from remit.values.money import format_usd
from remit.wire.webhook.reference import Reference, reference_key, sign_reference

_DAY_MS = 86_400_000
_SPANS = {"hour": "this hour", "day": "today", "month": "this month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeRequired:
    """Why a run was not carried on, and how to get more. No model had a word in it.

    what: a `limit` of the plan is reached, or the plan includes not this `model` or `agent` (then
    `name` says which). used, limit, needed: of `account`, in `unit` (nano-dollars, tokens or
    calls); used counts what is reserved. resets_ms: when the account's next window begins.
    offer: the lowest plan that would do; checkout_url: where it is bought, None where none is sold.
    """

    plan: str
    what: Literal["limit", "model", "agent"]
    name: str = ""
    account: str = ""
    unit: str = ""
    used: int = 0
    limit: int = 0
    needed: int = 0
    resets_ms: int | None = None
    offer: str = ""
    checkout_url: str | None = None

    @property
    def resets_at(self) -> datetime | None:
        """When the account's next window begins, in UTC."""
        if self.resets_ms is None:
            return None
        return datetime.fromtimestamp(self.resets_ms / 1000, tz=UTC)

    @property
    def text(self) -> str:
        """The same in plain words."""
        if self.what == "limit":
            used, limit = _amount(self.used, self.unit), _amount(self.limit, self.unit)
            span = _SPANS.get(window_of(self.account), "in all")
            words = f"The plan {self.plan} allows {limit} {span}; {used} is used or reserved."
        else:
            words = f"The plan {self.plan} does not include the {self.what} {self.name}."
        when = self.resets_at
        if when is not None:
            words += f" It begins anew at {when.isoformat(timespec='minutes')}."
        if self.checkout_url is not None:
            words += f" More with the plan {self.offer}: {self.checkout_url}"
        return words


def _amount(amount: int, unit: str) -> str:
    return format_usd(amount, 2) if unit == "nano" else f"{amount} {unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Makes the notices, with checkout links signed by the journal's key."""

    plans: Plans | None
    clock: Clock
    secret: bytes

    def upgrade_of(self, state: State) -> UpgradeRequired | None:
        """The notice of a run that ended because of its plan; None for any other."""
        refused, plans = state.refused, self.plans
        if plans is None or UPGRADE not in (state.reason, state.stopping):
            return None
        if isinstance(refused, PlanRefused):
            better = (
                offer(plans, refused.plan, model=refused.name)
                if refused.what == "model"
                else offer(plans, refused.plan, agent=refused.name)
            )
            notice = UpgradeRequired(plan=refused.plan, what=refused.what, name=refused.name)
        elif isinstance(refused, BudgetRefused):
            better = offer(plans, refused.plan, account_name=undated(refused.account))
            notice = UpgradeRequired(
                plan=refused.plan,
                what="limit",
                account=refused.account,
                unit=unit_of(refused.account),
                used=max(0, refused.limit - refused.available),
                limit=refused.limit,
                needed=refused.needed,
                resets_ms=refused.resets_ms,
            )
        else:
            return None
        if better is None:
            return notice
        holder = holder_name(plans, state.tenant, state.user)
        url = self.checkout_url(state.tenant, holder, better.name)
        return replace(notice, offer=better.name, checkout_url=url)

    def checkout_url(self, tenant: str, holder: str, plan: str) -> str | None:
        """The link at which a holder (`user:ann`) buys a plan; None for one that is not sold.

        Raises `ConfigError` for a plan that is not declared.
        """
        if self.plans is None:
            return None
        url = self.plans.get(plan).checkout_url
        if not url:
            return None
        until_ms = self.clock.now_ms() + self.plans.reference_days * _DAY_MS
        reference = Reference(plan=plan, until_ms=until_ms, tenant=tenant, holder=holder)
        signed = sign_reference(reference_key(self.secret), reference)
        parts = urlsplit(url)
        kept = [pair for pair in parse_qsl(parts.query) if pair[0] != "client_reference_id"]
        query = urlencode([*kept, ("client_reference_id", signed)])
        return urlunsplit(parts._replace(query=query))
