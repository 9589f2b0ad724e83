"""Write one append within the writer's transaction: check everything first, then write it whole."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from remit.adapters.sqlite.names import Names
from remit.journal.admit import FIRST_EPOCH, LIVE, Stand, admit
from remit.journal.codec import compress
from remit.journal.record import Record
from remit.journal.rows import (
    Answer,
    Append,
    Appended,
    Blob,
    Conflict,
    Exceeded,
    Fenced,
    Letter,
    NewRun,
    VaultRow,
)
from remit.journal.settle import (
    HoldKey,
    Settled,
    Standing,
    crossed_letter,
    settle,
    touched_accounts,
    touched_holds,
    touched_limits,
)
from remit.journal.transfers import HoldLine
from remit.values.account import OPERATOR, keeper

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Stand(Stand):
    """Where a run stands before an append, and where in its table."""

    id: int
    last: int


def write_append(connection: sqlite3.Connection, names: Names, append: Append) -> Answer:
    """Write `append`, or answer why not. Nothing is written before every check has passed."""
    header = append.record.header
    tenant = names.known_tenant(connection, header.tenant)
    stand = None if tenant is None else _stand(connection, tenant, header.run)
    answer = _admit(connection, tenant, append, stand)
    if answer is not None:
        return answer
    if tenant is None:
        tenant = names.tenant(connection, header.tenant)
    settled: Settled | None = None
    keepers = Keepers(connection, names, tenant)
    if append.holds or append.posts:
        result = _settle(connection, keepers, append)
        if isinstance(result, Exceeded):
            return result
        settled = result
    if stand is not None:
        position = _insert_record(connection, names, (tenant, stand.id, stand.last), append.record)
        _update_run(connection, stand, append, position)
    elif append.new is not None:
        run = _insert_run(connection, tenant, append, append.new)
        position = _insert_record(connection, names, (tenant, run, None), append.record)
        connection.execute("UPDATE runs SET last = ? WHERE id = ?", (position, run))
    _write_company(connection, tenant, append)
    _write_limits(connection, keepers, append)
    if settled is None:
        return Appended()
    _write_settled(connection, keepers, settled)
    letters = [crossed_letter(header.run, each, header.time_ms) for each in settled.crossed]
    write_letters(connection, tenant, letters)
    return Appended(settled.crossed)


def _stand(connection: sqlite3.Connection, tenant: int, run: str) -> _Stand | None:
    row = connection.execute(
        "SELECT runs.id, runs.version, runs.epoch, status, last, proof FROM runs "
        "JOIN records ON position = last WHERE runs.tenant = ? AND runs.run = ?",
        (tenant, run),
    ).fetchone()
    if row is None:
        return None
    id_, version, epoch, status, last, proof = row
    return _Stand(version, epoch, status, proof[:HASH_BYTES], id_, last)


def _admit(
    connection: sqlite3.Connection, tenant: int | None, append: Append, stand: _Stand | None
) -> Appended | Conflict | Fenced | None:
    header = append.record.header
    if stand is not None:
        stored = None
        if stand.version >= header.version:
            stored = _hash_at(connection, stand.last, header.version)
        return admit(append, stand, stored)
    if append.new is None:
        return Conflict("version", 0, header.run)
    if append.new.parent is None and tenant is not None:
        active = connection.execute(
            "SELECT version, run FROM runs WHERE tenant = ? AND session = ? "
            "AND parent IS NULL AND status IN ('running', 'waiting')",
            (tenant, append.new.session),
        ).fetchone()
        if active is not None:
            return Conflict("session", *active)
    return None


def _hash_at(connection: sqlite3.Connection, last: int, version: int) -> bytes | None:
    row = connection.execute(
        "WITH RECURSIVE chain (position) AS (VALUES (?) UNION ALL SELECT back "
        "FROM chain JOIN records USING (position) WHERE version > ? AND back < position) "
        "SELECT proof FROM chain JOIN records USING (position) WHERE version = ?",
        (last, version, version),
    ).fetchone()
    return None if row is None else row[0][:HASH_BYTES]


def _insert_run(connection: sqlite3.Connection, tenant: int, append: Append, new: NewRun) -> int:
    header = append.record.header
    live = append.status in LIVE
    owner, lease_until_ms = append.lease if append.lease is not None and live else (None, 0)
    cursor = connection.execute(
        "INSERT INTO runs (tenant, run, root, parent, agent, spec, user, session, status, version, "
        "epoch, created_ms, updated_ms, wake_at_ms, owner, lease_until_ms, last) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            *(tenant, header.run, new.root, new.parent, new.agent, new.spec, new.user),
            *(new.session, append.status, header.version, FIRST_EPOCH, header.time_ms),
            *(header.time_ms, append.wake_at_ms, owner, lease_until_ms),
        ),
    )
    return cursor.lastrowid or 0


def _insert_record(
    connection: sqlite3.Connection, names: Names, place: tuple[int, int, int | None], record: Record
) -> int:
    tenant, run, back = place
    header = record.header
    cursor = connection.execute(
        "INSERT INTO records (tenant, run, version, epoch, time_ms, stamp, back, payload, proof) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(tenant, run, header.version, header.epoch, header.time_ms),
            names.stamp(connection, header.engine, record.key_id),
            *(back, record.payload, record.hash + record.mac + record.salt),
        ),
    )
    return cursor.lastrowid or 0


def _update_run(
    connection: sqlite3.Connection, stand: _Stand, append: Append, position: int
) -> None:
    header = append.record.header
    values = (header.version, header.time_ms, append.wake_at_ms, position)
    if append.status == stand.status:  # no index needs to be touched
        statement = (
            "UPDATE runs SET version = ?, updated_ms = ?, wake_at_ms = ?, last = ? WHERE id = ?"
        )
        connection.execute(statement, (*values, stand.id))
        return
    statement = (
        "UPDATE runs SET version = ?, updated_ms = ?, wake_at_ms = ?, last = ?, status = ? "
        "WHERE id = ?"
    )
    connection.execute(statement, (*values, append.status, stand.id))
    if append.status not in LIVE:
        connection.execute(
            "UPDATE runs SET owner = NULL, lease_until_ms = 0 WHERE id = ?", (stand.id,)
        )


class Keepers:
    """The numbers of the tenants under which the accounts of a tenant's runs are kept."""

    def __init__(self, connection: sqlite3.Connection, names: Names, tenant: int) -> None:
        self._connection = connection
        self._names = names
        self.tenant = tenant

    def of(self, account: str) -> int:
        """The tenant's own number, or the operator's for accounts of everybody."""
        if keeper("", account) == OPERATOR:
            return self._names.tenant(self._connection, OPERATOR)
        return self.tenant


def _settle(connection: sqlite3.Connection, keepers: Keepers, append: Append) -> Settled | Exceeded:
    standings: dict[str, Standing] = {}
    tenant = keepers.tenant
    for name in touched_accounts(append.holds, append.posts):
        row = connection.execute(
            'SELECT posted, held, "limit", warned FROM accounts WHERE tenant = ? AND account = ?',
            (keepers.of(name), name),
        ).fetchone()
        if row is not None:
            standings[name] = Standing(row[0], row[1], row[2], bool(row[3]))
    holds: dict[HoldKey, HoldLine] = {}
    for hold, account in touched_holds(append.holds, append.posts):
        row = connection.execute(
            'SELECT amount, "limit" FROM holds WHERE tenant = ? AND hold = ? AND account = ?',
            (tenant, hold, account),
        ).fetchone()
        if row is not None:
            holds[hold, account] = HoldLine(hold, account, *row)
    limits: dict[str, int] = {}
    for name in touched_limits(append.holds):
        row = connection.execute(
            'SELECT "limit" FROM limits WHERE tenant = ? AND account = ?', (keepers.of(name), name)
        ).fetchone()
        if row is not None:
            limits[name] = row[0]
    return settle(append.holds, append.posts, standings, holds, limits)


def _write_limits(connection: sqlite3.Connection, keepers: Keepers, append: Append) -> None:
    for line in append.limits:
        place = (keepers.of(line.account), line.account)
        if line.limit is None:
            connection.execute("DELETE FROM limits WHERE tenant = ? AND account = ?", place)
        else:
            connection.execute(
                'INSERT INTO limits VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET "limit" = ?3',
                (*place, line.limit),
            )


def _write_settled(connection: sqlite3.Connection, keepers: Keepers, settled: Settled) -> None:
    tenant = keepers.tenant
    for name, now in settled.standings.items():
        connection.execute(
            "INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE "
            'SET posted = ?3, held = ?4, "limit" = ?5, warned = ?6',
            (keepers.of(name), name, now.posted, now.held, now.limit, now.warned),
        )
    for (hold, account), line in settled.open_holds.items():
        if line is None:
            connection.execute(
                "DELETE FROM holds WHERE tenant = ? AND hold = ? AND account = ?",
                (tenant, hold, account),
            )
        else:
            connection.execute(
                "INSERT INTO holds VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE "
                'SET amount = ?4, "limit" = ?5',
                (tenant, hold, account, line.amount, line.limit),
            )


def _write_company(connection: sqlite3.Connection, tenant: int, append: Append) -> None:
    """Write what comes with a record: letters read and sent, secrets, blobs."""
    for number in append.consumed:
        connection.execute(
            "UPDATE letters SET body = NULL WHERE number = ? AND tenant = ? AND run = ?",
            (number, tenant, append.record.header.run),
        )
    write_letters(connection, tenant, append.sends)
    write_secrets(connection, tenant, append.vault)
    for blob in append.blobs:
        write_blob(connection, tenant, blob)


def write_secrets(connection: sqlite3.Connection, tenant: int, secrets: Iterable[VaultRow]) -> None:
    """Keep sealed secrets that the tenant does not have."""
    for secret in secrets:
        connection.execute(
            "INSERT INTO vault VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (tenant, secret.placeholder, secret.run, secret.sealed),
        )


def write_letters(connection: sqlite3.Connection, tenant: int, letters: Iterable[Letter]) -> int:
    """Write letters whose keys are new; how many they were."""
    count = 0
    for letter in letters:
        cursor = connection.execute(
            "INSERT INTO letters (tenant, run, key, kind, body, time_ms) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (tenant, letter.run, letter.key, letter.kind, letter.body, letter.time_ms),
        )
        count += cursor.rowcount
    return count


def write_blob(connection: sqlite3.Connection, tenant: int, blob: Blob) -> None:
    """Keep a blob, compressed, unless the tenant has it."""
    known = connection.execute(
        "SELECT 1 FROM blobs WHERE tenant = ? AND digest = ?", (tenant, blob.digest)
    ).fetchone()
    if known is None:
        connection.execute(
            "INSERT INTO blobs (tenant, digest, content) VALUES (?, ?, ?)",
            (tenant, blob.digest, compress(blob.content)),
        )
