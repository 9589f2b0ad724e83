"""PostgresStore keeps a journal in Postgres, for any number of workers on many machines."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from remit.adapters.postgres import leases, leaves, reading
from remit.adapters.postgres.arrivals import Arrivals
from remit.adapters.postgres.batching import Batcher
from remit.adapters.postgres.connecting import Connection, Pool, Server
from remit.adapters.postgres.ledger import clear_ledger, move_cursor, read_ledger, write_ledger
from remit.adapters.postgres.schema import migrate
from remit.adapters.postgres.writing import BLOBS, LETTERS, VAULT, columns, letter_rows, vault_rows
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


class _Opened:
    """What an open store holds."""

    def __init__(self, server: Server, pool: Pool, base: int) -> None:
        self.pool = pool
        self.base = base
        self.batcher = Batcher(server, base)
        self.arrivals = Arrivals(server, pool)


class PostgresStore:
    """A `Store` in the schema `remit` of the database at `url` (a libpq URL or key=value text)."""

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self.url = self._server.where
        self._opened: _Opened | None = None

    async def open(self) -> None:
        """Connect and bring the schema to today's version."""
        if self._opened is not None:
            return
        pool = Pool(self._server)
        try:
            base = await pool.run(lambda c: migrate(c, self.url))
        except BaseException:
            await pool.close()
            raise
        self._opened = _Opened(self._server, pool, base)

    async def close(self) -> None:
        """Finish what was handed in, then let go. Leases stay: their owners may live elsewhere."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.batcher.close()
            await opened.arrivals.close()
            await opened.pool.close()

    def _live(self) -> _Opened:
        if self._opened is None:
            raise StoreGone(f"{self.url}: the store is closed; open it first")
        return self._opened

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._live().pool.run(work)

    # ------------------------------------------------------------ appends

    async def append(self, append: Append) -> Answer:
        """Write one record with everything that belongs to it, durably, or nothing."""
        check_append(append)
        opened = self._live()
        answer = await opened.batcher.append(append)
        if isinstance(answer, Appended):
            tenant, run = append.record.header.tenant, append.record.header.run
            for letter in append.sends:
                opened.arrivals.tell(tenant, letter.run)
            if answer.crossed:
                opened.arrivals.tell(tenant, run)
        return answer

    async def records(self, tenant: str, run: str, after: int = 0) -> list[Record]:
        """The records of a run with a version above `after`, in order."""
        return await self._run(lambda c: reading.read_records(c, tenant, run, after))

    # ------------------------------------------------------------ runs

    async def run(self, tenant: str, run: str) -> RunRow | None:
        """The row of a run."""
        return await self._run(lambda c: reading.read_run(c, tenant, run))

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
        return await self._run(lambda c: reading.read_runs(c, *query))

    async def claim(
        self, tenant: str, run: str, *, owner: str, now_ms: int, lease_ms: int
    ) -> Claimed | None:
        """Take a run for driving; another's lease is waited for, and the skew of clocks."""
        lease = (owner, now_ms, now_ms + lease_ms)
        return await self._run(lambda c: leases.claim(c, (tenant, run), lease))

    async def renew(self, tenant: str, run: str, *, epoch: int, lease_until_ms: int) -> bool:
        """Prolong the own lease; False when fenced."""
        return await self._run(lambda c: leases.renew(c, (tenant, run), epoch, lease_until_ms))

    async def release(self, tenant: str, run: str, *, epoch: int) -> None:
        """Give the lease up; nothing happens when fenced."""
        await self._run(lambda c: leases.release(c, (tenant, run), epoch))

    async def due(self, now_ms: int, limit: int = 100) -> list[tuple[str, str]]:
        """(tenant, run) of live runs nobody drives and that have something to do."""
        return await self._run(lambda c: leases.due(c, now_ms, limit))

    # ------------------------------------------------------------ inbox

    async def send(self, tenant: str, letter: Letter, vault: tuple[VaultRow, ...] = ()) -> bool:
        """Put a letter into a run's inbox; False when the key was sent before."""

        async def work(connection: Connection) -> bool:
            if await reading.read_run(connection, tenant, letter.run) is None:
                raise NotFound(
                    f"there is no run {letter.run} of tenant {tenant} to send a letter to"
                )
            if vault:
                secrets = {(tenant, row.placeholder): row for row in vault}
                await connection.execute(VAULT, columns(vault_rows(secrets)))
            rows = letter_rows([(tenant, letter)])
            done = await connection.execute(LETTERS, columns(rows))
            return done.rowcount == 1

        opened = self._live()
        fresh = await opened.pool.run(work)
        opened.arrivals.tell(tenant, letter.run)
        return fresh

    async def inbox(self, tenant: str, run: str) -> list[InboxRow]:
        """Letters that wait, oldest first."""
        return await self._run(lambda c: reading.read_inbox(c, tenant, run))

    async def waiting(self, tenant: str, run: str, *, timeout_s: float) -> bool:
        """True as soon as a letter waits, whoever sent it; False after the time."""

        async def has_letter() -> bool:
            return bool(await self.inbox(tenant, run))

        return await self._live().arrivals.wait(tenant, run, has_letter, timeout_s)

    # ------------------------------------------------------------ accounts

    async def balances(
        self, tenant: str, prefix: str = "", *, after: str = "", limit: int = 1000
    ) -> list[Balance]:
        """Limited accounts whose name begins with `prefix` and comes after `after`, by name."""
        return await self._run(lambda c: reading.read_balances(c, tenant, prefix, after, limit))

    async def limits(
        self, tenant: str, prefixes: tuple[str, ...] = ("",), limit: int = 1000
    ) -> list[LimitLine]:
        """Limits that operators set, of accounts whose name begins with one of these, by name."""
        return await self._run(lambda c: reading.read_limits(c, tenant, prefixes, limit))

    async def open_holds(self, tenant: str, run: str) -> list[HoldLine]:
        """Holds of a run (by the hold's name) that are neither posted nor released."""
        return await self._run(lambda c: reading.read_open_holds(c, tenant, run))

    # ------------------------------------------------------------ feed and tree

    async def feed(
        self, after: int = 0, *, tenant: str | None = None, limit: int = 1000
    ) -> list[FeedItem]:
        """Records after a position in commit order; those before a transaction still under way."""
        place = (after, self._live().base)
        return await self._run(lambda c: reading.read_feed(c, place, tenant, limit))

    async def feed_end(self) -> int:
        """The newest position before a transaction still under way, 0 where there is none."""
        value = await self._run(
            lambda c: reading.read_value(c, reading.FEED_END, (self._live().base,))
        )
        return value if isinstance(value, int) else 0

    async def cursor(self, name: str) -> int:
        """The position a projection has reached, 0 at first."""
        statement = "SELECT position FROM remit.cursors WHERE name = %s"
        value = await self._run(lambda c: reading.read_value(c, statement, (name,)))
        return value if isinstance(value, int) else 0

    async def set_cursor(self, name: str, position: int, *, expect: int | None = None) -> bool:
        """Remember a projection's position, where it stands at `expect`."""
        return await self._run(lambda c: move_cursor(c, name, position, expect))

    async def enter_ledger(self, sums: Sequence[LedgerSum], *, after: int, upto: int) -> bool:
        """Add to rows of the ledger and move its cursor, unless somebody else was faster."""
        return await self._run(lambda c: write_ledger(c, sums, after, upto))

    async def clear_ledger(self) -> None:
        """Forget all rows of the ledger and set its cursor back to 0."""
        await self._run(clear_ledger)

    async def ledger(
        self,
        by: tuple[LedgerField, ...] = FIELDS,
        where: LedgerFilter = ALL,
        *,
        after: LedgerKey | None = None,
        limit: int = 1000,
    ) -> list[LedgerSum]:
        """Rows of the ledger, summed by these fields and sorted by them in their order."""
        return await self._run(lambda c: read_ledger(c, by, where, after, limit))

    async def sequence(self, tenant: str) -> int:
        """Give leaf numbers to the tenant's records in feed order; how many there are."""
        base = self._live().base
        return await self._run(lambda c: leaves.sequence(c, tenant, base))

    async def leaves(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The record hashes with leaf numbers `start` to `end` (exclusive)."""
        return await self._run(lambda c: leaves.read_leaves(c, tenant, start, end))

    async def add_head(self, tenant: str, size: int, head: bytes) -> None:
        """Keep a signed tree head for this size."""
        await self._run(
            lambda c: c.execute(
                "INSERT INTO remit.heads VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (tenant, size, head),
            )
        )

    async def heads(self, tenant: str, limit: int = 100) -> list[tuple[int, bytes]]:
        """Signed heads, largest first."""

        async def work(connection: Connection) -> list[tuple[int, bytes]]:
            found = await connection.execute(
                "SELECT size, head FROM remit.heads WHERE tenant = %s ORDER BY size DESC LIMIT %s",
                (tenant, limit),
            )
            return [(size, head) for size, head in await found.fetchall()]

        return await self._run(work)

    # ------------------------------------------------------------ content and switches

    async def blob(self, tenant: str, digest: str) -> bytes | None:
        """A blob's content, None if unknown."""
        statement = "SELECT content FROM remit.blobs WHERE tenant = %s AND digest = %s"
        value = await self._run(lambda c: reading.read_value(c, statement, (tenant, digest)))
        return value if isinstance(value, bytes) else None

    async def put_blob(self, tenant: str, blob: Blob) -> None:
        """Keep a blob outside an append. Raises `UsageError` when it is too large."""
        check_blob(blob)
        rows = [(tenant, blob.digest, blob.content)]
        await self._run(lambda c: c.execute(BLOBS, columns(rows)))

    async def vault(self, tenant: str, placeholder: str) -> bytes | None:
        """A sealed secret, None if unknown."""
        statement = "SELECT sealed FROM remit.vault WHERE tenant = %s AND placeholder = %s"
        value = await self._run(lambda c: reading.read_value(c, statement, (tenant, placeholder)))
        return value if isinstance(value, bytes) else None

    async def switches(self) -> list[Switch]:
        """Everything that is switched off now or later."""
        return await self._run(reading.read_switches)

    async def switch(self, switch: Switch | None, target: str) -> None:
        """Switch `target` off with `switch`, or on with None."""
        if switch is None:
            await self._run(
                lambda c: c.execute("DELETE FROM remit.switches WHERE target = %s", (target,))
            )
            return
        values = (target, switch.reason, switch.principal, switch.since_ms, switch.until_ms)
        await self._run(
            lambda c: c.execute(
                "INSERT INTO remit.switches VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (target) DO UPDATE SET reason = excluded.reason, "
                "principal = excluded.principal, since_ms = excluded.since_ms, "
                "until_ms = excluded.until_ms",
                values,
            )
        )
