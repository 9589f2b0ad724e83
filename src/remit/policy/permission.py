"""Whether a tool call may happen: rules are data, decided without any model. Deny wins."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from remit.policy.leaves import plain
from remit.policy.linear import compiled
from remit.policy.phase import Phase
from remit.policy.predicate import Asked, Seen, holds, why_dangerous
from remit.policy.rule import (
    Access,
    ArgumentPattern,
    Effect,
    Question,
    Risk,
    Rule,
    Verdict,
    covers,
)

Circumstance = Callable[[Question, Phase], bool]
# Names of tools whose rules are kept at hand: more than agents have; a bound, for models make up
# names.
_TOOLS = 4096
# Sets of rules that are kept ready: one for each agent of a process, and for those of past runs.
_SETS = 256
_ORDER = {"deny": 0, "ask": 1, "allow": 2}


class _Ready:
    """A rule made ready to be asked often."""

    __slots__ = ("arguments", "circumstances", "rule", "strict")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.strict = rule.effect == "allow"
        self.circumstances = tuple(_circumstances(rule))
        self.arguments = (
            *(_of_pattern(each) for each in rule.arguments),
            *(Asked.of(each) for each in rule.where),
        )

    def matches(self, question: Question, phase: Phase, sight: "Seen") -> bool:
        for _, fits in self.circumstances:
            if not fits(question, phase):
                return False
        if not self.arguments:
            return True
        strict = self.strict
        for asked in self.arguments:  # noqa: SIM110  # a generator doubles what a rule costs
            if not holds(asked, sight, strict=strict):
                return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What became of one rule: it matched, or `failed` says what did not fit."""

    rule: Rule
    matched: bool
    failed: str = ""
    why: str = ""
    """What a deny set found."""


class Rules:
    """A set of rules made ready: indexed by tool, in an order that no file decides."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        # Deny before ask before allow, more humans before fewer; else by name, so that which rule
        # a verdict names does not hang on the order of files.
        ordered = sorted(self.rules, key=lambda rule: (_ORDER[rule.effect], -rule.needed, rule.id))
        self._ready = tuple(_Ready(rule) for rule in ordered)
        self._by_tool: dict[tuple[str, str], tuple[_Ready, ...]] = {}
        self.wants_origins = any(rule.origins for rule in self.rules)

    def _about(self, question: Question) -> tuple[_Ready, ...]:
        key = question.server, question.tool
        found = self._by_tool.get(key)
        if found is None:
            if len(self._by_tool) >= _TOOLS:
                self._by_tool.clear()
            found = tuple(
                each for each in self._ready if covers(each.rule, question.tool, question.server)
            )
            self._by_tool[key] = found
        return found

    def first(self, phase: Phase, question: Question) -> Rule | None:
        """The rule that decides: of those that match the strictest; None where none matches."""
        sight = Seen(question.arguments)
        for each in self._about(question):
            if each.matches(question, phase, sight):
                return each.rule
        return None

    def judge(self, phase: Phase, question: Question) -> Verdict:
        """The verdict: deny, then ask, then allow, else deny; then what mode and phase add."""
        rule = self.first(phase, question)
        verdict = _by_mode(_by_rule(rule, question), question)
        return _by_phase(verdict, phase, question)

    def explain(self, phase: Phase, question: Question) -> tuple[Considered, ...]:
        """What became of every rule, in the order in which they are asked."""
        sight = Seen(question.arguments)
        return tuple(_considered(each, phase, question, sight) for each in self._ready)


def _considered(ready: _Ready, phase: Phase, question: Question, sight: Seen) -> Considered:
    rule = ready.rule
    if not covers(rule, question.tool, question.server):
        return Considered(rule=rule, matched=False, failed=f"tool {rule.tool}")
    for told, fits in ready.circumstances:
        if not fits(question, phase):
            return Considered(rule=rule, matched=False, failed=told)
    why = ""
    for asked in ready.arguments:
        if not holds(asked, sight, strict=ready.strict):
            return Considered(rule=rule, matched=False, failed=asked.told)
        why = why or _found_by(asked, sight)
    return Considered(rule=rule, matched=True, why=why)


def _found_by(asked: Asked, sight: Seen) -> str:
    if asked.where is None or not asked.where.danger:
        return ""
    where = asked.where
    return next(filter(None, (why_dangerous(where, value) for value in sight.at(asked))), "")


def _of_pattern(pattern: ArgumentPattern) -> Asked:
    search = compiled(pattern.pattern).search
    return Asked(
        name=pattern.name,
        test=lambda value: search(plain(value)) is not None,
        told=f"{pattern.name} pattern {pattern.pattern!r}",
    )


# ---------------------------------------------------------------- circumstances


def _circumstances(rule: Rule) -> Iterable[tuple[str, Circumstance]]:
    if rule.agents:
        yield _told("agent", rule.agents), partial(_fits_one, _any_of(rule.agents), "agent")
    if rule.tenants:
        yield _told("tenant", rule.tenants), partial(_fits_one, _any_of(rule.tenants), "tenant")
    if rule.users:
        yield _told("user", rule.users), partial(_fits_one, _any_of(rule.users), "user")
    if rule.roles:
        yield _told("role", rule.roles), partial(_has_role, _any_of(rule.roles))
    if rule.phases:
        yield _told("phase", rule.phases), lambda _, phase: phase in rule.phases
    if rule.modes:
        yield _told("mode", rule.modes), lambda question, _: question.mode in rule.modes
    if rule.hours:
        said = (f"{'/'.join(each.days)} {each.start}-{each.end}" for each in rule.hours)
        yield _told("hours", tuple(said)), partial(_in_hours, rule)
    if rule.origins:
        yield _told("origin", rule.origins), partial(_has_read, rule, _any_of(rule.origins))


def _told(what: str, wanted: Sequence[str]) -> str:
    return f"{what} {', '.join(wanted)}"


def _any_of(globs: Sequence[str]) -> Callable[[str], bool]:
    match = re.compile("|".join(fnmatch.translate(each) for each in globs)).match
    return lambda text: match(text) is not None


def _fits_one(fits: Callable[[str], bool], field: str, question: Question, _: Phase) -> bool:
    return fits(str(getattr(question, field)))


def _has_role(fits: Callable[[str], bool], question: Question, _: Phase) -> bool:
    return any(fits(role) for role in question.roles)


def _in_hours(rule: Rule, question: Question, _: Phase) -> bool:
    weekday, minute = question.calendar.time_of_week(question.now_ms)
    return any(each.holds(weekday, minute) for each in rule.hours)


def _has_read(rule: Rule, fits: Callable[[str], bool], question: Question, _: Phase) -> bool:
    if rule.effect != "allow":
        return any(fits(each) for each in question.origins)
    texts = [each for each in question.origins if not each.startswith("label:")]
    return bool(texts) and all(fits(each) for each in texts)


# ---------------------------------------------------------------- verdicts


def _by_rule(rule: Rule | None, question: Question) -> Verdict:
    if rule is None:
        if not question.acts:
            return Verdict("allow", "builtin.read", "declared reads are allowed")
        what = "write" if question.access == "write" else "read of personal data"
        return Verdict("deny", "builtin.default-deny", f"no rule gives authority for this {what}")
    if rule.effect == "deny":
        return Verdict("deny", rule.id, rule.reason or "a rule forbids this call")
    if rule.effect == "ask":
        return Verdict("ask", rule.id, rule.reason or "a human must agree", rule.needed)
    return Verdict("allow", rule.id, rule.reason or "a rule allows this call")


def _by_mode(verdict: Verdict, question: Question) -> Verdict:
    """What the mode says of actions; no mode lifts a rule that denies."""
    mode = question.mode
    if mode == "default" or not question.acts:
        return verdict
    unruled = verdict.rule == "builtin.default-deny"
    if verdict.effect == "deny" and not unruled:
        return verdict
    if mode == "plan":
        if question.access == "read":
            return verdict
        return Verdict("deny", "mode.plan", "mode plan: say what you would do, and do nothing")
    if mode == "bypass":
        return _bypassed(question)
    if not unruled:
        return verdict
    if "auto" in question.killed:
        return Verdict(
            "ask", "switch.mode:auto", "mode auto is switched off: a human must agree", 1
        )
    if question.risk == "high":
        return Verdict("ask", "mode.auto", "mode auto: a human agrees to what is of high risk", 1)
    return Verdict("allow", "mode.auto", "mode auto: actions of low risk happen unasked")


def _bypassed(question: Question) -> Verdict:
    if "bypass" in question.killed:
        return Verdict("deny", "switch.mode:bypass", "mode bypass is switched off")
    if question.environment == "production":
        return Verdict("deny", "mode.bypass", "production has no mode bypass")
    return Verdict("allow", "mode.bypass", "mode bypass: all but deny rules is allowed")


def _by_phase(verdict: Verdict, phase: Phase, question: Question) -> Verdict:
    if verdict.effect == "deny":
        return verdict
    if phase == "off":
        return Verdict("deny", "phase.off", "the agent is in phase off")
    if not question.acts:
        return verdict
    if phase == "shadow" and question.access == "write":
        return Verdict("allow", "phase.shadow", "shadow: only recorded", record_only=True)
    if verdict.effect == "ask":
        return verdict
    if phase == "supervised":
        what = "each write" if question.access == "write" else "each read of personal data"
        return Verdict("ask", "phase.supervised", f"supervised: a human agrees to {what}", 1)
    if question.risk == "high" and verdict.rule != "mode.bypass":
        return Verdict("ask", "builtin.high-risk", "a human agrees to what cannot be undone", 1)
    return verdict


# ---------------------------------------------------------------- for one call

_made: dict[int, tuple[tuple[Rule, ...], Rules]] = {}


def ready(rules: tuple[Rule, ...]) -> Rules:
    """The rules made ready; those of one tuple are made ready once."""
    known = _made.get(id(rules))
    if known is not None and known[0] is rules:  # the tuple is held, so its id stays its own
        return known[1]
    made = Rules(rules)
    if len(_made) >= _SETS:
        _made.clear()
    _made[id(rules)] = rules, made
    return made


def judge(rules: Iterable[Rule], phase: Phase, question: Question) -> Verdict:
    """The verdict on one call; see `Rules.judge`."""
    return ready(tuple(rules)).judge(phase, question)


def matches(rule: Rule, question: Question, phase: Phase = "autonomous") -> bool:
    """True when the rule is about this call."""
    return Rules((rule,)).first(phase, question) is not None


__all__ = [
    "Access",
    "ArgumentPattern",
    "Considered",
    "Effect",
    "Question",
    "Risk",
    "Rule",
    "Rules",
    "Verdict",
    "judge",
    "matches",
    "ready",
]
