"""Accepting what a server says of its tools: seen by a human, journalled, then written down."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from remit.errors import NotFound
from remit.journal.events import ServerToolAccepted
from remit.machine.agent import Agent
from remit.runtime.books import Books, Entry, Page
from remit.values.account import OPERATOR


@runtime_checkable
class Described(Protocol):
    """What a server says of one tool."""

    @property
    def description(self) -> str:
        """What a model is told."""
        ...

    @property
    def schema(self) -> str:
        """The schema of its arguments, as JSON text."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        ...


@runtime_checkable
class Accepting(Protocol):
    """A source of tools that works only as a human accepted it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def differences(self) -> Mapping[str, tuple[Described | None, Described | None]]:
        """By tool, what was accepted and what is offered, where they are not one."""
        ...

    async def accept(self, wanted: Mapping[str, str]) -> None:
        """Accept tools by name and digest; raises `SpecError` where they changed since."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


def servers_of(agents: Iterable[Agent[object]]) -> dict[str, Accepting]:
    """The servers whose tools agents, and agents beneath them, use."""
    found: dict[str, Accepting] = {}
    for agent in agents:
        for each in agent.tools:
            if isinstance(each.source, Accepting):
                found[each.source.name] = each.source
        found.update(servers_of(agent.agents))
    return found


def server_named(agent: Agent[object], name: str) -> Accepting:
    """The server of that name. Raises `NotFound`."""
    found = servers_of([agent])
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise NotFound(f"the agent {agent.name!r} has no tools of a server {name!r}; of: {known}")
    return found[name]


async def accept(
    books: Books,
    server: Accepting,
    seen: Mapping[str, tuple[Described | None, Described | None]],
    principal: str,
) -> tuple[str, ...]:
    """Enter and accept what a human saw; the names of the tools."""
    offered = {name: each for name, (_, each) in seen.items() if each is not None}
    facts = tuple(
        ServerToolAccepted(
            server=server.name,
            tool=name,
            digest=each.digest,
            before=_digest(seen[name][0]),
            principal=principal,
        )
        for name, each in sorted(offered.items())
    )

    def decide(_pages: Sequence[Page], _now_ms: int) -> Entry:
        return Entry(events=facts)

    if facts:
        await books.enter(OPERATOR, f"server:{server.name}", decide)
        await server.accept({name: each.digest for name, each in offered.items()})
    return tuple(sorted(offered))


def _digest(known: Described | None) -> str:
    return "" if known is None else known.digest
