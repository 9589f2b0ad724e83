"""Whatever is held, posted, voided, crashed, expired and limited: accounts say what events say."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.adapters.postgres.leases import SKEW_MS
from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.ports import Store
from tests.adapters.store import spending
from tests.adapters.store.spending import LIMITED, RUNS, TENANTS, Spending

RUN = st.integers(0, RUNS - 1)


class SpendingMachine(RuleBasedStateMachine):
    """Any interleaving, on a store in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        store = MemoryStore()
        self.runner.run(store.open())
        self.world = Spending(store)

    @rule(number=RUN, nano=st.integers(0, 120))
    def call(self, number: int, nano: int) -> None:
        self.runner.run(self.world.call(number, nano))

    @rule(number=RUN, share=st.sampled_from((0, 40, 100, 100, 130)))
    def settle(self, number: int, share: int) -> None:
        self.runner.run(self.world.settle(number, share))

    @rule(number=RUN)
    def void(self, number: int) -> None:
        self.runner.run(self.world.void(number))

    @rule(number=RUN)
    def crash(self, number: int) -> None:
        self.runner.run(self.world.crash(number))

    @rule()
    def expire(self) -> None:
        self.world.pass_day()

    @rule(
        tenant=st.sampled_from(TENANTS),
        account=st.sampled_from(LIMITED),
        amount=st.none() | st.integers(0, 500),
    )
    def limit(self, tenant: str, account: str, amount: int | None) -> None:
        self.runner.run(self.world.limit(tenant, account, amount))

    @invariant()
    def accounts_say_what_events_say(self) -> None:
        self.runner.run(self.world.check())

    @override
    def teardown(self) -> None:
        try:
            self.runner.run(self.world.finish())
        finally:
            self.runner.close()


TestSpending = pytest.mark.requirement("BUD-1", "BUD-2", "BUD-3", "BUD-7")(SpendingMachine.TestCase)
TestSpending.settings = settings(deadline=None, stateful_step_count=30)


@pytest.fixture(params=["sqlite", "postgres"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str
) -> AsyncIterator[Store]:
    store: Store = (
        SqliteStore(tmp_path / "journal.db")
        if request.param == "sqlite"
        else PostgresStore(postgres_url)
    )
    await store.open()
    yield store
    await store.close()


@pytest.mark.requirement("BUD-1", "BUD-2", "BUD-3", "BUD-7")
@pytest.mark.parametrize("seed", range(4))
async def test_any_interleaving_on_disk(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spending, "LEASE_MS", 2 * SKEW_MS)  # leases are waited for with the skew
    dice = random.Random(seed)
    world = Spending(store)
    admitted = refused = 0
    for _ in range(60):
        number = dice.randrange(RUNS)
        match dice.choice(("call", "call", "call", "settle", "void", "crash", "expire", "limit")):
            case "call":
                if await world.call(number, dice.randrange(120)):
                    admitted += 1
                else:
                    refused += 1
            case "settle":
                await world.settle(number, dice.choice((0, 40, 100, 130)))
            case "void":
                await world.void(number)
            case "crash":
                await world.crash(number)
            case "expire":
                world.pass_day()
            case _:
                amount = dice.choice((None, 0, 60, 300, 900))
                await world.limit(dice.choice(TENANTS), dice.choice(LIMITED), amount)
        await world.check()
    await world.finish()
    assert admitted > 3
    assert refused > 3
