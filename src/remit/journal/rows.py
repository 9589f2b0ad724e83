"""What the journal's store takes and gives: rows, letters, appends and their answers."""

from dataclasses import dataclass, field
from typing import Literal

from remit.journal.record import Record
from remit.journal.transfers import HoldLine, PostLine

RunStatus = Literal["running", "waiting", "completed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One row per run: what it is, where it stands, who drives it."""

    tenant: str
    run: str
    root: str
    parent: str | None
    agent: str
    spec: str
    user: str
    session: str
    status: RunStatus
    version: int
    epoch: int
    created_ms: int
    updated_ms: int
    wake_at_ms: int | None
    """When it wants to be driven again though nothing arrives; None for never."""
    owner: str | None
    lease_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What the first append of a run adds to its row."""

    root: str
    parent: str | None
    agent: str
    spec: str
    user: str
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to a run's durable inbox.

    `body` is the JSON of an event; `key` makes sending it twice one letter.
    """

    run: str
    key: str
    kind: str
    body: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A letter that waits, by its number in the store."""

    number: int
    letter: Letter


@dataclass(frozen=True, slots=True)
class VaultRow:
    """A sealed secret by its placeholder; `run` is the run in which it was found."""

    placeholder: str
    run: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Blob:
    """Content kept by its SHA-256 in hex: declarations and whole tool results."""

    digest: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LimitLine:
    """The limit an operator set for an account (undated); None: none is set any more.

    It takes the place of the limit that holds name. See `remit.values.account.limit_names`.
    """

    account: str
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """One transaction: a record with all that must become durable with it, or nothing.

    `record.header.version` is the version it makes; the row must stand one below. `epoch` must be
    the row's. `posts` are applied first (a settled call makes room for the next), then
    all `holds` are checked together, all or none. `status` and `wake_at_ms` are the
    row's new values. `new` is given with version 1 only.
    """

    record: Record
    status: RunStatus
    wake_at_ms: int | None
    holds: tuple[HoldLine, ...] = ()
    posts: tuple[PostLine, ...] = ()
    consumed: tuple[int, ...] = ()
    sends: tuple[Letter, ...] = ()
    vault: tuple[VaultRow, ...] = ()
    blobs: tuple[Blob, ...] = ()
    limits: tuple[LimitLine, ...] = ()
    new: NewRun | None = None
    lease: tuple[str, int] | None = None
    """With `new`: (owner, lease_until_ms) of the driver that starts the run, epoch 1."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """An account passed 80 % of its limit, or an alert all of it, for the first time."""

    account: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Appended:
    """Durable. A `Crossed` also lies in the run's inbox (kind `crossed`): it outlives a crash."""

    crossed: tuple[Crossed, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """The row is at another version; or the run, or another active run of the session, exists."""

    kind: Literal["version", "exists", "session"]
    version: int
    run: str


@dataclass(frozen=True, slots=True)
class Fenced:
    """Another driver has a higher epoch: this one must stop."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Balance:
    """One limited account. All amounts are in its unit."""

    account: str
    posted: int
    held: int
    limit: int

    @property
    def available(self) -> int:
        """What may still be held."""
        return max(0, self.limit - self.posted - self.held)


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Nothing was written: a hold does not fit. The balances of all accounts it touches."""

    balances: tuple[Balance, ...]


Answer = Appended | Conflict | Fenced | Exceeded


@dataclass(frozen=True, slots=True)
class Claimed:
    """The caller drives the run now; its epoch was raised unless it drove it already."""

    row: RunRow
    previous_owner: str | None


@dataclass(frozen=True, slots=True)
class Switch:
    """Something switched off: `all`, `agent:x`, `tool:x`, `tenant:t`, `tenant:t/agent:x`.

    Or a revert, such as `agent:x/model=provider:name`; see `remit.policy.revert`.
    """

    target: str
    reason: str
    principal: str
    since_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A record with its place in the feed of all records."""

    position: int
    record: Record
    plain: bytes = field(default=b"", repr=False, compare=False)
    """Its payload, where the store had to open it to know the commitment: need not be opened twice;
    empty where it was not opened, or is large."""
