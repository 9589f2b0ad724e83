"""MemoryStore keeps a journal in this process: for tests and simulations, refused in production."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from remit.adapters.memory.accounts import Accounts
from remit.adapters.memory.inboxes import Inboxes, RunKey
from remit.adapters.memory.ledger import Ledger
from remit.errors import NotFound, StoreGone
from remit.journal.admit import FIRST_EPOCH, LIVE, Stand, admit, check_append, check_blob
from remit.journal.record import Record
from remit.journal.rows import (
    Answer,
    Append,
    Appended,
    Balance,
    Blob,
    Claimed,
    Conflict,
    Exceeded,
    FeedItem,
    Fenced,
    InboxRow,
    Letter,
    LimitLine,
    NewRun,
    RunRow,
    RunStatus,
    Switch,
    VaultRow,
)
from remit.journal.settle import crossed_letter
from remit.journal.transfers import HoldLine
from remit.values.ledger import ALL, FIELDS, LedgerField, LedgerFilter, LedgerKey, LedgerSum


class MemoryStore:
    """A `Store` that forgets everything with its process."""

    url = "memory:"

    def __init__(self) -> None:
        self._open = False
        self._runs: dict[RunKey, RunRow] = {}
        self._active: dict[tuple[str, str], str] = {}
        self._records: dict[RunKey, list[Record]] = {}
        self._feed: list[FeedItem] = []
        self._inboxes = Inboxes()
        self._accounts = Accounts()
        self._vault: dict[tuple[str, str], bytes] = {}
        self._blobs: dict[tuple[str, str], bytes] = {}
        self._cursors: dict[str, int] = {}
        self._ledger = Ledger(self._cursors)
        self._leaves: dict[str, list[bytes]] = defaultdict(list)
        self._sequenced: dict[str, int] = {}
        self._heads: dict[str, dict[int, bytes]] = defaultdict(dict)
        self._switches: dict[str, Switch] = {}

    async def open(self) -> None:
        """Begin to answer; what an earlier opening holds is still there."""
        self._open = True

    async def close(self) -> None:
        """Stop to answer."""
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise StoreGone("memory: the store is closed; open it first")

    # ------------------------------------------------------------ appends

    async def append(self, append: Append) -> Answer:
        """Write one record with everything that belongs to it, or nothing."""
        self._check_open()
        check_append(append)
        record = append.record
        header = record.header
        key = (header.tenant, header.run)
        answer = self._admit(append, key)
        if answer is not None:
            return answer
        settled = self._accounts.settle(header.tenant, append)
        if isinstance(settled, Exceeded):
            return settled
        self._write_row(append, key)
        self._records.setdefault(key, []).append(record)
        self._feed.append(FeedItem(len(self._feed) + 1, record))
        self._accounts.write(header.tenant, append, settled)
        self._inboxes.consume(key, append.consumed)
        letters = [crossed_letter(header.run, c, header.time_ms) for c in settled.crossed]
        for letter in (*append.sends, *letters):
            self._inboxes.put(header.tenant, letter)
        for secret in append.vault:
            self._vault.setdefault((header.tenant, secret.placeholder), secret.sealed)
        for blob in append.blobs:
            self._blobs.setdefault((header.tenant, blob.digest), blob.content)
        return Appended(settled.crossed)

    def _admit(self, append: Append, key: RunKey) -> Appended | Conflict | Fenced | None:
        row = self._runs.get(key)
        version = append.record.header.version
        if row is not None:
            records = self._records[key]
            stored = records[version - 1].hash if version <= len(records) else None
            stand = Stand(row.version, row.epoch, row.status, records[-1].hash)
            return admit(append, stand, stored)
        if append.new is None:
            return Conflict("version", 0, key[1])
        if append.new.parent is None:
            active = self._active.get((key[0], append.new.session))
            if active is not None:
                return Conflict("session", self._runs[key[0], active].version, active)
        return None

    def _write_row(self, append: Append, key: RunKey) -> None:
        header = append.record.header
        row = self._runs.get(key) if append.new is None else _first_row(append, append.new)
        if row is None:  # `_admit` has seen it
            raise StoreGone(f"memory: the row of {key} is gone")
        row = replace(
            row,
            status=append.status,
            version=header.version,
            updated_ms=header.time_ms,
            wake_at_ms=append.wake_at_ms,
        )
        live = append.status in LIVE
        if not live:
            row = replace(row, owner=None, lease_until_ms=0)
        self._runs[key] = row
        if row.parent is None:
            session = (row.tenant, row.session)
            if live:
                self._active[session] = row.run
            elif self._active.get(session) == row.run:
                del self._active[session]

    # ------------------------------------------------------------ runs

    async def records(self, tenant: str, run: str, after: int = 0) -> list[Record]:
        """The records of a run with a version above `after`, in order."""
        self._check_open()
        return self._records.get((tenant, run), [])[after:]

    async def run(self, tenant: str, run: str) -> RunRow | None:
        """The row of a run."""
        self._check_open()
        return self._runs.get((tenant, run))

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
        """Rows, newest first."""
        self._check_open()
        rows = [
            row
            for row in self._runs.values()
            if (tenant is None or row.tenant == tenant)
            and (session is None or row.session == session)
            and (not status or row.status in status)
            and (parent is None or row.parent == parent)
            and (before is None or row.run < before)
            and books == (not row.agent)
        ]
        return sorted(rows, key=lambda row: (row.run, row.tenant), reverse=True)[:limit]

    async def claim(
        self, tenant: str, run: str, *, owner: str, now_ms: int, lease_ms: int
    ) -> Claimed | None:
        """Take a run for driving; no owner is ever known to be dead, all live in this process."""
        self._check_open()
        row = self._runs.get((tenant, run))
        if row is None or row.status not in LIVE:
            return None
        leased = row.owner is not None and row.lease_until_ms > now_ms
        if leased and row.owner != owner:
            return None
        taken = replace(
            row,
            owner=owner,
            epoch=row.epoch if leased else row.epoch + 1,
            lease_until_ms=now_ms + lease_ms,
        )
        self._runs[tenant, run] = taken
        return Claimed(taken, row.owner)

    async def renew(self, tenant: str, run: str, *, epoch: int, lease_until_ms: int) -> bool:
        """Prolong the own lease; False when fenced."""
        self._check_open()
        row = self._runs.get((tenant, run))
        if row is None or row.epoch != epoch or row.owner is None:
            return False
        self._runs[tenant, run] = replace(row, lease_until_ms=lease_until_ms)
        return True

    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        """Give the lease up; nothing happens when fenced."""
        self._check_open()
        row = self._runs.get((tenant, run))
        if row is not None and row.epoch == epoch:
            self._runs[tenant, run] = replace(row, owner=None, lease_until_ms=0)

    async def due(self, now_ms: int, limit: int = 100) -> list[tuple[str, str]]:
        """(tenant, run) of live runs nobody drives and that have something to do."""
        self._check_open()
        due = [
            row
            for key, row in self._runs.items()
            if row.status in LIVE
            and (row.owner is None or row.lease_until_ms <= now_ms)
            and (
                row.status == "running"
                or (row.wake_at_ms is not None and row.wake_at_ms <= now_ms)
                or self._inboxes.rows(key)
            )
        ]
        due.sort(key=lambda row: (row.updated_ms, row.run))
        return [(row.tenant, row.run) for row in due[:limit]]

    # ------------------------------------------------------------ inbox

    async def send(self, tenant: str, letter: Letter, vault: tuple[VaultRow, ...] = ()) -> bool:
        """Put a letter into a run's inbox; False when the key was sent before."""
        self._check_open()
        if (tenant, letter.run) not in self._runs:
            raise NotFound(f"there is no run {letter.run} of tenant {tenant} to send a letter to")
        for secret in vault:
            self._vault.setdefault((tenant, secret.placeholder), secret.sealed)
        return self._inboxes.put(tenant, letter)

    async def inbox(self, tenant: str, run: str) -> list[InboxRow]:
        """Letters that wait, oldest first."""
        self._check_open()
        return self._inboxes.rows((tenant, run))

    async def waiting(self, tenant: str, run: str, *, timeout_s: float) -> bool:
        """True as soon as a letter waits; False after the time."""
        self._check_open()
        return await self._inboxes.arrived((tenant, run), timeout_s)

    # ------------------------------------------------------------ accounts

    async def balances(
        self, tenant: str, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[Balance]:
        """Limited accounts whose name begins with `prefix` and comes after `after`, by name."""
        self._check_open()
        return self._accounts.balances(tenant, prefix, after, limit)

    async def limits(
        self, tenant: str, prefixes: tuple[str, ...] = ("",), limit: int = 1000
    ) -> list[LimitLine]:
        """Limits that operators set, of accounts whose name begins with one of these, by name."""
        self._check_open()
        return self._accounts.limits(tenant, prefixes, limit)

    async def open_holds(self, tenant: str, run: str) -> list[HoldLine]:
        """Holds of a run (by the hold's name) that are neither posted nor released."""
        self._check_open()
        return self._accounts.open_holds(tenant, run)

    # ------------------------------------------------------------ feed and tree

    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        """Records after a position in commit order."""
        self._check_open()
        if tenant is None:
            return self._feed[after : after + limit]
        return [i for i in self._feed[after:] if i.record.header.tenant == tenant][:limit]

    async def feed_end(self) -> int:
        """The position of the newest record, 0 where there is none."""
        return len(self._feed)

    async def cursor(self, name: str) -> int:
        """The position a projection has reached, 0 at first."""
        self._check_open()
        return self._cursors.get(name, 0)

    async def set_cursor(self, name: str, position: int, *, expect: int | None = None) -> bool:
        """Remember a projection's position, where it stands at `expect`."""
        self._check_open()
        if expect not in (None, self._cursors.get(name, 0)):
            return False
        self._cursors[name] = position
        return True

    async def enter_ledger(self, sums: Sequence[LedgerSum], *, after: int, upto: int) -> bool:
        """Add to rows of the ledger and move its cursor, unless somebody else was faster."""
        self._check_open()
        return self._ledger.enter(sums, after, upto)

    async def clear_ledger(self) -> None:
        """Forget all rows of the ledger and set its cursor back to 0."""
        self._check_open()
        self._ledger.clear()

    async def ledger(
        self,
        by: tuple[LedgerField, ...] = FIELDS,
        where: LedgerFilter = ALL,
        *,
        after: LedgerKey | None = None,
        limit: int = 1000,
    ) -> list[LedgerSum]:
        """Rows of the ledger, summed by these fields and sorted by them in their order."""
        self._check_open()
        return self._ledger.read(by, where, after, limit)

    async def sequence(self, tenant: str) -> int:
        """Give leaf numbers to the tenant's records in feed order; how many there are."""
        self._check_open()
        leaves = self._leaves[tenant]
        start = self._sequenced.get(tenant, 0)
        leaves += [
            item.record.hash for item in self._feed[start:] if item.record.header.tenant == tenant
        ]
        self._sequenced[tenant] = len(self._feed)
        return len(leaves)

    async def leaves(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The record hashes with leaf numbers `start` to `end` (exclusive)."""
        self._check_open()
        return self._leaves[tenant][start:end]

    async def add_head(self, tenant: str, size: int, head: bytes) -> None:
        """Keep a signed tree head for this size."""
        self._check_open()
        self._heads[tenant].setdefault(size, head)

    async def heads(self, tenant: str, limit: int = 100) -> list[tuple[int, bytes]]:
        """Signed heads, largest first."""
        self._check_open()
        return sorted(self._heads[tenant].items(), reverse=True)[:limit]

    # ------------------------------------------------------------ content and switches

    async def blob(self, tenant: str, digest: str) -> bytes | None:
        """A blob's content, None if unknown."""
        self._check_open()
        return self._blobs.get((tenant, digest))

    async def put_blob(self, tenant: str, blob: Blob) -> None:
        """Keep a blob outside an append. Raises `UsageError` when it is too large."""
        check_blob(blob)
        self._check_open()
        self._blobs.setdefault((tenant, blob.digest), blob.content)

    async def vault(self, tenant: str, placeholder: str) -> bytes | None:
        """A sealed secret, None if unknown."""
        self._check_open()
        return self._vault.get((tenant, placeholder))

    async def switches(self) -> list[Switch]:
        """Everything that is switched off now or later."""
        self._check_open()
        return [switch for _, switch in sorted(self._switches.items())]

    async def switch(self, switch: Switch | None, target: str) -> None:
        """Switch `target` off with `switch`, or on with None."""
        self._check_open()
        if switch is None:
            self._switches.pop(target, None)
        else:
            self._switches[target] = switch


def _first_row(append: Append, new: NewRun) -> RunRow:
    header = append.record.header
    owner, lease_until_ms = append.lease if append.lease is not None else (None, 0)
    return RunRow(
        tenant=header.tenant,
        run=header.run,
        root=new.root,
        parent=new.parent,
        agent=new.agent,
        spec=new.spec,
        user=new.user,
        session=new.session,
        status=append.status,
        version=header.version,
        epoch=FIRST_EPOCH,
        created_ms=header.time_ms,
        updated_ms=header.time_ms,
        wake_at_ms=append.wake_at_ms,
        owner=owner,
        lease_until_ms=lease_until_ms,
    )
