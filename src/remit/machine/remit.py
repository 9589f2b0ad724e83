"""What a `Remit` declares: what an agent may do and spend, how long, and who must agree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pydantic import ValidationError

from remit.errors import ConfigError, SpecError
from remit.machine.approvers import Named
from remit.machine.hooks import Hook
from remit.machine.tools import AnyTool, problems
from remit.policy.allowance import Budget
from remit.policy.delay import Delay, delays_of
from remit.policy.deny_sets import deny_rules
from remit.policy.limits import Limits
from remit.policy.mode import Mode
from remit.policy.permission import Effect, Rule
from remit.policy.phase import Phase
from remit.policy.rate import Rate, rate_of
from remit.values.duration import milliseconds
from remit.values.money import usd

_TWO_HUMANS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Remit:
    """What an agent may do, how much it may spend, how long it may take and who must agree.

    approvals: for each write tool how many humans must agree to a call: 0, 1 or 2.
    approvers: who may agree: names, and roles as `role:finance`; or those by tool or id of a rule,
    `*` for all others. self_approval: a user may agree for oneself where one human is enough.
    session_alert_usd: what a session may cost before a `CostAlerted` event tells of it.
    budgets: further limits, of users, tenants, labels …, per hour, day or month.
    rules: further allow, ask and deny rules; deny wins, a write no rule covers is refused.
    delays: how long writes wait before they leave, so that they can be called back, by tool or
    glob: `{send_mail: "5m"}`; the longest counts.
    rates: how often tools may be called, by tool or glob: `{search: "10/minute"}`, or a `Rate`, or
    several.
    deny_sets: for tools, the built-in deny sets that look at their arguments: `{tool: "shell"}`.
    mode: plan, default, auto or bypass (`remit.policy.mode`); None: as the settings say.
    settings_rules: authority may stand in `remit.toml`; it is looked for when the app opens.
    unattended: nobody waits for the runs: an outage of the providers is sat out until the deadline.
    continuations: how often an answer that was cut is continued. wrap_up: the time kept back for a
    last answer when the rest is used up, at most a tenth of `timeout`.
    success: a predicate of the answer, evaluated when a run ends.
    hooks: functions that look at calls before they are judged, and at results
    (`remit.before_tool`, `remit.after_tool`); they hold for sub-agents too.
    owner: who is called when something is wrong. systems: the names of what it may touch.
    """

    cost_usd: str = "5.00"
    tokens: int | None = None
    session_cost_usd: str | None = None
    session_tokens: int | None = None
    session_alert_usd: str | None = None
    budgets: Sequence[Budget] = ()
    turns: int = 50
    tool_calls: int = 10
    timeout: str = "10m"
    identical_calls: int = 3
    parallel_calls: int = 8
    depth: int = 4
    model_attempts: int = 4
    model_retries: int = 20
    unattended: bool = False
    continuations: int = 3
    wrap_up: str = "30s"
    result_chars: int = 20_000
    approvals: Mapping[AnyTool | str, int] = field(default_factory=dict)
    approvers: Named = ()
    self_approval: bool = False
    approval_timeout: str = "3d"
    rules: Sequence[Rule] = ()
    delays: Mapping[AnyTool | str, str] = field(default_factory=dict)
    rates: Mapping[AnyTool | str, str | Rate | Sequence[str | Rate]] = field(default_factory=dict)
    deny_sets: Mapping[AnyTool | str, str | Sequence[str]] = field(default_factory=dict)
    hooks: Sequence[Hook] = ()
    mode: Mode | None = None
    settings_rules: bool = False
    phase: Phase = "autonomous"
    owner: str = ""
    systems: Sequence[str] = ()
    success: Callable[..., bool] | None = None

    def limits(self) -> Limits:
        """The limits as data. Raises `SpecError` for one that is wrong."""
        session, alert = self.session_cost_usd, self.session_alert_usd
        try:
            return Limits(
                cost_nano=usd(self.cost_usd),
                tokens=self.tokens,
                session_cost_nano=None if session is None else usd(session),
                session_tokens=self.session_tokens,
                session_alert_nano=None if alert is None else usd(alert),
                turns=self.turns,
                tool_calls=self.tool_calls,
                timeout_ms=milliseconds(self.timeout),
                identical_calls=self.identical_calls,
                parallel_calls=self.parallel_calls,
                depth=self.depth,
                approval_ms=milliseconds(self.approval_timeout),
                model_attempts=self.model_attempts,
                model_retries=self.model_retries,
                unattended=self.unattended,
                continuations=self.continuations,
                wrap_up_ms=milliseconds(self.wrap_up),
                result_chars=self.result_chars,
            )
        except ValidationError as exc:
            raise SpecError(f"a limit of the remit is wrong: {problems(exc)}") from exc
        except ConfigError as exc:
            raise SpecError(f"a limit of the remit is wrong: {exc}") from exc

    def all_delays(self) -> tuple[Delay, ...]:
        """The declared delays. Raises `SpecError` for one that is wrong."""
        named = {x if isinstance(x, str) else x.name: text for x, text in self.delays.items()}
        try:
            return delays_of(named)
        except ConfigError as exc:
            raise SpecError(f"a delay of the remit is wrong: {exc}") from exc

    def all_rates(self) -> tuple[Rate, ...]:
        """The declared rates. Raises `SpecError` for one that is wrong."""
        found: list[Rate] = []
        for target, given in self.rates.items():
            name = target if isinstance(target, str) else target.name
            try:
                several = (given,) if isinstance(given, str | Rate) else given
                found += [rate_of(each).model_copy(update={"tool": name}) for each in several]
            except ValidationError as exc:
                raise SpecError(f"rates[{name!r}] is wrong: {problems(exc)}") from exc
        return tuple(found)

    def all_rules(self) -> tuple[Rule, ...]:
        """The declared rules, and one per entry of `approvals` and `deny_sets`."""
        own = []
        for target, needed in self.approvals.items():
            name = target if isinstance(target, str) else target.name
            if needed not in (0, 1, _TWO_HUMANS):
                raise SpecError(f"approvals[{name!r}] is {needed!r}: say 0, 1 or 2 humans")
            effect, reason = ("ask", f"{needed} must agree") if needed else ("allow", "no approval")
            own.append(
                Rule(
                    id=f"remit.approvals.{name}",
                    effect=cast("Effect", effect),
                    tool=name,
                    needed=max(1, needed),
                    reason=reason,
                )
            )
        sets = ((x if isinstance(x, str) else x.name, names) for x, names in self.deny_sets.items())
        return (*(rule.bare for rule in self.rules), *own, *deny_rules(sets))
