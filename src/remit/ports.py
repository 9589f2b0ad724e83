"""What the outside must satisfy: one Protocol per port, one contract suite for all its adapters."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol, runtime_checkable

from remit.journal.record import Record
from remit.journal.rows import (
    Answer,
    Append,
    Balance,
    Blob,
    Claimed,
    FeedItem,
    InboxRow,
    Letter,
    LimitLine,
    RunRow,
    RunStatus,
    Switch,
    VaultRow,
)
from remit.journal.transfers import HoldLine
from remit.values.command import Command, Finished, Program
from remit.values.credential import Credential, Wanted
from remit.values.ledger import ALL, FIELDS, LedgerField, LedgerFilter, LedgerKey, LedgerSum
from remit.values.model import Delta, ModelAnswer, ModelCard, ModelRequest
from remit.values.notice import Notice
from remit.values.price import ModelPrice
from remit.values.statement import Statement

# ---------------------------------------------------------------- models


class Model(Protocol):
    """A way to reach models of one provider."""

    provider: str

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The complete answer; `emit` gets deltas on the way when `request.stream`.

        `deadline_s` is the time left in seconds; the whole call ends within it.
        Raises `ProviderError` with its kind; never hangs.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class InputCounter(Protocol):
    """A `Model` that can also tell how long a request is, without answering it."""

    async def count(self, request: ModelRequest, *, deadline_s: float) -> int | None:
        """The input tokens of the request as the provider will count them; nothing is billed.

        None where it cannot be told. Raises `ProviderError`; the whole call ends within
        `deadline_s` seconds.
        """
        ...


@runtime_checkable
class ModelChecker(Protocol):
    """A `Model` that can also be asked whether a model is there, without an answer of it."""

    async def check(self, model: str, *, deadline_s: float) -> ModelCard | None:
        """What the provider tells of a model by its own name; nothing is billed.

        None where only the key could be checked. Raises `ProviderError`, of kind `not_found` for a
        model that is not there and `auth` for a key that is refused; the whole call ends within
        `deadline_s` seconds.
        """
        ...


# ---------------------------------------------------------------- sandbox


class Sandbox(Protocol):
    """Something that runs a program confined by the operating system."""

    name: str

    async def run(self, command: Command) -> Finished:
        """Run to the end or to a limit; everything it started is dead when this returns."""

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        """Start a program and keep it; everything it started is dead when the block is left."""


# ---------------------------------------------------------------- clock, dice, vault


class Clock(Protocol):
    """The wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""


class Dice(Protocol):
    """Randomness."""

    def entropy(self, count: int) -> bytes:
        """`count` unpredictable bytes."""

    def jitter(self) -> int:
        """A number from 0 to 1,000,000, for spreading retries."""


class SecretSource(Protocol):
    """Where the app's own secrets are kept: keys of providers, passwords of databases."""

    def read(self, name: str) -> str | None:
        """A secret as it is now, or None. Raises `ConfigError` when the place cannot be read."""
        ...

    def where(self, name: str) -> str:
        """Where a person puts the secret, for an error's remedy."""
        ...


class Credentials(Protocol):
    """Where what a tool shows to the system it calls comes from; short-lived where that can be."""

    async def get(self, wanted: Wanted) -> Credential:
        """A credential for one tool of one tenant, never another tenant's.

        Raises `NoCredential` where it cannot be had, `ConfigError` where it is declared
        wrongly; no text of an error holds it. Ends within a bounded time.
        """
        ...


class Vault(Protocol):
    """Seals secrets per tenant and names them by placeholders."""

    def placeholder(self, tenant: str, kind: str, secret: str) -> str:
        """The name that stands for a secret in texts; the same secret has the same name."""
        ...

    def seal(self, tenant: str, placeholder: str, secret: str) -> bytes:
        """The secret, readable only with the vault's key."""
        ...

    def open(self, tenant: str, placeholder: str, sealed: bytes) -> str:
        """The secret. Raises `VaultSealBroken`."""
        ...


# ---------------------------------------------------------------- channels, bills, prices


class Notifier(Protocol):
    """A way to tell people that something waits for them; one key is told once, however often."""

    async def tell(self, notice: Notice, *, deadline_s: float) -> None:
        """Deliver within `deadline_s` seconds. Raises `NotDelivered`."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class Billing(Protocol):
    """Something that knows what a provider counted and billed."""

    async def statement(self, day: date, keys: tuple[str, ...] = ()) -> Statement:
        """Everything about one UTC day, of all or of some API keys (by the provider's ids).

        Raises `ProviderError` when the report cannot be had, or names the field that cannot be
        read; never hangs.
        """
        ...


class Prices(Protocol):
    """A price table, resolved once when a run starts."""

    version: str

    def price(self, model: str) -> ModelPrice:
        """The price of `provider:model`. Raises `UnpricedModel`."""
        ...


# ---------------------------------------------------------------- the journal's store


class Store(Protocol):
    """The journal's database. One contract suite holds for memory, SQLite and Postgres.

    Every method may raise a `StoreError`; then nothing of that call was acknowledged.
    Everything is partitioned by tenant first.
    """

    url: str

    async def open(self) -> None:
        """Connect and bring the schema to today's version."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, then let go."""
        ...

    async def append(self, append: Append) -> Answer:
        """Write one record with everything that belongs to it, durably, or nothing.

        The same sealed record again is answered `Appended`, so whoever got a `StoreError` may
        ask again. Every hold is posted before a run ends: what is left open stays held. Raises
        `UsageError` for what no state could take (an ended run that is to live again, a blob
        above the bound) and `ChainBroken` for a record that does not follow the newest.
        """
        ...

    async def records(self, tenant: str, run: str, after: int = 0) -> list[Record]:
        """The records of a run with a version above `after`, in order."""
        ...

    async def run(self, tenant: str, run: str) -> RunRow | None:
        """The row of a run."""
        ...

    async def runs(
        self,
        tenant: str | None,
        *,
        session: str | None = None,
        status: tuple[RunStatus, ...] = (),
        parent: str | None = None,
        before: str | None = None,
        limit: int = 100,
        books: bool = False,
    ) -> list[RunRow]:
        """Rows, newest first; `tenant=None` is for operators. `before` pages by run id.

        `books`: the books instead of the runs, that is the rows without an agent.
        """
        ...

    async def claim(
        self, tenant: str, run: str, *, owner: str, now_ms: int, lease_ms: int
    ) -> Claimed | None:
        """Take a run for driving: free, lease over, own already, or its owner known to be dead.

        None: someone else drives it, or it has ended. Raises the epoch unless the caller holds a
        living lease on it. An owner's name belongs to one process start and one open store.
        """
        ...

    async def renew(self, tenant: str, run: str, *, epoch: int, lease_until_ms: int) -> bool:
        """Prolong the own lease; False when fenced."""
        ...

    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        """Give the lease up; nothing happens when fenced."""
        ...

    async def due(self, now_ms: int, limit: int = 100) -> list[tuple[str, str]]:
        """(tenant, run) of live runs nobody drives and that have something to do.

        That is: a letter waits, `wake_at_ms` is past, or the status is `running` and the lease is
        over or its owner is known to be dead.
        """
        ...

    async def send(self, tenant: str, letter: Letter, vault: tuple[VaultRow, ...] = ()) -> bool:
        """Put a letter into a run's inbox; False when the key was sent before.

        `vault`: the sealed secrets whose placeholders stand in it. Raises `NotFound` where the
        tenant has no such run.
        """
        ...

    async def inbox(self, tenant: str, run: str) -> list[InboxRow]:
        """Letters that wait, oldest first."""
        ...

    async def waiting(self, tenant: str, run: str, *, timeout_s: float) -> bool:
        """True as soon as a letter waits, whoever sent it; False after the time."""
        ...

    async def balances(
        self, tenant: str, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[Balance]:
        """Limited accounts whose name begins with `prefix` and comes after `after`, by name.

        The limit of each is the one its last hold was checked against.
        """
        ...

    async def limits(
        self, tenant: str, prefixes: tuple[str, ...] = ("",), limit: int = 1000
    ) -> list[LimitLine]:
        """Limits that operators set, of accounts whose name begins with one of these, by name.

        Those of scope `global` belong to `OPERATOR` and are found in every tenant by a prefix that
        begins with `global:`.
        """
        ...

    async def open_holds(self, tenant: str, run: str) -> list[HoldLine]:
        """Holds of a run (by the hold's name) that are neither posted nor released."""
        ...

    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        """Records after a position in commit order; none can still appear before one returned."""
        ...

    async def feed_end(self) -> int:
        """The position of the newest record that `feed` would return now, 0 where there is none."""
        ...

    async def cursor(self, name: str) -> int:
        """The position a projection has reached, 0 at first."""
        ...

    async def set_cursor(self, name: str, position: int, *, expect: int | None = None) -> bool:
        """Remember a projection's position, where it stands at `expect`; of several one is True."""
        ...

    async def enter_ledger(self, sums: Sequence[LedgerSum], *, after: int, upto: int) -> bool:
        """Add to rows of the ledger and move its cursor, all or nothing.

        `sums` are what the records after the position `after` up to `upto` come to. False when
        the cursor does not stand at `after`: somebody else was faster. Their keys are
        complete, and none stands twice.
        """
        ...

    async def clear_ledger(self) -> None:
        """Forget all rows of the ledger and set its cursor back to 0."""
        ...

    async def ledger(
        self,
        by: tuple[LedgerField, ...] = FIELDS,
        where: LedgerFilter = ALL,
        *,
        after: LedgerKey | None = None,
        limit: int = 1000,
    ) -> list[LedgerSum]:
        """The rows that `where` takes, summed by these fields and sorted by them in their order.

        `after` pages: the key of the last row before. Without fields one row, of all together, or
        none where there is nothing.
        """
        ...

    async def sequence(self, tenant: str) -> int:
        """Give leaf numbers (0, 1, …) to the tenant's records in feed order; how many there are.

        One at a time per tenant; a number once given never changes.
        """
        ...

    async def leaves(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The record hashes with leaf numbers `start` to `end` (exclusive)."""
        ...

    async def add_head(self, tenant: str, size: int, head: bytes) -> None:
        """Keep a signed tree head (its JSON) for this size."""
        ...

    async def heads(self, tenant: str, limit: int = 100) -> list[tuple[int, bytes]]:
        """Signed heads, largest first."""
        ...

    async def blob(self, tenant: str, digest: str) -> bytes | None:
        """A blob's content, None if unknown."""
        ...

    async def put_blob(self, tenant: str, blob: Blob) -> None:
        """Keep a blob outside an append (an agent's declaration)."""
        ...

    async def vault(self, tenant: str, placeholder: str) -> bytes | None:
        """A sealed secret, None if unknown."""
        ...

    async def switches(self) -> list[Switch]:
        """Everything that is switched off now or later."""
        ...

    async def switch(self, switch: Switch | None, target: str) -> None:
        """Switch `target` off with `switch`, or on with None."""
        ...
