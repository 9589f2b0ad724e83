"""An append is admitted from the run's driver, at the next version, after the newest record."""

from dataclasses import replace

import pytest

from remit.errors import ChainBroken, UsageError
from remit.journal.admit import LIVE, MAX_BLOB_BYTES, Stand, admit, check_append, check_blob
from remit.journal.record import GENESIS, Header, Record
from remit.journal.rows import Append, Appended, Blob, Conflict, Fenced, NewRun

HEAD = b"h" * 32
NEW = NewRun(root="r", parent=None, agent="a", spec="s", user="u", session="s")


def append(version: int = 3, epoch: int = 2, previous: bytes = HEAD) -> Append:
    header = Header(tenant="t", run="r", version=version, epoch=epoch, time_ms=1, engine="e")
    record = Record(
        header=header,
        payload=b"p",
        salt=b"s",
        commitment=b"c",
        previous=previous,
        hash=b"own",
        mac=b"m",
        key_id="k",
    )
    return Append(record=record, status="running", wake_at_ms=None)


def first() -> Append:
    return replace(append(1, 1, GENESIS), new=NEW)


@pytest.mark.parametrize(
    ("given", "version", "epoch", "stored", "answer"),
    [
        (append(), 2, 2, None, None),
        (append(), 3, 2, b"own", Appended()),
        (append(), 9, 5, b"own", Appended()),
        (append(), 3, 2, b"another", Conflict("version", 3, "r")),
        (append(), 1, 2, None, Conflict("version", 1, "r")),
        (append(), 2, 3, None, Fenced(3)),
        (append(), 2, 1, None, Fenced(1)),
        (first(), 4, 1, b"another", Conflict("exists", 4, "r")),
        (first(), 4, 1, b"own", Appended()),
    ],
)
def test_admission(
    given: Append,
    version: int,
    epoch: int,
    stored: bytes | None,
    answer: Appended | Conflict | Fenced | None,
) -> None:
    assert admit(given, Stand(version, epoch, "waiting", HEAD), stored) == answer


@pytest.mark.requirement("AUD-3")
def test_a_record_must_follow_the_newest() -> None:
    with pytest.raises(ChainBroken, match="t/r version 3: the record to be written does not"):
        admit(append(previous=b"x" * 32), Stand(2, 2, "running", HEAD), None)


def test_an_ended_run_takes_records_but_does_not_live_again() -> None:
    ended = Stand(2, 2, "stopped", HEAD)
    assert admit(replace(append(), status="completed"), ended, None) is None
    for status in LIVE:
        with pytest.raises(UsageError, match="t/r version 3: the run has ended"):
            admit(replace(append(), status=status), ended, None)


def test_appends_that_can_be_written() -> None:
    check_append(append())
    check_append(first())
    check_append(replace(first(), lease=("owner", 5), blobs=(Blob("d", b"content"),)))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (append(1, 1, GENESIS), "`new` belongs to version 1 and to no other"),
        (replace(append(), new=NEW), "`new` belongs to version 1 and to no other"),
        (replace(append(), lease=("owner", 5)), "a lease is given with `new`"),
        (replace(append(1, 2, GENESIS), new=NEW), "a run begins in epoch 1, not 2"),
        (replace(append(1, 1, HEAD), new=NEW), "the first record of a run follows GENESIS"),
    ],
)
def test_appends_that_no_store_could_take(wrong: Append, reason: str) -> None:
    with pytest.raises(UsageError, match=f"append to t/r version .: {reason}"):
        check_append(wrong)


def test_a_blob_has_a_bound() -> None:
    check_blob(Blob("d", bytes(MAX_BLOB_BYTES)))
    with pytest.raises(UsageError, match="larger than"):
        check_blob(Blob("d", bytes(MAX_BLOB_BYTES + 1)))
    with pytest.raises(UsageError, match="larger than"):
        check_append(replace(append(), blobs=(Blob("d", bytes(MAX_BLOB_BYTES + 1)),)))
