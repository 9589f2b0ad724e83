"""Whether every action an agent can take has authority: a rule, an approval, or a mode."""

from collections.abc import Iterable, Iterator

from remit.machine.spec import AgentSpec, ToolSpec
from remit.machine.state import State
from remit.policy.mode import Mode, least_mode
from remit.policy.permission import Rule
from remit.policy.rule import covers


def without_authority(
    tools: Iterable[ToolSpec], rules: Iterable[Rule], mode: Mode | None
) -> Iterator[ToolSpec]:
    """The tools that write, or show personal data, and that no rule is about.

    A rule that denies some arguments leaves the others open. In the modes plan, auto and bypass
    the mode says what becomes of them.
    """
    given = [rule for rule in rules if rule.effect != "deny" or not rule.looks_at_arguments]
    if mode not in (None, "default"):
        return
    for tool in tools:
        if tool.acts and not any(covers(rule, tool.name, tool.server) for rule in given):
            yield tool


def all_below(spec: AgentSpec) -> Iterator[AgentSpec]:
    """An agent and all agents below it."""
    yield spec
    for agent in spec.agents:
        yield from all_below(agent)


def mode_below(parent: State, spec: AgentSpec) -> Mode:
    """The mode of a sub-run: no more trust than the run above has."""
    return parent.mode if spec.mode is None else least_mode(parent.mode, spec.mode)
