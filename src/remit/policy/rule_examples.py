"""Tries the examples that stand beside a rule: what it must match, and what it must not."""

from collections.abc import Iterable

from remit.policy.hours import WEEK
from remit.policy.permission import Question, Rule, Rules
from remit.policy.rule import Example, is_glob

# Thursday is the first day of 1970, so this is a Monday at midnight in UTC.
_MONDAY_MS = 4 * 24 * 3600 * 1000
_DAY_MS = 24 * 3600 * 1000
_MINUTE_MS = 60_000


def needs_examples(rule: Rule) -> bool:
    """A rule that denies a pattern: without examples nobody knows what it catches.

    The built-in deny sets have examples of their own.
    """
    own = bool(rule.arguments) or any(not (each.danger or each.private_host) for each in rule.where)
    return rule.effect == "deny" and own


def problems_of(rule: Rule) -> tuple[str, ...]:
    """What is wrong with the examples of a rule, one line each; empty when nothing is."""
    found: list[str] = []
    if needs_examples(rule):
        found += [
            f"{key} = []: a rule that denies a pattern needs at least one example of what it "
            f"{'must' if key == 'must_match' else 'must not'} match"
            for key in ("must_match", "must_not_match")
            if not getattr(rule, key)
        ]
    found += _tried(rule, rule.must_match, "must_match", wanted=True)
    found += _tried(rule, rule.must_not_match, "must_not_match", wanted=False)
    return tuple(found)


def _tried(rule: Rule, examples: Iterable[Example], key: str, *, wanted: bool) -> Iterable[str]:
    for number, example in enumerate(examples):
        if example.tool is None and is_glob(rule.tool):
            yield f"{key}[{number}]: which tool? the rule is about {rule.tool!r}; add tool = …"
            continue
        given, question = ask_of(rule, example)
        considered = Rules((given,)).explain("autonomous", question)[0]
        if considered.matched is not wanted:
            why = f": {considered.failed} does not fit" if wanted else ""
            said = "is not matched" if wanted else "is matched"
            yield f"{key}[{number}] = {example.arguments[:200]} {said}{why}; mend the rule or it"


def ask_of(rule: Rule, example: Example) -> tuple[Rule, Question]:
    """A rule without the circumstances that an example leaves open, and the example's call."""
    given = {
        "agents": example.agent,
        "tenants": example.tenant,
        "users": example.user,
        "roles": example.roles,
        "origins": example.origins,
        "hours": example.at,
    }
    left_open = {name: () for name, value in given.items() if value is None}
    server, _, tool = (example.tool or rule.tool).rpartition("/")
    question = Question(
        tool=tool,
        server=server,
        access="write",
        risk="high",
        arguments=example.arguments,
        agent=example.agent or "",
        tenant=example.tenant or "",
        user=example.user or "",
        roles=example.roles or (),
        origins=example.origins or (),
        now_ms=_instant(example.at or "mon 12:00"),
    )
    return rule.model_copy(update={**left_open, "phases": (), "modes": ()}), question


def _instant(at: str) -> int:
    day, _, time = at.partition(" ")
    hours, _, minutes = time.partition(":")
    days = [number for number, name in enumerate(WEEK) if name == day]
    return _MONDAY_MS + days[0] * _DAY_MS + (int(hours) * 60 + int(minutes)) * _MINUTE_MS
