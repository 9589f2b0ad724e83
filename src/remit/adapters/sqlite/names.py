"""Names that stand in rows as small numbers: tenants, and pairs of engine and key id."""

import sqlite3
from typing import TypeVar

K = TypeVar("K")


class Names:
    """The numbers seen so far by one connection; forgotten when its transaction is rolled back."""

    # A process serves many tenants over its life; a name costs about 150 bytes, so this is 1.5 MB.
    _MOST = 10_000

    def __init__(self) -> None:
        self._tenants: dict[str, int] = {}
        self._stamps: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Drop everything: a number given in a rolled back transaction is nobody's."""
        self._tenants.clear()
        self._stamps.clear()

    def known_tenant(self, connection: sqlite3.Connection, name: str) -> int | None:
        """The number of a tenant, None where it has none yet."""
        number = self._tenants.get(name)
        if number is None:
            row = connection.execute("SELECT id FROM tenants WHERE name = ?", (name,)).fetchone()
            if row is None:
                return None
            number = int(row[0])
            self._remember(self._tenants, name, number)
        return number

    def tenant(self, connection: sqlite3.Connection, name: str) -> int:
        """The number of a tenant, given now if it has none; within a write transaction."""
        number = self.known_tenant(connection, name)
        if number is None:
            cursor = connection.execute("INSERT INTO tenants (name) VALUES (?)", (name,))
            number = cursor.lastrowid or 0
            self._remember(self._tenants, name, number)
        return number

    def stamp(self, connection: sqlite3.Connection, engine: str, key_id: str) -> int:
        """The number of an engine version with a key id; within a write transaction."""
        pair = (engine, key_id)
        number = self._stamps.get(pair)
        if number is None:
            row = connection.execute(
                "SELECT id FROM stamps WHERE engine = ? AND key_id = ?", pair
            ).fetchone()
            if row is None:
                cursor = connection.execute(
                    "INSERT INTO stamps (engine, key_id) VALUES (?, ?)", pair
                )
                number = cursor.lastrowid or 0
            else:
                number = int(row[0])
            self._remember(self._stamps, pair, number)
        return number

    def _remember(self, cache: dict[K, int], key: K, number: int) -> None:
        if len(cache) >= self._MOST:
            cache.clear()
        cache[key] = number
