"""States of living runs as pages need them, kept until the run goes on: a look costs one query."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from remit.app.desk import LIVING
from remit.errors import IntegrityError, NotFound, StoreCorrupt
from remit.journal.rows import RunRow
from remit.machine.state import State
from remit.runtime.reader import Reader
from remit.server.route import Ask, B, Q

# States hold whole conversations, some kilobytes each. No fewer than a page looks through in turn:
# of more than are kept, it would find none of them the next time.
_KEPT = LIVING + 100


@dataclass(slots=True)
class States:
    """Folds runs, and keeps what was folded for as long as the row is at the same version."""

    reader: Reader
    _known: OrderedDict[tuple[str, str], tuple[int, State]] = field(default_factory=OrderedDict)

    async def of(self, row: RunRow) -> State | None:
        """The state of a run; None for one whose journal is damaged or was erased."""
        key = (row.tenant, row.run)
        known = self._known.get(key)
        if known is None or known[0] != row.version:
            try:
                past = await self.reader.past(row)
            except (IntegrityError, NotFound, StoreCorrupt):
                return None  # `remit verify` tells more; other runs are still to be seen
            known = (past.version, past.state)
            self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known[1]

    async def each(self, rows: list[RunRow]) -> AsyncIterator[tuple[RunRow, State]]:
        """Rows with their states; those that cannot be read are left out."""
        for row in rows:
            state = await self.of(row)
            if state is not None:
                yield row, state


def states_of(ask: Ask[Q, B]) -> States:
    """Those of the server that is asked."""
    state = ask.request.app.state
    if not hasattr(state, "states"):
        state.states = States(ask.app.engine.reader)
    found: States = state.states
    return found
