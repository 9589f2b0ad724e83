"""A rule made ready to be asked often: its circumstances and its predicates, each made once."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from remit.policy.leaves import plain
from remit.policy.linear import searching
from remit.policy.phase import Phase
from remit.policy.predicate import Asked, Seen, holds
from remit.policy.rule import ArgumentPattern, Question, Rule, Verdict

Circumstance = Callable[[Question, Phase], bool]


class Ready:
    """A rule with what it looks at made ready."""

    __slots__ = ("arguments", "circumstances", "rule", "strict", "verdict")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.verdict = _verdict(rule)
        self.strict = rule.effect == "allow"
        self.circumstances = tuple(_circumstances(rule))
        self.arguments = (
            *(_of_pattern(each) for each in rule.arguments),
            *(Asked.of(each) for each in rule.where),
        )

    def matches(self, question: Question, phase: Phase, sight: Seen) -> bool:
        """Whether all that the rule says fits; its tool is not looked at."""
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


def _verdict(rule: Rule) -> Verdict:
    if rule.effect == "deny":
        return Verdict("deny", rule.id, rule.reason or "a rule forbids this call")
    if rule.effect == "ask":
        return Verdict("ask", rule.id, rule.reason or "a human must agree", rule.needed)
    return Verdict("allow", rule.id, rule.reason or "a rule allows this call")


def _of_pattern(pattern: ArgumentPattern) -> Asked:
    occurs = searching(pattern.pattern)
    return Asked(
        name=pattern.name,
        test=lambda value: occurs(plain(value)),
        told=f"{pattern.name} pattern {pattern.pattern!r}",
        pattern=pattern.pattern,
    )


def _circumstances(rule: Rule) -> Iterable[tuple[str, Circumstance]]:
    if rule.agents:
        yield _told("agent", rule.agents), partial(_is_agent, rule, any_of(rule.agents))
    if rule.tenants:
        yield _told("tenant", rule.tenants), partial(_fits_one, any_of(rule.tenants), "tenant")
    if rule.users:
        yield _told("user", rule.users), partial(_fits_one, any_of(rule.users), "user")
    if rule.roles:
        yield _told("role", rule.roles), partial(_has_role, any_of(rule.roles))
    if rule.phases:
        yield _told("phase", rule.phases), lambda _, phase: phase in rule.phases
    if rule.modes:
        yield _told("mode", rule.modes), lambda question, _: question.mode in rule.modes
    if rule.hours:
        said = (f"{'/'.join(each.days)} {each.start}-{each.end}" for each in rule.hours)
        yield _told("hours", tuple(said)), partial(_in_hours, rule)
    if rule.origins:
        yield _told("origin", rule.origins), partial(_has_read, rule, any_of(rule.origins))


def _told(what: str, wanted: Sequence[str]) -> str:
    return f"{what} {', '.join(wanted)}"


def any_of(globs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name fits one of these globs."""
    match = re.compile("|".join(fnmatch.translate(each) for each in globs)).match
    return lambda text: match(text) is not None


def _fits_one(fits: Callable[[str], bool], field: str, question: Question, _: Phase) -> bool:
    return fits(str(getattr(question, field)))


def _is_agent(rule: Rule, fits: Callable[[str], bool], question: Question, _: Phase) -> bool:
    if fits(question.agent):
        return True
    # Leave for what an agent does is no leave to take it back.
    return rule.effect != "allow" and any(fits(each) for each in question.acts_for)


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
