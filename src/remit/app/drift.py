"""Tools that their servers changed while runs went on: entered in books, once per offer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from remit.errors import OutsideError
from remit.journal.events import ServerToolAccepted, ServerToolStopped
from remit.policy.book import book_of
from remit.ports import Store
from remit.runtime.books import NOTHING, Books, Entry, Page
from remit.values.account import OPERATOR

_KNOWN = 10_000  # tools times offers of one process
_SERVERS = 1_000  # books that are read at once
_SCOPE = "server"


class Drift:
    """Enters what was noticed. Belongs to one event loop."""

    def __init__(self) -> None:
        self.books: Books | None = None
        """Where it is entered, once the journal is open."""
        self._known: set[ServerToolStopped] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self, server: str, tool: str, accepted: str, offered: str) -> None:
        """A tool was stopped; it is entered in the background, and the call does not wait."""
        fact = ServerToolStopped(server=server, tool=tool, accepted=accepted, offered=offered)
        if self.books is None or fact in self._known or len(self._known) >= _KNOWN:
            return
        self._known.add(fact)
        task = asyncio.get_running_loop().create_task(self._enter(self.books, fact))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Enter what is left."""
        await asyncio.gather(*self._tasks)

    async def _enter(self, books: Books, fact: ServerToolStopped) -> None:
        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            last = _last(pages).get(fact.tool)
            return NOTHING if last is not None and last.event == fact else Entry(events=(fact,))

        try:
            await books.enter(OPERATOR, f"{_SCOPE}:{fact.server}", decide)
        except OutsideError:
            self._known.discard(fact)  # the next call tells of it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A tool that is stopped until somebody accepts what is offered instead."""

    time_ms: int
    fact: ServerToolStopped


async def stopped(store: Store, books: Books) -> list[Stopped]:
    """The tools of all servers that were stopped and not accepted since, by server and tool."""
    found: list[Stopped] = []
    prefix = book_of(f"{_SCOPE}:")
    for row in await store.runs(OPERATOR, books=True, limit=_SERVERS):
        if row.run.startswith(prefix):
            pages = await books.read(OPERATOR, f"{_SCOPE}:{row.run.removeprefix(prefix)}")
            found += [
                Stopped(time_ms=page.time_ms, fact=page.event)
                for page in _last(pages).values()
                if isinstance(page.event, ServerToolStopped)
            ]
    return sorted(found, key=lambda each: (each.fact.server, each.fact.tool))


def _last(pages: Sequence[Page]) -> dict[str, Page]:
    """What was entered last of each tool."""
    return {
        page.event.tool: page
        for page in pages
        if isinstance(page.event, ServerToolAccepted | ServerToolStopped)
    }
