"""Books: facts of a holder, entered by whoever, one after another, sealed like everything else."""

import asyncio
from collections.abc import Sequence

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreBusy, StoreCorrupt
from remit.journal.codec import decompress
from remit.journal.events import BudgetSet
from remit.journal.record import GENESIS, check_link, check_mac
from remit.journal.rows import Answer, Append, Conflict, Fenced, LimitLine
from remit.policy.book import book_of
from remit.runtime.books import NOTHING, Books, Entry, Page
from tests.runtime.kit import TENANT, services_on

HOLDER = "user:ann"
ACCOUNT = "user:ann|day|nano"


def limit(amount: int | None) -> Entry:
    event = BudgetSet(account=ACCOUNT, limit=amount, principal="bob")
    return Entry(events=(event,), limits=(LimitLine(ACCOUNT, amount),))


async def books_on(store: MemoryStore) -> Books:
    await store.open()
    services = services_on(store)
    return Books(store, services.clock, services.dice, services.signer)


@pytest.mark.requirement("BUD-4", "AUD-1")
async def test_what_is_entered_is_read_back_and_in_force() -> None:
    store = MemoryStore()
    books = await books_on(store)
    assert await books.read(TENANT, HOLDER) == ()
    seen: list[int] = []

    def decide(pages: Sequence[Page], now_ms: int) -> Entry:
        seen.append(len(pages))
        return limit(5 + len(pages))

    await books.enter(TENANT, HOLDER, decide)
    await books.enter(TENANT, HOLDER, decide)
    assert seen == [0, 1]
    amounts = [
        page.event.limit
        for page in await books.read(TENANT, HOLDER)
        if isinstance(page.event, BudgetSet)
    ]
    assert amounts == [5, 6]
    assert await store.limits(TENANT, ("user:ann|",)) == [LimitLine(ACCOUNT, 6)]
    assert await books.read("other", HOLDER) == ()
    await books.enter(TENANT, HOLDER, lambda _pages, _now_ms: limit(None))
    assert await store.limits(TENANT) == []


@pytest.mark.requirement("AUD-1", "AUD-3")
async def test_a_book_is_a_chain_and_no_run() -> None:
    store = MemoryStore()
    books = await books_on(store)
    for amount in (1, 2):
        await books.enter(TENANT, HOLDER, lambda _pages, _now_ms, amount=amount: limit(amount))  # type: ignore[misc]  # bound now
    previous = GENESIS
    signer = services_on(store).signer
    for record in await store.records(TENANT, book_of(HOLDER)):
        check_link(record, previous, decompress(record.payload))
        check_mac(record, {signer.key_id: signer.key})
        previous = record.hash
    assert await store.runs(TENANT) == []
    (row,) = await store.runs(TENANT, books=True)
    assert (row.run, row.status, row.version, row.agent) == (book_of(HOLDER), "completed", 2, "")
    assert await store.due(10**15) == []
    assert await store.sequence(TENANT) == 2


async def test_nothing_is_written_where_nothing_is_entered() -> None:
    store = MemoryStore()
    books = await books_on(store)
    assert await books.enter(TENANT, HOLDER, lambda _pages, _now_ms: NOTHING) == NOTHING
    assert await store.runs(TENANT, books=True) == []


@pytest.mark.requirement("BUD-7")
async def test_those_who_write_at_once_write_one_after_another() -> None:
    store = MemoryStore()
    books = await books_on(store)

    def count(pages: Sequence[Page], _now_ms: int) -> Entry:
        return limit(len(pages))

    await asyncio.gather(*(books.enter(TENANT, HOLDER, count) for _ in range(20)))
    events = [page.event for page in await books.read(TENANT, HOLDER)]
    assert [event.limit for event in events if isinstance(event, BudgetSet)] == list(range(20))


class Answers(MemoryStore):
    """Answers appends as it is told."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.asked = 0

    @override
    async def append(self, append: Append) -> Answer:
        self.asked += 1
        return self.answer


async def test_a_book_that_others_write_all_the_time_is_given_up() -> None:
    store = Answers(Conflict("version", 9, book_of(HOLDER)))
    books = await books_on(store)
    with pytest.raises(StoreBusy, match="others write this book all the time"):
        await books.enter(TENANT, HOLDER, lambda _pages, _now_ms: limit(1))
    assert 10 < store.asked < 100


async def test_an_answer_that_no_book_can_get_is_damage() -> None:
    books = await books_on(Answers(Fenced(7)))
    with pytest.raises(StoreCorrupt, match="cannot be written"):
        await books.enter(TENANT, HOLDER, lambda _pages, _now_ms: limit(1))
