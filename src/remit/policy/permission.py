"""Whether a tool call may happen: rules are data, decided without any model. Deny wins."""

import fnmatch
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from remit.policy.linear import compiled
from remit.policy.phase import Phase

Effect = Literal["allow", "ask", "deny"]
Access = Literal["read", "write"]
Risk = Literal["low", "high"]
_MAX_DIGITS = 40


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ArgumentPattern(_Frozen):
    """An RE2 pattern searched in one argument; `name` is a dotted path, `*` means each of them.

    A rule that denies or asks needs one value there that matches; a rule that allows needs all of
    them to match, so that nothing slips through beside a harmless value. Numbers are matched as
    plain digits (`5e2` is 500).
    """

    name: str
    pattern: str

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        compiled(self.pattern)
        return self


class Rule(_Frozen):
    """Allow, ask or deny calls whose tool matches the glob and whose arguments match all patterns.

    `needed` is how many different humans must agree when `effect` is `ask`.
    """

    id: str
    effect: Effect
    tool: str
    arguments: tuple[ArgumentPattern, ...] = ()
    reason: str = ""
    needed: int = Field(default=1, ge=1, le=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call as the rules see it; `arguments` is the validated JSON text."""

    tool: str
    access: Access
    risk: Risk
    arguments: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, by which rule and why. `record_only`: shadow, nothing is carried out."""

    effect: Effect
    rule: str
    reason: str
    needed: int = 0
    record_only: bool = False


def _leaves(value: object, path: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif isinstance(value, str):
        yield path, value
    else:
        yield path, json.dumps(value)


def _plain_digits(lexeme: str) -> str:
    number = Decimal(lexeme)
    # Adjusted exponents outside are written out to as many digits; nobody means such numbers.
    return f"{number:f}" if abs(number.adjusted()) <= _MAX_DIGITS else lexeme


def _matches_argument(want: ArgumentPattern, rule: Rule, leaves: list[tuple[str, str]]) -> bool:
    pattern = compiled(want.pattern)
    hits = [pattern.search(text) is not None for path, text in leaves if want.name in ("*", path)]
    return bool(hits) and all(hits) if rule.effect == "allow" else any(hits)


def matches(rule: Rule, question: Question) -> bool:
    """True when the rule is about this call."""
    if not fnmatch.fnmatchcase(question.tool, rule.tool):
        return False
    if not rule.arguments:
        return True
    tree = json.loads(question.arguments, parse_int=_plain_digits, parse_float=_plain_digits)
    leaves = list(_leaves(tree))
    return all(_matches_argument(want, rule, leaves) for want in rule.arguments)


def _by_rules(rules: Iterable[Rule], question: Question) -> Verdict:
    hits = [rule for rule in rules if matches(rule, question)]
    for rule in hits:
        if rule.effect == "deny":
            return Verdict("deny", rule.id, rule.reason or "a rule forbids this call")
    asks = [rule for rule in hits if rule.effect == "ask"]
    if asks:
        first = max(asks, key=lambda rule: rule.needed)
        return Verdict("ask", first.id, first.reason or "a human must agree", first.needed)
    for rule in hits:
        return Verdict("allow", rule.id, rule.reason or "a rule allows this call")
    if question.access == "read":
        return Verdict("allow", "builtin.read", "declared reads are allowed")
    return Verdict("deny", "builtin.default-deny", "no rule gives authority for this write")


def judge(rules: Iterable[Rule], phase: Phase, question: Question) -> Verdict:
    """The verdict on a call: deny, then ask, then allow, else deny; then what the phase adds."""
    verdict = _by_rules(rules, question)
    if verdict.effect == "deny":
        return verdict
    if phase == "off":
        return Verdict("deny", "phase.off", "the agent is in phase off")
    if question.access == "read":
        return verdict
    if phase == "shadow":
        return Verdict("allow", "phase.shadow", "shadow: only recorded", record_only=True)
    if phase == "supervised" and verdict.effect == "allow":
        return Verdict("ask", "phase.supervised", "supervised: a human agrees to each write", 1)
    if question.risk == "high" and verdict.effect == "allow":
        return Verdict("ask", "builtin.high-risk", "a human agrees to what cannot be undone", 1)
    return verdict
