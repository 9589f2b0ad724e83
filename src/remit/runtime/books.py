"""Books: streams of the journal that are no runs, one per holder, for facts that concern no run.

A book holds what operators and payment providers did to a tenant, a user, an agent: limits set,
plans changed, bills compared. It is sealed, chained and numbered as runs are; nobody drives it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remit.errors import StoreBusy, StoreCorrupt
from remit.journal.codec import open_record, seal
from remit.journal.events import Event
from remit.journal.record import GENESIS, SALT_BYTES, Body, Cause, Header, Record
from remit.journal.rows import Append, Appended, Conflict, Letter, LimitLine, NewRun
from remit.journal.transfers import transfers
from remit.machine.decide import ENGINE
from remit.policy.book import book_of
from remit.ports import Clock, Dice, Store
from remit.runtime.services import Signer

# Writers of one book are people and webhooks: more than this many at one instant are no accident.
_TRIES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One fact of a book, and when it was entered."""

    time_ms: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is entered at once: facts, limits that come into force with them, letters to runs."""

    events: tuple[Event, ...] = ()
    limits: tuple[LimitLine, ...] = ()
    sends: tuple[Letter, ...] = ()


NOTHING = Entry()


class Books:
    """Reads and writes the books of all tenants."""

    def __init__(self, store: Store, clock: Clock, dice: Dice, signer: Signer) -> None:
        self._store = store
        self._clock = clock
        self._dice = dice
        self._signer = signer

    async def read(self, tenant: str, holder: str) -> tuple[Page, ...]:
        """All facts of a holder's book, in order; none where it has no book yet."""
        return _pages(await self._store.records(tenant, book_of(holder)))

    async def enter(
        self, tenant: str, holder: str, decide: Callable[[Sequence[Page], int], Entry]
    ) -> Entry:
        """Enter what `decide` makes of the book so far and the time; what it was, at last.

        `decide` is asked again when somebody else wrote in between; entering no event writes
        nothing. Raises `StoreError`, `StoreBusy` when others write all the time.
        """
        book = book_of(holder)
        for _ in range(_TRIES):
            records = await self._store.records(tenant, book)
            now_ms = self._clock.now_ms()
            entry = decide(_pages(records), now_ms)
            if not entry.events:
                return entry
            answer = await self._store.append(self._append(tenant, book, records, entry, now_ms))
            if isinstance(answer, Appended):
                return entry
            if not isinstance(answer, Conflict):
                raise StoreCorrupt(f"{tenant}/{book}: a book cannot be written: {answer}")
        raise StoreBusy(f"{tenant}/{book}: others write this book all the time; try again")

    def _append(
        self, tenant: str, book: str, records: Sequence[Record], entry: Entry, now_ms: int
    ) -> Append:
        last = records[-1] if records else None
        header = Header(
            tenant=tenant,
            run=book,
            version=len(records) + 1,
            epoch=1,
            time_ms=now_ms,
            engine=ENGINE,
        )
        cause = Cause(kind="book", count=len(entry.events), now_ms=now_ms)
        record = seal(
            header,
            Body(causes=(cause,), events=entry.events),
            previous=GENESIS if last is None else last.hash,
            salt=self._dice.entropy(SALT_BYTES),
            key=self._signer.key,
            key_id=self._signer.key_id,
        )
        new = NewRun(root=book, parent=None, agent="", spec="", user="", session=book)
        _, posts = transfers(book, entry.events)
        return Append(
            record=record,
            status="completed",
            wake_at_ms=None,
            posts=tuple(posts),
            sends=entry.sends,
            limits=entry.limits,
            new=new if last is None else None,
        )


def _pages(records: Sequence[Record]) -> tuple[Page, ...]:
    bodies = ((record.header.time_ms, open_record(record)) for record in records)
    return tuple(
        Page(time_ms=time_ms, event=event)
        for time_ms, body in bodies
        if body is not None
        for event in body.events
    )
