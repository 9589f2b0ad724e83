"""Chains of sealed records for store tests, deterministic unless told otherwise."""

from dataclasses import dataclass, field

from remit.journal.codec import seal
from remit.journal.events import Event, RetryPlanned
from remit.journal.record import GENESIS, SALT_BYTES, Body, Cause, Header, Record
from remit.journal.rows import (
    Answer,
    Append,
    Appended,
    Blob,
    Letter,
    LimitLine,
    NewRun,
    RunStatus,
    VaultRow,
)
from remit.journal.transfers import HoldLine, PostLine
from remit.ports import Store

MAC_KEY = b"k" * 32
NOW = 1_795_000_000_000


@dataclass
class Chain:
    """One run's records as its driver would write them."""

    run: str = "run_1"
    tenant: str = "acme"
    session: str = "s1"
    parent: str | None = None
    epoch: int = 1
    version: int = 0
    head: bytes = GENESIS
    now_ms: int = NOW
    lease: tuple[str, int] | None = None
    agent: str = "agent"
    """None at all makes it a book."""
    facts: tuple[Event, ...] = ()
    """What the next record tells; something without meaning if nothing is given."""
    salt: bytes = b""
    """Two chains with different salts make different records of the same content."""
    written: list[Record] = field(default_factory=list)

    def record(self) -> Record:
        number = self.version + 1
        events = self.facts or (RetryPlanned(call=f"c{number}", attempt=number, at_ms=self.now_ms),)
        return seal(
            Header(
                tenant=self.tenant,
                run=self.run,
                version=number,
                epoch=self.epoch,
                time_ms=self.now_ms,
                engine="remit-test",
            ),
            Body(causes=(Cause(kind="test", count=1, now_ms=self.now_ms),), events=events),
            previous=self.head,
            salt=self.salt or number.to_bytes(SALT_BYTES, "big"),
            key=MAC_KEY,
            key_id="test",
        )

    def next(
        self,
        *,
        status: RunStatus = "running",
        wake_at_ms: int | None = None,
        holds: tuple[HoldLine, ...] = (),
        posts: tuple[PostLine, ...] = (),
        consumed: tuple[int, ...] = (),
        sends: tuple[Letter, ...] = (),
        vault: tuple[VaultRow, ...] = (),
        blobs: tuple[Blob, ...] = (),
        limits: tuple[LimitLine, ...] = (),
    ) -> Append:
        new = None
        if self.version == 0:
            new = NewRun(
                root=self.parent or self.run,
                parent=self.parent,
                agent=self.agent,
                spec="0" * 64,
                user="ann",
                session=self.session,
            )
        return Append(
            record=self.record(),
            status=status,
            wake_at_ms=wake_at_ms,
            holds=holds,
            posts=posts,
            consumed=consumed,
            sends=sends,
            vault=vault,
            blobs=blobs,
            limits=limits,
            new=new,
            lease=self.lease if new is not None else None,
        )

    def took(self, append: Append) -> None:
        """Go on from `append`, which the store has written."""
        self.version = append.record.header.version
        self.head = append.record.hash
        self.written.append(append.record)

    async def send(self, store: Store, append: Append) -> Answer:
        answer = await store.append(append)
        if isinstance(answer, Appended):
            self.took(append)
        return answer

    async def write(
        self,
        store: Store,
        *,
        status: RunStatus = "running",
        wake_at_ms: int | None = None,
        holds: tuple[HoldLine, ...] = (),
        posts: tuple[PostLine, ...] = (),
        consumed: tuple[int, ...] = (),
        sends: tuple[Letter, ...] = (),
        limits: tuple[LimitLine, ...] = (),
    ) -> Answer:
        return await self.send(
            store,
            self.next(
                status=status,
                wake_at_ms=wake_at_ms,
                holds=holds,
                posts=posts,
                consumed=consumed,
                sends=sends,
                limits=limits,
            ),
        )


def hold(
    amount: int,
    *,
    limit: int = 100,
    account: str = "run:run_1|total|nano",
    n: int = 1,
    run: str = "run_1",
) -> HoldLine:
    return HoldLine(f"{run}:c{n}:1", account, amount, limit)


def post(
    amount: int,
    *,
    account: str = "run:run_1|total|nano",
    n: int = 1,
    run: str = "run_1",
) -> PostLine:
    return PostLine(f"{run}:c{n}:1", account, amount)


def book(tenant: str = "acme", holder: str = "tenant") -> Chain:
    """A stream that is no run."""
    name = f"book_{holder}"
    return Chain(run=name, tenant=tenant, session=name, agent="")


def letter(
    key: str = "k1", *, run: str = "run_1", kind: str = "approval", body: bytes = b"{}"
) -> Letter:
    return Letter(run=run, key=key, kind=kind, body=body, time_ms=NOW)
