"""The three stores give the same answers to the same random story, and end in the same state."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from remit.adapters.memory.store import MemoryStore
from remit.adapters.postgres.leases import SKEW_MS
from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.errors import RemitError
from remit.journal.record import GENESIS
from remit.journal.rows import Appended, LimitLine, RunStatus
from remit.journal.transfers import HoldLine, PostLine
from remit.ports import Store
from remit.values.account import OPERATOR
from tests.adapters.store.chains import NOW, Chain, letter

TENANTS = ("acme", "globex")
RUNS = ("run_1", "run_2", "run_2.c1", "run_3")
ACCOUNTS = (
    *("run:a|total|nano", "session:b|total|nano", "session:b|total|tokens"),
    *("user:ann|day:2026-11-21|nano", "user:ann|day:2026-11-22|nano", "session:b|alert|nano"),
    *("global:all|month:2026-11|nano", "global:all|total|calls"),
)
LIMITS = (
    *("user:ann|day|nano", "user:*|day|nano", "session:b|total|nano", "session:*|alert|nano"),
    *("run:a|total|nano", "global:all|month|nano", "global:*|total|calls"),
)
BOOKS = ("book_user-ann", "book_tenant-all")
STATES: tuple[RunStatus, ...] = ("running", "running", "running", "waiting", "completed")
LEASE_MS = 10_000
T = TypeVar("T")


class Story:
    """Random steps; each is told to every store, and all answers must be one."""

    def __init__(self, seed: int, stores: list[Store]) -> None:
        self.dice = random.Random(seed)
        self.stores = stores
        self.now_ms = NOW
        self.chains = {
            (tenant, run): Chain(
                tenant=tenant,
                run=run,
                session="s1" if run in RUNS[:2] else "s2",
                parent="run_2" if "." in run else None,
            )
            for tenant in TENANTS
            for run in RUNS
        }
        self.books = {
            (tenant, name): Chain(tenant=tenant, run=name, session=name, agent="")
            for tenant in (*TENANTS, OPERATOR)
            for name in BOOKS
        }

    async def step(self) -> None:
        self.now_ms += self.dice.choice((1, 100, LEASE_MS // 2))
        what = self.dice.choices(
            (
                *(self.append, self.enter, self.stray, self.claim, self.renew, self.release),
                *(self.send, self.number),
            ),
            weights=(14, 4, 2, 4, 1, 1, 3, 1),
        )[0]
        await what()

    async def all_answer(self, ask: Callable[[Store], Awaitable[T]]) -> T | str:
        """The one answer of all stores; the text of an error counts as one."""
        answers: list[T | str] = []
        for store in self.stores:
            try:
                answers.append(await ask(store))
            except RemitError as exc:
                answers.append(str(exc))
        assert answers[1:] == answers[:1] * (len(answers) - 1)
        return answers[0]

    def place(self) -> tuple[str, str]:
        return self.dice.choice(TENANTS), self.dice.choice(RUNS)

    def lines(self, run: str) -> tuple[tuple[HoldLine, ...], tuple[PostLine, ...]]:
        def names() -> tuple[str, str]:
            return f"{run}:c{self.dice.randrange(4)}:1", self.dice.choice(ACCOUNTS)

        limit = self.dice.choice((100, 100, 150))
        holds = [HoldLine(*names(), self.dice.randrange(50), limit) for _ in range(3)]
        posts = [PostLine(*names(), self.dice.randrange(-5, 40)) for _ in range(3)]
        return (
            tuple(holds[: self.dice.choice((0, 0, 1, 3))]),
            tuple(posts[: self.dice.choice((0, 0, 1, 3))]),
        )

    async def append(self) -> None:
        tenant, run = self.place()
        chain = self.chains[tenant, run]
        chain.now_ms = self.now_ms
        holds, posts = self.lines(run)
        sends = tuple(
            letter(f"k{self.dice.randrange(5)}", run=self.dice.choice(RUNS))
            for _ in range(self.dice.choice((0, 0, 0, 2)))
        )
        status = self.dice.choice(STATES)
        wake_at_ms = self.dice.choice((None, self.now_ms, self.now_ms + 500))
        read = self.dice.choice((0, 1, 9))

        async def ask(store: Store) -> object:
            # Each store has its own numbers for letters.
            inbox = await store.inbox(tenant, run)
            return await store.append(
                chain.next(
                    status=status,
                    wake_at_ms=wake_at_ms,
                    holds=holds,
                    posts=posts,
                    consumed=tuple(row.number for row in inbox[:read]),
                    sends=sends,
                )
            )

        answer = await self.all_answer(ask)
        if isinstance(answer, Appended):
            append = chain.next(status=status)
            assert await self.all_answer(lambda store: store.append(append)) == Appended()
            chain.took(append)

    async def enter(self) -> None:
        """A book: limits are set and unset, amounts corrected; some of it at a wrong version."""
        chain = self.books[self.dice.choice((*TENANTS, OPERATOR)), self.dice.choice(BOOKS)]
        chain.now_ms = self.now_ms
        limits = tuple(
            LimitLine(self.dice.choice(LIMITS), self.dice.choice((None, 0, 40, 90, 200)))
            for _ in range(self.dice.randrange(3))
        )
        posts = tuple(
            PostLine(f"{chain.run}:c1:1", self.dice.choice(ACCOUNTS), self.dice.randrange(-20, 5))
            for _ in range(self.dice.choice((0, 0, 1)))
        )
        if self.dice.random() < 0.1:
            chain = replace(chain, version=chain.version + 1, written=[])
        append = chain.next(status="completed", limits=limits, posts=posts)
        if isinstance(await self.all_answer(lambda store: store.append(append)), Appended):
            self.books[chain.tenant, chain.run].took(append)

    async def stray(self) -> None:
        """An append at a wrong version, or of a forged chain."""
        tenant, run = self.place()
        version = self.dice.randrange(1, 5)
        epoch = self.dice.randrange(1, 4)
        head = self.dice.choice((GENESIS, self.chains[tenant, run].head))
        stray = Chain(
            tenant=tenant, run=run, version=version, head=head, epoch=epoch, salt=b"x" * 16
        )
        append = stray.next()
        if isinstance(await self.all_answer(lambda store: store.append(append)), Appended):
            self.chains[tenant, run].took(append)

    async def claim(self) -> None:
        tenant, run = self.place()
        owner = self.dice.choice(("a", "b"))

        async def ask(store: Store) -> int | None:
            before = await store.run(tenant, run)
            foreign = before is not None and before.owner not in {None, owner}
            # Postgres waits for the skew of clocks besides: here its clock is ahead by that.
            skew = SKEW_MS if foreign and isinstance(store, PostgresStore) else 0
            claimed = await store.claim(
                tenant, run, owner=owner, now_ms=self.now_ms + skew, lease_ms=LEASE_MS - skew
            )
            assert claimed is None or claimed.row == await store.run(tenant, run)
            return None if claimed is None else claimed.row.epoch

        epoch = await self.all_answer(ask)
        if isinstance(epoch, int):
            self.chains[tenant, run].epoch = epoch

    async def renew(self) -> None:
        tenant, run = self.place()
        epoch, until = self.dice.randrange(1, 4), self.now_ms + LEASE_MS
        await self.all_answer(lambda s: s.renew(tenant, run, epoch=epoch, lease_until_ms=until))

    async def release(self) -> None:
        tenant, run = self.place()
        epoch = self.dice.randrange(1, 4)
        await self.all_answer(lambda store: store.release(tenant, run, epoch=epoch))

    async def send(self) -> None:
        tenant, run = self.place()
        mail = letter(f"k{self.dice.randrange(5)}", run=run)
        await self.all_answer(lambda store: store.send(tenant, mail))

    async def number(self) -> None:
        tenant = self.dice.choice(TENANTS)
        await self.all_answer(lambda store: store.sequence(tenant))

    async def state(self, store: Store) -> list[object]:
        """Everything the store knows, without its own numbers for letters and positions."""
        found: list[object] = [await store.runs(None), await store.runs(None, books=True)]
        found.append([item.record for item in await store.feed()])
        for tenant in (*TENANTS, OPERATOR):
            found.append(await store.limits(tenant, ("", "global:")))
            found.append(await store.balances(tenant, after="run:b", limit=2))
            found += [await store.balances(tenant), await store.leaves(tenant, 0, 999)]
            for run in RUNS:
                found.append([row.letter for row in await store.inbox(tenant, run)])
                found.append(await store.open_holds(tenant, run))
                found.append(await store.records(tenant, run))
        return found


@pytest.fixture
async def stores(tmp_path: Path, postgres_url: str) -> AsyncIterator[list[Store]]:
    async with AsyncExitStack() as stack:
        every: list[Store] = [
            MemoryStore(),
            SqliteStore(tmp_path / "journal.db"),
            PostgresStore(postgres_url),
        ]
        for store in every:
            await store.open()
            stack.push_async_callback(store.close)
        yield every


@pytest.mark.requirement("BUD-7", "TEN-1")
@pytest.mark.parametrize("seed", range(12))
async def test_the_same_story_in_every_store(stores: list[Store], seed: int) -> None:
    story = Story(seed, stores)
    for _ in range(100):
        await story.step()
    states = [await story.state(store) for store in stores]
    assert states[1] == states[0]
    assert states[2] == states[0]
    due = [set(await store.due(story.now_ms + 10 * LEASE_MS)) for store in stores]
    assert due[1:] == due[:1] * 2
    assert sum(len(chain.written) for chain in story.chains.values()) > 10
    assert sum(len(chain.written) for chain in story.books.values()) > 3
    limits = [await stores[0].limits(tenant) for tenant in (*TENANTS, OPERATOR)]
    assert any(limits)
    assert await stores[0].balances(OPERATOR)
