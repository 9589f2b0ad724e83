"""Reads and checks whom a remit names as approvers: for all calls, a tool, or a rule."""

from collections.abc import Collection, Mapping, Sequence

from remit.errors import SpecError
from remit.machine.spec import ApproversOf
from remit.machine.tools import AnyTool
from remit.policy.approvers import ANYTHING, has_roles, problem_of
from remit.policy.permission import Rule

Named = Sequence[str] | Mapping[AnyTool | str, Sequence[str]]


def approvers_by(named: Named) -> dict[str, tuple[str, ...]]:
    """Who may agree, by tool or rule, `*` for every other. Raises `SpecError`."""
    given = named if isinstance(named, Mapping) else {ANYTHING: named}
    found = {}
    for target, who in given.items():
        name = target if isinstance(target, str) else target.name
        wrong = "write a list of names" if isinstance(who, str) else problem_of(who)
        if wrong or (name != ANYTHING and not who):
            raise SpecError(f"approvers[{name!r}]: {wrong or 'nobody is named'}")
        found[name] = tuple(who)
    return found


def anyone(named: Named) -> tuple[str, ...]:
    """Who may agree to calls that no entry of their own names."""
    return approvers_by(named).get(ANYTHING, ())


def entries(named: Named) -> tuple[ApproversOf, ...]:
    """Who may agree to calls of certain tools or rules."""
    by = approvers_by(named)
    return tuple(ApproversOf(of=of, who=who) for of, who in by.items() if of != ANYTHING)


def check_approvers(
    agent: str, named: Named, tools: Collection[str], rules: Sequence[Rule]
) -> None:
    """Raise `SpecError` for entries of unknown tools, and for more humans than are named."""
    by = approvers_by(named)
    unknown = sorted(by.keys() - {ANYTHING, *tools, *(rule.id for rule in rules)})
    if unknown:
        raise SpecError(
            f"agent {agent!r}: approvers of {', '.join(unknown)}: it has no such tool or rule; the "
            f"tools are: {', '.join(tools) or 'none'}"
        )
    for rule in rules:
        who = by.get(rule.id) or by.get(rule.tool) or by.get(ANYTHING, ())
        people = set(who)
        few = bool(people) and not has_roles(who) and rule.needed > len(people)
        if few and rule.effect == "ask":
            raise SpecError(
                f"agent {agent!r}: the rule {rule.id!r} asks {rule.needed} different "
                f"humans, and there are {len(people)} approvers"
            )
