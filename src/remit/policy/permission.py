"""Whether a tool call may happen: rules are data, decided without any model. Deny wins."""

from collections.abc import Iterable
from dataclasses import dataclass

from remit.policy.matching import Ready
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
from remit.policy.rule_index import RuleIndex

# Names of tools whose rules are kept at hand: more than agents have; a bound, for models make up
# names.
_TOOLS = 4096
# Sets of rules that are kept ready: one for each agent of a process, and for those of past runs.
_SETS = 256
_ORDER = {"deny": 0, "ask": 1, "allow": 2}


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
        self._ready = tuple(Ready(rule) for rule in sorted(self.rules, key=rank))
        self._by_tool: dict[tuple[str, str], RuleIndex] = {}
        self.wants_origins = any(rule.origins for rule in self.rules)

    def _about(self, question: Question) -> RuleIndex:
        key = question.server, question.tool
        found = self._by_tool.get(key)
        if found is None:
            if len(self._by_tool) >= _TOOLS:
                self._by_tool.clear()
            found = RuleIndex(
                [each for each in self._ready if covers(each.rule, question.tool, question.server)]
            )
            self._by_tool[key] = found
        return found

    def first(self, phase: Phase, question: Question) -> Rule | None:
        """The rule that decides: of those that match the strictest; None where none matches."""
        found = self.deciding(phase, question, Seen(question.arguments, question.left_out))
        return None if found is None else found.rule

    def deciding(self, phase: Phase, question: Question, seen: Seen) -> Ready | None:
        """As `first`, made ready; `seen` are the arguments of this call."""
        return self._about(question).first(question, phase, seen)

    def judge(self, phase: Phase, question: Question) -> Verdict:
        """The verdict: deny, then ask, then allow, else deny; then what mode and phase add."""
        seen = Seen(question.arguments, question.left_out)
        return verdict_of(self.deciding(phase, question, seen), phase, question)

    def explain(self, phase: Phase, question: Question) -> tuple[Considered, ...]:
        """What became of every rule, in the order in which they are asked."""
        sight = Seen(question.arguments, question.left_out)
        return tuple(_considered(each, phase, question, sight) for each in self._ready)


def rank(rule: Rule) -> tuple[int, int, str]:
    """The place of a rule among those that are asked; a lower one goes first.

    Deny before ask before allow, more humans before fewer; else by name, so that which rule a
    verdict names does not hang on the order of files.
    """
    return _ORDER[rule.effect], -rule.needed, rule.id


def verdict_of(found: Ready | None, phase: Phase, question: Question) -> Verdict:
    """What the rule that decides comes to, with what mode and phase add; None: no rule matched."""
    verdict = _unruled(question) if found is None else found.verdict
    return _by_phase(_by_mode(verdict, question), phase, question)


def _considered(ready: Ready, phase: Phase, question: Question, sight: Seen) -> Considered:
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


# ---------------------------------------------------------------- verdicts


def _unruled(question: Question) -> Verdict:
    if not question.acts:
        return Verdict("allow", "builtin.read", "declared reads are allowed")
    what = "write" if question.access == "write" else "read of personal data"
    return Verdict("deny", "builtin.default-deny", f"no rule gives authority for this {what}")


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
