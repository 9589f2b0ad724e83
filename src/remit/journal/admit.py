"""Admit an append: is the writer the run's driver, and does its record follow the newest one."""

from dataclasses import dataclass

from remit.errors import ChainBroken, UsageError
from remit.journal.record import GENESIS
from remit.journal.rows import Append, Appended, Blob, Conflict, Fenced, RunStatus

LIVE: tuple[RunStatus, ...] = ("running", "waiting")
"""The states of a run that somebody may still have to drive."""

FIRST_EPOCH = 1

# Whole tool results and declarations: a tool's output is cut far below this, and every store can
# hold it and read it back (`codec.MAX_PLAIN_BYTES` bounds what is decompressed).
MAX_BLOB_BYTES = 16 * 1024 * 1024


def check_append(append: Append) -> None:
    """Raise `UsageError` for an append that no state of the store could take."""
    header = append.record.header
    where = f"append to {header.tenant}/{header.run} version {header.version}"
    for blob in append.blobs:
        check_blob(blob)
    if (append.new is not None) != (header.version == 1):
        raise UsageError(f"{where}: `new` belongs to version 1 and to no other")
    if append.new is None:
        if append.lease is not None:
            raise UsageError(f"{where}: a lease is given with `new`; afterwards use `claim`")
        return
    if header.epoch != FIRST_EPOCH:
        raise UsageError(f"{where}: a run begins in epoch {FIRST_EPOCH}, not {header.epoch}")
    if append.record.previous != GENESIS:
        raise UsageError(f"{where}: the first record of a run follows GENESIS")


def check_blob(blob: Blob) -> None:
    """Raise `UsageError` for a blob that is too large to be kept."""
    if len(blob.content) > MAX_BLOB_BYTES:
        raise UsageError(
            f"the blob {blob.digest} has {len(blob.content)} bytes, which is larger than "
            f"{MAX_BLOB_BYTES}: cut it, or keep it outside and store where it is"
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a run stands before an append; `head` is the hash of its newest record."""

    version: int
    epoch: int
    status: RunStatus
    head: bytes


def admit(
    append: Append, stand: Stand, stored: bytes | None
) -> Appended | Conflict | Fenced | None:
    """None if `append` may be written to the run, which stands at `stand`.

    `stored` is the hash of the record at the append's own version, None if there is none. Where it
    is the same record the write has happened before (its answer was lost with a connection), and
    the answer is `Appended`. Raises `ChainBroken` when the record does not follow the newest, and
    `UsageError` for a run that has ended and is to live again: its session may have another.
    """
    record = append.record
    header = record.header
    if stored is not None and stored == record.hash:
        return Appended()
    if append.new is not None:
        return Conflict("exists", stand.version, header.run)
    if stand.epoch != header.epoch:
        return Fenced(stand.epoch)
    if stand.version != header.version - 1:
        return Conflict("version", stand.version, header.run)
    where = f"{header.tenant}/{header.run} version {header.version}"
    if record.previous != stand.head:
        raise ChainBroken(
            f"{where}: the record to be written does not follow the stored one; load the run again"
        )
    if stand.status not in LIVE and append.status in LIVE:
        raise UsageError(f"{where}: the run has ended; start another one in its session")
    return None
