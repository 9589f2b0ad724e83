"""Ways to damage a journal in a SQLite file, and what verification says of it."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from remit.adapters.keys import read_keys
from remit.adapters.sqlite.store import SqliteStore
from remit.app.audit import verify_journal
from remit.app.verification import KnownHead, Verification

NOW_MS = 1_700_000_000_000


async def verified(path: Path, *heads: KnownHead, tenant: str | None = None) -> list[Verification]:
    keys = read_keys(path.with_name(f"{path.name}.keys"), make=False)
    store = SqliteStore(path)
    await store.open()
    try:
        return await verify_journal(
            store,
            keys.head,
            keys.macs(),
            tenants=() if tenant is None else (tenant,),
            heads=heads,
            now_ms=NOW_MS,
        )
    finally:
        await store.close()


async def damages(path: Path, *heads: KnownHead) -> list[str]:
    return [str(each) for one in await verified(path, *heads) for each in one.damages]


def edit(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as connection:
        count = connection.execute(statement, values).rowcount
    connection.close()
    assert count != 0, "nothing was changed"


def rows(path: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(statement, values).fetchall()
    connection.close()
    return found


Damage = Callable[[Path, random.Random], None]


def _flip(blob: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(blob))
    return blob[:place] + bytes([blob[place] ^ (1 << dice.randrange(8))]) + blob[place + 1 :]


def _some(path: Path, dice: random.Random, table: str, key: str) -> object:
    return dice.choice(rows(path, f"SELECT {key} FROM {table} ORDER BY {key}"))[0]  # noqa: S608  # names are literals here


def flip(table: str, key: str, column: str) -> Damage:
    def act(path: Path, dice: random.Random) -> None:
        name = _some(path, dice, table, key)
        ((blob,),) = rows(path, f"SELECT {column} FROM {table} WHERE {key} = ?", name)  # noqa: S608  # the same
        assert isinstance(blob, bytes)
        edit(path, f"UPDATE {table} SET {column} = ? WHERE {key} = ?", _flip(blob, dice), name)  # noqa: S608  # the same

    return act


def shift(table: str, key: str, column: str) -> Damage:
    def act(path: Path, dice: random.Random) -> None:
        name, by = _some(path, dice, table, key), dice.choice((-1, 1, 5))
        statement = f"UPDATE {table} SET {column} = coalesce({column}, 0) + ? WHERE {key} = ?"  # noqa: S608  # the same
        edit(path, statement, by, name)

    return act


def word(table: str, key: str, column: str) -> Damage:
    def act(path: Path, dice: random.Random) -> None:
        name = _some(path, dice, table, key)
        edit(path, f"UPDATE {table} SET {column} = 'other' WHERE {key} = ?", name)  # noqa: S608  # the same

    return act


def remove_record(path: Path, dice: random.Random) -> None:
    edit(path, "DELETE FROM records WHERE position = ?", _some(path, dice, "records", "position"))


def remove_row_of_run(path: Path, dice: random.Random) -> None:
    edit(path, "DELETE FROM runs WHERE id = ?", _some(path, dice, "runs", "id"))


def remove_run(path: Path, dice: random.Random) -> None:
    run = _some(path, dice, "runs", "id")
    edit(path, "DELETE FROM runs WHERE id = ?", run)
    edit(path, "DELETE FROM records WHERE run = ?", run)


def cut_tail(path: Path, dice: random.Random) -> None:
    """The newest record of a run, its row set back as if it had never been."""
    found = rows(
        path,
        "SELECT runs.id, last, back FROM runs JOIN records ON position = last WHERE back NOT NULL",
    )
    run, last, back = dice.choice(found)
    ((time_ms,),) = rows(path, "SELECT time_ms FROM records WHERE position = ?", back)
    edit(path, "DELETE FROM records WHERE position = ?", last)
    edit(
        path,
        "UPDATE runs SET version = version - 1, last = ?, updated_ms = ?, status = 'running' "
        "WHERE id = ?",
        back,
        time_ms,
        run,
    )


def repeat_record(path: Path, dice: random.Random) -> None:
    columns = "tenant, run, version, epoch, time_ms, stamp, back, payload, proof"
    edit(
        path,
        f"INSERT INTO records ({columns}) SELECT {columns} FROM records WHERE position = ?",  # noqa: S608  # the same
        _some(path, dice, "records", "position"),
    )


def swap_payloads(path: Path, dice: random.Random) -> None:
    one, two = dice.sample(rows(path, "SELECT position, payload, proof FROM records"), 2)
    for (position, _, _), (_, payload, proof) in ((one, two), (two, one)):
        statement = "UPDATE records SET payload = ?, proof = ? WHERE position = ?"
        edit(path, statement, payload, proof, position)


def swap_positions(path: Path, dice: random.Random) -> None:
    """Two records change places in the feed; all that points to them follows."""
    ((one, _), (two, _)) = dice.sample(
        rows(path, "SELECT position, run FROM records WHERE tenant = 1"), 2
    )
    for old, new in ((one, -1), (two, one), (-1, two)):
        with sqlite3.connect(path) as connection:
            for table, column in (("records", "position"), ("records", "back"), ("runs", "last")):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {column} = ?",  # noqa: S608  # the same
                    (new, old),
                )
        connection.close()


def close_circle(path: Path, dice: random.Random) -> None:
    position = _some(path, dice, "records", "position")
    edit(path, "UPDATE records SET back = position WHERE position = ?", position)


def remove_declaration(path: Path, dice: random.Random) -> None:
    edit(path, "DELETE FROM blobs WHERE id = ?", _some(path, dice, "blobs", "id"))


DAMAGES: dict[str, Damage] = {
    "payload": flip("records", "position", "payload"),
    "proof": flip("records", "position", "proof"),
    "stored head": flip("heads", "size", "head"),
    "artifact or declaration": flip("blobs", "id", "content"),
    "removed blob": remove_declaration,
    "version": shift("records", "position", "version"),
    "epoch": shift("records", "position", "epoch"),
    "time": shift("records", "position", "time_ms"),
    "tenant of a record": shift("records", "position", "tenant"),
    "run of a record": shift("records", "position", "run"),
    "stamp": shift("records", "position", "stamp"),
    "link": shift("records", "position", "back"),
    "circle": close_circle,
    "record of text": word("records", "position", "proof"),
    "payload of text": word("records", "position", "payload"),
    "version of a row": shift("runs", "id", "version"),
    "begin of a row": shift("runs", "id", "created_ms"),
    "change of a row": shift("runs", "id", "updated_ms"),
    "last of a row": shift("runs", "id", "last"),
    "tenant of a row": shift("runs", "id", "tenant"),
    "version of text": word("runs", "id", "version"),
    "name of a row": word("runs", "id", "run"),
    "agent of a row": word("runs", "id", "agent"),
    "user of a row": word("runs", "id", "user"),
    "session of a row": word("runs", "id", "session"),
    "spec of a row": word("runs", "id", "spec"),
    "root of a row": word("runs", "id", "root"),
    "parent of a row": word("runs", "id", "parent"),
    "status of a row": word("runs", "id", "status"),
    "name of a stamp": word("stamps", "id", "key_id"),
    "engine of a stamp": word("stamps", "id", "engine"),
    "name of a tenant": word("tenants", "id", "name"),
    "account": shift("accounts", "account", "posted"),
    "leaf numbers": shift("spans", "leaf", "count"),
    "place of leaves": shift("spans", "leaf", "position"),
    "removed record": remove_record,
    "removed row": remove_row_of_run,
    "removed run": remove_run,
    "removed tail": cut_tail,
    "repeated record": repeat_record,
    "swapped payloads": swap_payloads,
    "swapped places": swap_positions,
}
