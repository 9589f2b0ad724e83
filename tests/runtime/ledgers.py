"""Runs and books in a store, with calls that cost something, for tests of the ledger."""

from dataclasses import dataclass, field

from remit.journal.codec import seal
from remit.journal.events import Event, ModelFailed, RunEnded
from remit.journal.fact import Post
from remit.journal.record import GENESIS, SALT_BYTES, Body, Cause, Header, Record
from remit.journal.rows import Append, Appended, NewRun
from remit.ports import Store
from tests.projections.facts import answered, asked, started

DAY_MS = 86_400_000
NOW_MS = 1_795_000_000_000  # in the morning of a day of UTC
TODAY, TOMORROW = "2026-11-18", "2026-11-19"
COST = 30


@dataclass
class Spending:
    """One run that writes a record for each event."""

    store: Store
    run: str = "run_1"
    tenant: str = "acme"
    user: str = "ann"
    agent: str = "clerk"
    now_ms: int = NOW_MS
    records: list[Record] = field(default_factory=list)
    calls: int = 0

    async def write(self, *events: Event, status: str = "running") -> None:
        number = len(self.records) + 1
        header = Header(
            tenant=self.tenant,
            run=self.run,
            version=number,
            epoch=1,
            time_ms=self.now_ms,
            engine="remit-test",
        )
        record = seal(
            header,
            Body(
                causes=(Cause(kind="test", count=len(events), now_ms=self.now_ms),), events=events
            ),
            previous=self.records[-1].hash if self.records else GENESIS,
            salt=number.to_bytes(SALT_BYTES, "big"),
            key=b"k" * 32,
            key_id="test",
        )
        new = NewRun(
            root=self.run,
            parent=None,
            agent=self.agent,
            spec="d1",
            user=self.user,
            session=f"s-{self.run}",
        )
        answer = await self.store.append(
            Append(
                record=record,
                status=status,  # type: ignore[arg-type] # a text of the test
                wake_at_ms=None,
                new=None if self.records else new,
            )
        )
        assert answer == Appended()
        self.records.append(record)

    async def start(self) -> "Spending":
        fact = started(self.agent).model_copy(
            update={"user": self.user, "session": f"s-{self.run}"}
        )
        await self.write(fact)
        return self

    async def ask(self) -> None:
        self.calls += 1
        await self.write(asked(f"c{self.calls}"))

    async def settle(self) -> None:
        await self.write(answered("x", call=f"c{self.calls}", cost=COST))

    async def lose(self, cost: int) -> None:
        lost = ModelFailed(
            call=f"c{self.calls}",
            kind="in_doubt",
            cost=cost,
            posts=(Post(account="run:.|total|nano", amount=cost),),
            assumed=True,
        )
        await self.write(lost)

    async def call(self, count: int = 1) -> None:
        for _ in range(count):
            await self.ask()
            await self.settle()

    async def end(self) -> None:
        await self.write(RunEnded(status="completed", reason="done"), status="completed")
