"""Write what a batch of appends changes, one statement per table however many they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from remit.adapters.postgres.connecting import Connection
from remit.journal.admit import FIRST_EPOCH, LIVE
from remit.journal.record import Record
from remit.journal.rows import Append, Blob, Letter, RunStatus, VaultRow
from remit.journal.settle import Settled, Standing
from remit.journal.transfers import HoldLine
from remit.values.account import keeper

RunKey = tuple[str, str]

_RUNS = """
INSERT INTO remit.runs SELECT * FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::bigint[], %s::bytea[])
"""
_MOVES = """
UPDATE remit.runs SET version = moved.version, updated_ms = moved.updated_ms,
    wake_at_ms = moved.wake_at_ms, status = moved.status, head = moved.head,
    owner = CASE WHEN moved.ended THEN NULL ELSE owner END,
    lease_until_ms = CASE WHEN moved.ended THEN 0 ELSE lease_until_ms END
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::bytea[], %s::boolean[])
    AS moved (tenant, run, version, updated_ms, wake_at_ms, status, head, ended)
WHERE runs.tenant = moved.tenant AND runs.run = moved.run
"""
_RECORDS = """
INSERT INTO remit.records SELECT tenant, run, version,
    ((pg_current_xact_id()::text::bigint + %s) << 12) + place - 1,
    epoch, time_ms, engine, payload, salt, commitment, previous, hash, mac, key_id
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::bytea[], %s::bytea[], %s::bytea[], %s::bytea[], %s::bytea[], %s::bytea[], %s::text[])
    WITH ORDINALITY AS record (tenant, run, version, epoch, time_ms, engine, payload, salt,
    commitment, previous, hash, mac, key_id, place)
"""
_ACCOUNTS = """
UPDATE remit.accounts SET posted = now.posted, held = now.held, "limit" = now."limit",
    warned = now.warned
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[])
    AS now (tenant, account, posted, held, "limit", warned)
WHERE accounts.tenant = now.tenant AND accounts.account = now.account
"""
_UNMADE = """
DELETE FROM remit.accounts
WHERE (tenant, account) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_HOLDS = """
INSERT INTO remit.holds
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
ON CONFLICT (tenant, hold, account)
    DO UPDATE SET amount = excluded.amount, "limit" = excluded."limit"
"""
_RELEASED = """
DELETE FROM remit.holds
WHERE (tenant, hold, account) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))
"""
_LIMITS = """
INSERT INTO remit.limits SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[])
ON CONFLICT (tenant, account) DO UPDATE SET "limit" = excluded."limit"
"""
_UNLIMITED = """
DELETE FROM remit.limits
WHERE (tenant, account) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_CONSUMED = """
UPDATE remit.letters SET body = NULL
FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS read (tenant, run, number)
WHERE letters.tenant = read.tenant AND letters.run = read.run AND letters.number = read.number
    AND body IS NOT NULL
"""
LETTERS = """
INSERT INTO remit.letters (tenant, run, key, kind, body, time_ms)
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::bigint[])
ON CONFLICT DO NOTHING
"""
VAULT = """
INSERT INTO remit.vault SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[])
ON CONFLICT DO NOTHING
"""
BLOBS = """
INSERT INTO remit.blobs SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[])
ON CONFLICT DO NOTHING
"""

Cell = str | int | bool | bytes | None
Rows = Sequence[tuple[Cell, ...]]


def columns(rows: Rows) -> list[str]:
    """Rows as one array literal per column, the form in which one statement takes them all.

    Ours, because psycopg looks at every element several times: that was a third of an append.
    """
    return [f"{{{','.join(map(_element, column))}}}" for column in zip(*rows, strict=True)]


def _element(cell: Cell) -> str:
    """One element of an array literal (PostgreSQL manual, 8.15.6)."""
    match cell:
        case str():
            escaped = cell.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case bytes():
            return f'"\\\\x{cell.hex()}"'
        case None:
            return "NULL"
        case _:
            return str(cell)


@dataclass
class Written:
    """What the appends of a batch change together."""

    new: list[Append] = field(default_factory=list)
    moves: dict[RunKey, Append] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    standings: dict[tuple[str, str], Standing] = field(default_factory=dict)
    holds: dict[tuple[str, str, str], HoldLine | None] = field(default_factory=dict)
    unmade: list[tuple[str, str]] = field(default_factory=list)
    limits: dict[tuple[str, str], int | None] = field(default_factory=dict)
    consumed: list[tuple[str, str, int]] = field(default_factory=list)
    letters: list[tuple[str, Letter]] = field(default_factory=list)
    vault: dict[tuple[str, str], VaultRow] = field(default_factory=dict)
    blobs: dict[tuple[str, str], Blob] = field(default_factory=dict)

    def add(self, append: Append, settled: Settled, letters: Sequence[Letter]) -> None:
        """Take in an append that passed every check, and the letters about its crossings."""
        header = append.record.header
        tenant, run = header.tenant, header.run
        if append.new is not None:
            self.new.append(append)
        else:
            self.moves[tenant, run] = append
        self.records.append(append.record)
        for name, standing in settled.standings.items():
            self.standings[keeper(tenant, name), name] = standing
        for (hold, account), line in settled.open_holds.items():
            self.holds[tenant, hold, account] = line
        for each in append.limits:
            self.limits[keeper(tenant, each.account), each.account] = each.limit
        self.consumed += [(tenant, run, number) for number in append.consumed]
        self.letters += [(tenant, letter) for letter in (*append.sends, *letters)]
        for secret in append.vault:
            self.vault.setdefault((tenant, secret.placeholder), secret)
        for blob in append.blobs:
            self.blobs.setdefault((tenant, blob.digest), blob)


async def write(connection: Connection, written: Written, base: int) -> None:
    """Send every statement that has something to do; within a pipeline and a transaction."""
    released = sorted(key for key, line in written.holds.items() if line is None)
    opened = sorted(
        (tenant, hold, account, line.amount, line.limit)
        for (tenant, hold, account), line in written.holds.items()
        if line is not None
    )
    standings = sorted(
        (*key, now.posted, now.held, now.limit, now.warned)
        for key, now in written.standings.items()
    )
    limits = sorted((*key, limit) for key, limit in written.limits.items() if limit is not None)
    unlimited = sorted(key for key, limit in written.limits.items() if limit is None)
    blobs = sorted((*key, blob.content) for key, blob in written.blobs.items())
    moves = [_move(key, append) for key, append in sorted(written.moves.items(), key=_first)]
    if written.records:
        rows = [_record(record) for record in written.records]
        await connection.execute(_RECORDS, (base, *columns(rows)))
    statements: tuple[tuple[str, Rows], ...] = (
        (_RUNS, [_run(append) for append in written.new]),
        (_MOVES, moves),
        (_ACCOUNTS, standings),
        (_UNMADE, written.unmade),
        (_HOLDS, opened),
        (_RELEASED, released),
        (_LIMITS, limits),
        (_UNLIMITED, unlimited),
        (_CONSUMED, sorted(written.consumed)),
        (LETTERS, letter_rows(written.letters)),
        (VAULT, vault_rows(written.vault)),
        (BLOBS, blobs),
    )
    for statement, rows_ in statements:
        if rows_:
            await connection.execute(statement.encode(), columns(rows_))


def _first(item: tuple[RunKey, Append]) -> RunKey:
    return item[0]


def _run(append: Append) -> tuple[Cell, ...]:
    header, new = append.record.header, append.new
    if new is None:
        raise ValueError("only an append with `new` makes a run")
    live = append.status in LIVE
    owner, lease_until_ms = append.lease if append.lease is not None and live else (None, 0)
    return (
        *(header.tenant, header.run, new.root, new.parent, new.agent, new.spec, new.user),
        *(new.session, append.status, header.version, FIRST_EPOCH, header.time_ms),
        *(header.time_ms, append.wake_at_ms, owner, lease_until_ms, append.record.hash),
    )


def _move(key: RunKey, append: Append) -> tuple[Cell, ...]:
    header = append.record.header
    status: RunStatus = append.status
    return (
        *(*key, header.version, header.time_ms, append.wake_at_ms, status, append.record.hash),
        status not in LIVE,
    )


def _record(record: Record) -> tuple[Cell, ...]:
    header = record.header
    return (
        *(header.tenant, header.run, header.version, header.epoch, header.time_ms),
        *(header.engine, record.payload, record.salt, record.commitment, record.previous),
        *(record.hash, record.mac, record.key_id),
    )


def vault_rows(secrets: Mapping[tuple[str, str], VaultRow]) -> Rows:
    """Secrets by (tenant, placeholder), in the order in which every worker writes them."""
    return sorted((*key, row.run, row.sealed) for key, row in secrets.items())


def letter_rows(letters: Sequence[tuple[str, Letter]]) -> Rows:
    """Letters in the order in which every worker writes them; one run's stay in their order."""
    return [
        (tenant, letter.run, letter.key, letter.kind, letter.body, letter.time_ms)
        for tenant, letter in sorted(letters, key=lambda each: (each[0], each[1].run))
    ]
