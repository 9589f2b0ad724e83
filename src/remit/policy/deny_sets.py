"""Rules that put the built-in deny sets before tools: `deny_sets={"run_command": "shell"}`."""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from remit.errors import SpecError
from remit.policy.dangers.sets import DANGERS
from remit.policy.permission import Rule
from remit.policy.where import Where


def deny_rules(sets: Iterable[tuple[str, str | Sequence[str]]]) -> tuple[Rule, ...]:
    """One rule for each tool: its arguments are shown to these sets, and what they find is denied.

    Raises `SpecError` for a set that there is none of.
    """
    return tuple(_rule(tool, (names,) if isinstance(names, str) else names) for tool, names in sets)


def _rule(tool: str, names: Sequence[str]) -> Rule:
    try:
        where = Where(name="*", danger=tuple(names))
    except ValidationError:
        known = ", ".join(DANGERS)
        raise SpecError(f"deny_sets[{tool!r}] is {names!r}; name one or more of {known}") from None
    told = " and ".join(names)
    return Rule(
        id=f"remit.deny-set.{tool}",
        effect="deny",
        tool=tool,
        where=(where,),
        reason=f"the deny set {told} knows this as dangerous",
    )
