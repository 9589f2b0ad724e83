"""What works and somebody should think about, such as messages that no hook looks at."""

from collections.abc import Iterable, Iterator

from remit.app.ready_looks import Sight
from remit.machine.authority import all_below
from remit.machine.hooks import hooks_on
from remit.machine.spec import AgentSpec


def doubts(specs: Iterable[AgentSpec]) -> Iterator[Sight]:
    """One line for each doubt about the tools of these agents and those below them."""
    found = (sight for spec in specs for each in all_below(spec) for sight in _doubts_of(each))
    yield from {sight.detail: sight for sight in found}.values()


def _doubts_of(spec: AgentSpec) -> Iterator[Sight]:
    for tool in spec.tools:
        if tool.critical and not (tool.fallback or tool.last_good_ms):
            yield Sight(
                f"fallback {tool.name}",
                "doubtful",
                f"{spec.name}: {tool.name} is critical, and nothing serves while it does not work",
                "declare @tool(fallback=...), or last_good=... of a read",
            )
        if tool.sends and not hooks_on(spec.hooks, "before", tool):
            yield Sight(
                f"hooks {tool.name}",
                "doubtful",
                f"{spec.name}: {tool.name} sends messages to people, and no hook looks at them",
                f"declare one: @before_tool({tool.name!r}), in Remit(hooks=...) or App(hooks=...)",
            )
