"""Admit an append: is the writer the run's driver, and does its record follow the newest one."""

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


def admit(
    append: Append, *, version: int, epoch: int, head: bytes, stored: bytes | None
) -> Appended | Conflict | Fenced | None:
    """None if `append` may be written to the run, which stands at `version` and `epoch`.

    `head` is the hash of the run's newest record and `stored` that of the record at the append's
    own version, None if there is none. Where it is the same record the write has happened before
    (its answer was lost with a connection), and the answer is `Appended`. Raises `ChainBroken`
    when the record does not follow `head`.
    """
    record = append.record
    header = record.header
    if stored is not None and stored == record.hash:
        return Appended()
    if append.new is not None:
        return Conflict("exists", version, header.run)
    if epoch != header.epoch:
        return Fenced(epoch)
    if version != header.version - 1:
        return Conflict("version", version, header.run)
    if record.previous != head:
        raise ChainBroken(
            f"{header.tenant}/{header.run} version {header.version}: the record to be written "
            "does not follow the stored one; load the run again"
        )
    return None
