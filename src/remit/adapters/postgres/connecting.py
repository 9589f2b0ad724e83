"""Connections to Postgres: opened with bounds, kept in a small pool, faults as store errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from remit.errors import (
    ConfigError,
    MissingExtra,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)

try:
    import psycopg
    from psycopg import errors, sql
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.rows import TupleRow
except ImportError as exc:
    raise MissingExtra(
        "a postgresql:// journal needs psycopg 3, which is not installed here: "
        "pip install 'remit[postgres]'"
    ) from exc

Connection = psycopg.AsyncConnection[TupleRow]
T = TypeVar("T")

_SETTINGS: dict[str, str | int] = {
    "statement_timeout": 30_000,  # no statement of ours takes a second; a hung server is noticed
    "lock_timeout": 5_000,  # others hold our rows for one commit
    # A client that vanished in a transaction blocks its rows until the server gives up on it.
    "idle_in_transaction_session_timeout": 10_000,
    "synchronous_commit": "on",  # whatever the database's default: acknowledged means durable
}
# A server that vanished is noticed in half a minute, not in two hours.
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "application_name": "remit",
}
_POOL = 4
"""Connections for reads and single statements, besides one that appends and one that listens."""


class Server:
    """How to reach one database; makes connections to it and says what went wrong there."""

    def __init__(self, url: str) -> None:
        try:
            parameters = {**_DEFAULTS, **conninfo_to_dict(url)}
        except psycopg.ProgrammingError:
            # Neither the address nor what libpq says of it is repeated: it may hold a password.
            raise ConfigError(
                "the address of the Postgres journal cannot be read; "
                "it looks like postgresql://user:password@host:5432/database"
            ) from None
        self._address = make_conninfo("", **parameters)
        host = parameters.get("host", "localhost")
        self.where = f"postgresql://{host}/{parameters.get('dbname', '')}"
        """The address without user and password, for messages."""

    async def connect(self) -> Connection:
        """A new connection in autocommit mode. Raises a `StoreError`."""
        try:
            connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
            try:
                await _set_up(connection)
            except BaseException:
                await connection.close()
                raise
        except psycopg.Error as exc:
            raise self.fault(exc) from exc
        return connection

    def fault(self, exc: psycopg.Error) -> StoreError:
        """The store error that says what is wrong and what to do."""
        said = f"({exc.sqlstate or type(exc).__name__}: {str(exc).strip()})"
        match exc:
            case errors.DiskFull() | errors.OutOfMemory() | errors.ConfigurationLimitExceeded():
                return StoreFull(f"{self.where}: no more can be written {said}. Make room there")
            case errors.ReadOnlySqlTransaction() | errors.InsufficientPrivilege():
                return StoreReadOnly(
                    f"{self.where}: may not be written {said}. Connect to the primary server as a "
                    "user who owns the schema `remit` or may create it"
                )
            case errors.DataCorrupted() | errors.IndexCorrupted():
                return StoreCorrupt(f"{self.where}: damaged {said}. Restore it from a backup")
            case (
                errors.LockNotAvailable()
                | errors.QueryCanceled()
                | errors.DeadlockDetected()
                | errors.SerializationFailure()
                | errors.TooManyConnections()
            ):
                return StoreBusy(f"{self.where}: others keep it busy {said}. Try again")
            case psycopg.OperationalError() | psycopg.InterfaceError():
                return StoreGone(
                    f"{self.where}: cannot be reached {said}. Check that the server runs, and "
                    "that host, database, user and password are right"
                )
            case _:
                return StoreError(f"{self.where}: the database failed {said}")


async def _set_up(connection: Connection) -> None:
    async with connection.pipeline():
        for name, value in _SETTINGS.items():
            await connection.execute(
                sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )


_LOST = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
)


def is_lost(exc: psycopg.Error) -> bool:
    """Whether the connection is gone, so that what was asked may or may not have happened."""
    if isinstance(exc, _LOST):
        return True
    broken = isinstance(exc, psycopg.OperationalError | psycopg.InterfaceError)
    return broken and exc.sqlstate is None


class Pool:
    """A few connections, made when they are needed and thrown away when they break."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(_POOL)

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """The result of `work` on a connection of its own. Faults come out as store errors.

        When the connection is lost `work` is done once more on a new one: it must be a read, or
        one statement that may happen twice.
        """
        async with self._slots:
            try:
                return await self._try(work)
            except psycopg.Error as exc:
                if not is_lost(exc):
                    raise self._server.fault(exc) from exc
            await self.close()  # the others are as old as the one that was lost
            try:
                return await self._try(work)
            except psycopg.Error as exc:
                raise self._server.fault(exc) from exc

    async def _try(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        connection = self._free.pop() if self._free else await self._server.connect()
        try:
            return await work(connection)
        finally:
            idle = psycopg.pq.TransactionStatus.IDLE
            if not connection.closed and connection.info.transaction_status == idle:
                self._free.append(connection)
            else:
                await connection.close()

    async def close(self) -> None:
        """Close the connections that are free."""
        while self._free:
            await self._free.pop().close()
