"""How many things wait for people: counted run by run, and again only for a run that went on."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from remit.app.desk import Desk
from remit.app.run import pending_approvals, pending_doubts, pending_questions
from remit.journal.rows import RunRow
from remit.machine.state import State
from remit.server.inbox.states import States, states_of
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, B, Q

_TENANTS = 1_000  # counts of so many tenants are kept
_KNOWN = 20_000  # numbers of runs, some hundred bytes each
_FOLDS = 50  # runs read anew in one look: a tenth of a second; the next look goes on


@dataclass(frozen=True, slots=True)
class Count:
    """What waits; `more`: there are runs that were not looked at yet."""

    number: int
    more: bool = False


NOTHING = Count(0)


@dataclass(slots=True)
class Tally:
    """Counts of the server that is asked."""

    desk: Desk
    states: States
    _known: OrderedDict[tuple[str, str], tuple[int, int]] = field(default_factory=OrderedDict)
    _told: OrderedDict[str, tuple[int, Count]] = field(default_factory=OrderedDict)
    """By tenant, and up to where the journal reached then."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, tenant: str | None) -> Count:
        """Approvals, questions and doubts of a tenant's living runs; `None` for all tenants."""
        name = tenant or EVERYWHERE
        async with self._lock:
            # Every page shows it: while nothing happens anywhere, nothing is looked at.
            end = await self.desk.store.feed_end()
            at, count = self._told.pop(name, (-1, NOTHING))
            if at != end or count.more:
                count = await self._look(tenant)
            self._told[name] = (end, count)
            while len(self._told) > _TENANTS:
                self._told.popitem(last=False)
            return count

    async def _look(self, tenant: str | None) -> Count:
        number, left, more = 0, _FOLDS, False
        # What waits is more likely to ask somebody than what runs.
        for row in sorted(await self.desk.living(tenant), key=_runs):
            version, count = self._known.get((row.tenant, row.run), (-1, 0))
            if version != row.version and left:
                left -= 1
                state = await self.states.of(row)
                count = 0 if state is None else _count(state)
                self._keep(row, count)
            elif version != row.version:
                more = True
            number += count
        return Count(number, more)

    def _keep(self, row: RunRow, count: int) -> None:
        self._known[row.tenant, row.run] = (row.version, count)
        self._known.move_to_end((row.tenant, row.run))
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)


def _runs(row: RunRow) -> bool:
    return row.status == "running"


def _count(state: State) -> int:
    asked = len(pending_approvals(state)) + len(pending_questions(state))
    return asked + len(pending_doubts(state))


def tally_of(ask: Ask[Q, B]) -> Tally:
    """That of the server that is asked."""
    state = ask.request.app.state
    if not hasattr(state, "tally"):
        state.tally = Tally(ask.app.desk, states_of(ask))
    found: Tally = state.tally
    return found
