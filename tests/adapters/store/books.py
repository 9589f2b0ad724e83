"""What every store must do with books: streams that are no runs."""

import asyncio
from collections.abc import Sequence

import pytest

from remit.app.audit import sign_new_head
from remit.journal.codec import decompress
from remit.journal.events import BudgetSet
from remit.journal.record import GENESIS, check_link, check_mac
from remit.journal.rows import Appended, Conflict, LimitLine
from remit.policy.book import book_of
from remit.ports import Store
from remit.runtime.books import Books, Entry, Page
from tests.adapters.store.chains import NOW, Chain, book, hold, letter, post
from tests.runtime.kit import services_on

HOLDER = "user:ann"
ACCOUNT = "user:ann|day|nano"


class BookContract:
    """Books are written by whoever, one after another, and are runs to nobody."""

    @pytest.mark.requirement("BUD-7", "AUD-1")
    async def test_of_several_writers_at_one_version_one_writes(self, store: Store) -> None:
        books = [book() for _ in range(8)]
        for number, each in enumerate(books):
            each.salt = bytes([number]) * 16
        answers = await asyncio.gather(
            *(
                each.write(store, status="completed", limits=(LimitLine(ACCOUNT, n),))
                for n, each in enumerate(books)
            )
        )
        assert answers.count(Appended()) == 1
        assert answers.count(Conflict("exists", 1, "book_tenant")) == 7
        assert await store.limits("acme") == [LimitLine(ACCOUNT, answers.index(Appended()))]

    @pytest.mark.requirement("BUD-7", "AUD-1", "AUD-3")
    async def test_writers_at_once_read_again_and_none_is_lost(self, store: Store) -> None:
        services = services_on(store)
        books = Books(store, services.clock, services.dice, services.signer)

        def count(pages: Sequence[Page], _now_ms: int) -> Entry:
            event = BudgetSet(account=ACCOUNT, limit=len(pages), principal="bob")
            return Entry(events=(event,), limits=(LimitLine(ACCOUNT, len(pages)),))

        for _ in range(3):
            await asyncio.gather(*(books.enter("acme", HOLDER, count) for _ in range(5)))
        events = [page.event for page in await books.read("acme", HOLDER)]
        assert [e.limit for e in events if isinstance(e, BudgetSet)] == list(range(15))
        assert await store.limits("acme") == [LimitLine(ACCOUNT, 14)]
        previous = GENESIS
        for record in await store.records("acme", book_of(HOLDER)):
            check_link(record, previous, decompress(record.payload))
            check_mac(record, {services.signer.key_id: services.signer.key})
            previous = record.hash

    @pytest.mark.requirement("AUD-1", "AUD-3")
    async def test_a_book_is_in_the_feed_and_the_tree_and_among_no_runs(self, store: Store) -> None:
        run, ours, theirs = Chain(), book(), book("globex")
        for chain in (run, ours, run, theirs, ours):
            await chain.write(store, status="completed" if chain is not run else "running")
        assert [row.run for row in await store.runs(None)] == ["run_1"]
        assert [row.run for row in await store.runs("acme", session=ours.session)] == []
        assert [row.run for row in await store.runs("acme", status=("completed",))] == []
        (row,) = await store.runs("acme", books=True)
        assert (row.run, row.agent, row.status, row.version) == (ours.run, "", "completed", 2)
        assert {(each.tenant, each.run) for each in await store.runs(None, books=True)} == {
            ("acme", ours.run),
            ("globex", theirs.run),
        }
        assert await store.run("acme", ours.run) == row
        feed = [item.record for item in await store.feed(tenant="acme")]
        assert feed == [run.written[0], ours.written[0], run.written[1], ours.written[1]]
        assert await store.records("acme", ours.run) == ours.written
        assert await store.sequence("acme") == 4
        assert await store.leaves("acme", 0, 9) == [record.hash for record in feed]
        signed = await sign_new_head(store, bytes(range(32)), "acme", NOW)
        assert signed is not None
        assert signed[0].size == 4

    async def test_nobody_drives_a_book_and_books_are_listed_page_by_page(
        self, store: Store
    ) -> None:
        for number in range(5):
            await book(holder=f"user-{number}").write(store, status="completed")
        assert await store.due(2**50) == []
        newest = await store.runs("acme", books=True, limit=2)
        assert [row.run for row in newest] == ["book_user-4", "book_user-3"]
        rest = await store.runs("acme", books=True, before="book_user-3")
        assert [row.run for row in rest] == ["book_user-2", "book_user-1", "book_user-0"]

    async def test_a_book_posts_to_accounts_and_sends_letters(self, store: Store) -> None:
        """Corrections of what was assumed are entered by nobody's run."""
        run, operator = Chain(), book()
        await run.write(store, holds=(hold(60, account=ACCOUNT),))
        await run.write(store, posts=(post(60, account=ACCOUNT),))
        correction = post(-25, account=ACCOUNT, run=operator.run)
        await operator.write(
            store, status="completed", posts=(correction,), sends=(letter("raised"),)
        )
        (balance,) = await store.balances("acme")
        assert (balance.posted, balance.held) == (35, 0)
        assert [each.letter.key for each in await store.inbox("acme", "run_1")] == ["raised"]
