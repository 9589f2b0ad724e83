"""SqliteStore keeps a journal in one SQLite file that several processes may use at once."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from remit.adapters.sqlite import leases, reading
from remit.adapters.sqlite.appending import (
    write_append,
    write_blob,
    write_letters,
    write_secrets,
)
from remit.adapters.sqlite.arrivals import Arrivals, RunKey
from remit.adapters.sqlite.faults import is_busy, patiently, translate
from remit.adapters.sqlite.leaves import read_leaves, write_sequence
from remit.adapters.sqlite.ledger import clear_ledger, move_cursor, read_ledger, write_ledger
from remit.adapters.sqlite.names import Names
from remit.adapters.sqlite.opening import open_reader, open_writer
from remit.adapters.sqlite.owners import Owners
from remit.adapters.sqlite.writer import Work, Writer
from remit.errors import NotFound, StoreGone
from remit.journal.admit import check_append, check_blob
from remit.journal.record import Record
from remit.journal.rows import (
    Answer,
    Append,
    Appended,
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
from remit.values.ledger import ALL, FIELDS, LedgerField, LedgerFilter, LedgerKey, LedgerSum

T = TypeVar("T")
Read = Callable[[sqlite3.Connection], T]

# Compressing more than this on the loop's thread would be felt by other runs (about 1 ms).
_HEAVY_BYTES = 64 * 1024


class _Opened:
    """What an open store holds."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self.quick = open_reader(path)
        """For single rows, read on the loop's thread."""
        self.bulk = open_reader(path)
        """For everything that may be long, read on a thread of its own."""
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="remit-reader")
        self.writer = Writer(writer, path)
        self.owners = Owners(path)


class SqliteStore:
    """A `Store` in the file `path`; its folder and file are made for their owner alone."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).absolute()
        self.url = f"sqlite:///{self._path}"
        self._opened: _Opened | None = None
        self._arrivals = Arrivals(self._new_letters)
        self._seen_commit = -1
        self._seen_letter = 0

    async def open(self) -> None:
        """Connect and bring the schema to today's version."""
        if self._opened is not None:
            return
        writer = await asyncio.to_thread(open_writer, self._path)
        try:
            self._opened = _Opened(self._path, writer)
        except BaseException:
            writer.close()
            raise
        self._opened.owners.prune(await self._read(leases.read_owners))

    async def close(self) -> None:
        """Finish what was handed in, release the leases of this process's owners, let go."""
        opened = self._opened
        if opened is None:
            return
        self._arrivals.stop()
        owners = opened.owners.held()
        try:
            if owners:
                await opened.writer.do(lambda c, _: leases.write_farewell(c, owners))
        finally:
            self._opened = None
            await opened.writer.close()
            await asyncio.to_thread(opened.thread.shutdown)
            opened.quick.close()
            opened.bulk.close()
            opened.owners.close()

    def _live(self) -> _Opened:
        if self._opened is None:
            raise StoreGone(f"{self._path}: the store is closed; open it first")
        return self._opened

    async def _write(self, work: Work[T], *, heavy: bool = False) -> T:
        return await self._live().writer.do(work, heavy=heavy)

    async def _read(self, read: Read[T]) -> T:
        """A short read, on this thread; only when others lock the file, on the reader's."""
        try:
            return read(self._live().quick)
        except sqlite3.Error as exc:
            if not is_busy(exc):
                raise translate(exc, self._path) from exc
        return await self._read_long(read)

    async def _read_long(self, read: Read[T]) -> T:
        opened = self._live()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                opened.thread, patiently, lambda: read(opened.bulk)
            )
        except sqlite3.Error as exc:
            raise translate(exc, self._path) from exc

    # ------------------------------------------------------------ appends

    async def append(self, append: Append) -> Answer:
        """Write one record with everything that belongs to it, durably, or nothing."""
        check_append(append)
        if append.lease is not None:
            self._live().owners.hold(append.lease[0])
        heavy = any(len(blob.content) > _HEAVY_BYTES for blob in append.blobs)
        answer = await self._write(lambda c, names: write_append(c, names, append), heavy=heavy)
        if isinstance(answer, Appended):
            tenant, run = append.record.header.tenant, append.record.header.run
            for letter in append.sends:
                self._arrivals.wake(tenant, letter.run)
            if answer.crossed:
                self._arrivals.wake(tenant, run)
        return answer

    async def records(self, tenant: str, run: str, after: int = 0) -> list[Record]:
        """The records of a run with a version above `after`, in order."""
        return await self._read_long(lambda c: reading.read_records(c, tenant, run, after))

    # ------------------------------------------------------------ runs

    async def run(self, tenant: str, run: str) -> RunRow | None:
        """The row of a run."""
        return await self._read(lambda c: reading.read_run(c, tenant, run))

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
        query = reading.runs_query(tenant, session, status, parent, before, limit, books=books)
        return await self._read_long(lambda c: reading.read_runs(c, *query))

    async def claim(
        self, tenant: str, run: str, *, owner: str, now_ms: int, lease_ms: int
    ) -> Claimed | None:
        """Take a run for driving. Raises `UsageError` if another process has the owner's name."""
        owners = self._live().owners
        owners.hold(owner)
        lease = (owner, now_ms, now_ms + lease_ms)
        return await self._write(
            lambda c, _: leases.write_claim(c, (tenant, run), lease, owners.is_dead)
        )

    async def renew(self, tenant: str, run: str, *, epoch: int, lease_until_ms: int) -> bool:
        """Prolong the own lease; False when fenced."""
        return await self._write(
            lambda c, _: leases.write_renewal(c, (tenant, run), epoch, lease_until_ms)
        )

    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        """Give the lease up; nothing happens when fenced."""
        await self._write(lambda c, _: leases.write_release(c, (tenant, run), epoch))

    async def due(self, now_ms: int, limit: int = 100) -> list[tuple[str, str]]:
        """(tenant, run) of live runs nobody drives and that have something to do."""
        owners = self._live().owners
        return await self._read_long(lambda c: leases.read_due(c, now_ms, limit, owners.is_dead))

    # ------------------------------------------------------------ inbox

    async def send(self, tenant: str, letter: Letter, vault: tuple[VaultRow, ...] = ()) -> bool:
        """Put a letter into a run's inbox; False when the key was sent before."""

        def work(connection: sqlite3.Connection, names: Names) -> bool:
            if reading.read_run(connection, tenant, letter.run) is None:
                raise NotFound(
                    f"there is no run {letter.run} of tenant {tenant} to send a letter to"
                )
            key = names.tenant(connection, tenant)
            write_secrets(connection, key, vault)
            return write_letters(connection, key, [letter]) == 1

        fresh = await self._write(work)
        self._arrivals.wake(tenant, letter.run)
        return fresh

    async def inbox(self, tenant: str, run: str) -> list[InboxRow]:
        """Letters that wait, oldest first."""
        return await self._read(lambda c: reading.read_inbox(c, tenant, run))

    async def waiting(self, tenant: str, run: str, *, timeout_s: float) -> bool:
        """True as soon as a letter waits, whoever sent it; False after the time."""

        async def has_letter() -> bool:
            return bool(await self.inbox(tenant, run))

        return await self._arrivals.wait(tenant, run, has_letter, timeout_s)

    async def _new_letters(self) -> list[RunKey]:
        """The runs with letters that came since the last look, from any process."""

        def read(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
            (commit,) = connection.execute("PRAGMA data_version").fetchone()
            if commit == self._seen_commit:
                return []
            self._seen_commit = commit
            return connection.execute(
                "SELECT number, name, run FROM letters JOIN tenants ON tenants.id = tenant "
                "WHERE number > ? ORDER BY number",
                (self._seen_letter,),
            ).fetchall()

        rows = await self._read(read)
        if rows:
            self._seen_letter = rows[-1][0]
        return [(tenant, run) for _, tenant, run in rows]

    # ------------------------------------------------------------ accounts

    async def balances(
        self, tenant: str, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[Balance]:
        """Limited accounts whose name begins with `prefix` and comes after `after`, by name."""
        return await self._read(lambda c: reading.read_balances(c, tenant, prefix, after, limit))

    async def limits(
        self, tenant: str, prefixes: tuple[str, ...] = ("",), limit: int = 1000
    ) -> list[LimitLine]:
        """Limits that operators set, of accounts whose name begins with one of these, by name."""
        return await self._read(lambda c: reading.read_limits(c, tenant, prefixes, limit))

    async def open_holds(self, tenant: str, run: str) -> list[HoldLine]:
        """Holds of a run (by the hold's name) that are neither posted nor released."""
        return await self._read(lambda c: reading.read_open_holds(c, tenant, run))

    # ------------------------------------------------------------ feed and tree

    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        """Records after a position in commit order."""
        return await self._read_long(lambda c: reading.read_feed(c, after, tenant, limit))

    async def feed_end(self) -> int:
        """The position of the newest record, 0 where there is none."""
        return await self._read(reading.read_feed_end)

    async def cursor(self, name: str) -> int:
        """The position a projection has reached, 0 at first."""
        return await self._read(lambda c: reading.read_cursor(c, name))

    async def set_cursor(self, name: str, position: int, *, expect: int | None = None) -> bool:
        """Remember a projection's position, where it stands at `expect`."""
        return await self._write(lambda c, _: move_cursor(c, name, position, expect))

    async def enter_ledger(self, sums: Sequence[LedgerSum], *, after: int, upto: int) -> bool:
        """Add to rows of the ledger and move its cursor, unless somebody else was faster."""
        return await self._write(lambda c, names: write_ledger(c, names, sums, after, upto))

    async def clear_ledger(self) -> None:
        """Forget all rows of the ledger and set its cursor back to 0."""
        await self._write(lambda c, _: clear_ledger(c), heavy=True)

    async def ledger(
        self,
        by: tuple[LedgerField, ...] = FIELDS,
        where: LedgerFilter = ALL,
        *,
        after: LedgerKey | None = None,
        limit: int = 1000,
    ) -> list[LedgerSum]:
        """Rows of the ledger, summed by these fields and sorted by them in their order."""
        return await self._read_long(lambda c: read_ledger(c, by, where, after, limit))

    async def sequence(self, tenant: str) -> int:
        """Give leaf numbers to the tenant's records in feed order; how many there are."""
        return await self._write(lambda c, names: write_sequence(c, names, tenant), heavy=True)

    async def leaves(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The record hashes with leaf numbers `start` to `end` (exclusive)."""
        return await self._read_long(lambda c: read_leaves(c, tenant, start, end))

    async def add_head(self, tenant: str, size: int, head: bytes) -> None:
        """Keep a signed tree head for this size."""
        await self._write(
            lambda c, names: c.execute(
                "INSERT INTO heads VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (names.tenant(c, tenant), size, head),
            )
        )

    async def heads(self, tenant: str, limit: int = 100) -> list[tuple[int, bytes]]:
        """Signed heads, largest first."""
        return await self._read(lambda c: reading.read_heads(c, tenant, limit))

    # ------------------------------------------------------------ content and switches

    async def blob(self, tenant: str, digest: str) -> bytes | None:
        """A blob's content, None if unknown."""
        return await self._read_long(lambda c: reading.read_blob(c, tenant, digest))

    async def put_blob(self, tenant: str, blob: Blob) -> None:
        """Keep a blob outside an append. Raises `UsageError` when it is too large."""
        check_blob(blob)
        await self._write(
            lambda c, names: write_blob(c, names.tenant(c, tenant), blob),
            heavy=len(blob.content) > _HEAVY_BYTES,
        )

    async def vault(self, tenant: str, placeholder: str) -> bytes | None:
        """A sealed secret, None if unknown."""
        return await self._read(lambda c: reading.read_secret(c, tenant, placeholder))

    async def switches(self) -> list[Switch]:
        """Everything that is switched off now or later."""
        return await self._read(reading.read_switches)

    async def switch(self, switch: Switch | None, target: str) -> None:
        """Switch `target` off with `switch`, or on with None."""

        def work(connection: sqlite3.Connection, _: Names) -> None:
            connection.execute("DELETE FROM switches WHERE target = ?", (target,))
            if switch is not None:
                connection.execute(
                    "INSERT INTO switches VALUES (?, ?, ?, ?, ?)",
                    (target, switch.reason, switch.principal, switch.since_ms, switch.until_ms),
                )

        await self._write(work)
