"""Payloads are small, come back as they were, and damage is an error that says so."""

import os
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ChainBroken, StoreCorrupt
from remit.journal import codec
from remit.journal.codec import (
    MAX_PLAIN_BYTES,
    JsonObject,
    compress,
    decode_body,
    decompress,
    encode_body,
    lift,
    may_hold,
    open_record,
    seal,
)
from remit.journal.events import RuntimeSaid, ToolQueued, ToolRequested
from remit.journal.record import GENESIS, Body, Cause, Header, Record, check_link
from remit.values.clean import Clean
from tests.journal.specimens import SPECIMENS

HEADER = Header(tenant="t", run="r", version=1, epoch=1, time_ms=1_795_000_000_000, engine="e")
CAUSE = Cause(kind="tool", count=1)


def body(*events: object, now_ms: int = HEADER.time_ms) -> Body:
    return Body(causes=(CAUSE.model_copy(update={"now_ms": now_ms}),), events=events)  # type: ignore[arg-type] # events


def sealed(content: Body) -> Record:
    return seal(HEADER, content, previous=GENESIS, salt=b"s" * 16, key=b"k", key_id="id")


@given(st.lists(st.sampled_from(list(SPECIMENS.values())), max_size=6))
def test_a_body_comes_back(events: list[object]) -> None:
    content = body(*events)
    plain = encode_body(content)
    assert decode_body(plain) == content
    assert decompress(compress(plain)) == plain
    record = sealed(content)
    assert open_record(record) == content
    check_link(record, GENESIS, decompress(record.payload))


def test_a_usual_record_is_small() -> None:
    """The dictionary is worth its place: half of what deflate makes of a record by itself."""
    step = body(
        ToolQueued(call="c1-1"), ToolRequested(call="c1-1", until_ms=HEADER.time_ms + 60_000)
    )
    record = sealed(step)
    assert len(record.payload) < len(zlib.compress(encode_body(step), 9)) / 2
    assert len(record.payload) < 50


def test_the_time_of_a_decision_is_stored_only_where_it_differs() -> None:
    same, other = sealed(body()), sealed(body(now_ms=5))
    assert b"now_ms" not in decompress(same.payload)
    assert b'"now_ms":5' in decompress(other.payload)
    assert open_record(same) == body()
    assert open_record(other) == body(now_ms=5)


@given(st.binary(max_size=2000))
def test_any_bytes_survive_compression(plain: bytes) -> None:
    assert decompress(compress(plain)) == plain


def test_what_cannot_be_compressed_is_stored_plain() -> None:
    noise = os.urandom(500)
    assert compress(noise) == b"\0" + noise


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (b"", "is empty"),
        (b"\x07abc", "unknown format 7"),
        (b"\x01\xff\xff\xff", "cannot be decompressed"),
        (compress(b"a" * 500)[:-2], "cut short"),
        (compress(b"a" * 500) + b"more", "bytes after its end"),
    ],
)
def test_a_damaged_payload(stored: bytes, reason: str) -> None:
    with pytest.raises(StoreCorrupt, match=reason):
        decompress(stored)


def test_a_bomb_is_not_unpacked() -> None:
    assert len(decompress(compress(bytes(MAX_PLAIN_BYTES - 1)))) == MAX_PLAIN_BYTES - 1
    with pytest.raises(StoreCorrupt, match="too large"):
        decompress(compress(bytes(MAX_PLAIN_BYTES + 1)))


def test_a_record_beyond_the_bound_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_PLAIN_BYTES", 1000)
    assert sealed(body(RuntimeSaid(text=Clean.vouch("a" * 500)))).payload
    with pytest.raises(StoreCorrupt, match="larger than 1000"):
        sealed(body(RuntimeSaid(text=Clean.vouch("a" * 1000))))


@given(st.binary(max_size=300))
def test_noise_is_corrupt_and_nothing_else(noise: bytes) -> None:
    for function in (decompress, decode_body):
        try:
            function(noise)
        except StoreCorrupt:
            continue


@given(st.data())
def test_a_changed_byte_is_found(data: st.DataObject) -> None:
    record = sealed(body(*SPECIMENS.values()))
    place = data.draw(st.integers(0, len(record.payload) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(record.payload)
    changed[place] ^= flip
    forged = Record(
        header=record.header,
        payload=bytes(changed),
        salt=record.salt,
        commitment=record.commitment,
        previous=record.previous,
        hash=record.hash,
        mac=record.mac,
        key_id=record.key_id,
    )
    with suppress(StoreCorrupt, ChainBroken):
        # Deflate has bits that mean nothing (padding): then the content is what it was.
        assert open_record(forged) == open_record(record)


def test_a_changed_payload_names_the_record() -> None:
    record, other = sealed(body()), sealed(body(ToolQueued(call="c1")))
    forged = Record(
        header=record.header,
        payload=other.payload,
        salt=record.salt,
        commitment=record.commitment,
        previous=record.previous,
        hash=record.hash,
        mac=record.mac,
        key_id=record.key_id,
    )
    with pytest.raises(ChainBroken, match="t/r version 1: its payload was changed"):
        open_record(forged)


@pytest.mark.requirement("AUD-2")
def test_an_erased_record_has_no_body_and_its_link_still_holds() -> None:
    record = sealed(body(ToolQueued(call="c1")))
    erased = Record(
        header=record.header,
        payload=b"",
        salt=b"",
        commitment=record.commitment,
        previous=record.previous,
        hash=record.hash,
        mac=record.mac,
        key_id=record.key_id,
    )
    assert open_record(erased) is None
    check_link(erased, GENESIS, None)


# ---------------------------------------------------------------- older shapes


def second(event: JsonObject) -> JsonObject:
    """Shape 1 named the call `id`."""
    return {"type": event["type"], "call": event["id"]}


def third(event: JsonObject) -> JsonObject:
    """Shape 2 had another name for the event itself."""
    return {**event, "type": "ToolQueued"}


UPCASTERS = {("ToolWaiting", 1): second, ("ToolWaiting", 2): third}


@pytest.mark.requirement("AUD-5")
def test_an_old_event_is_lifted_step_by_step() -> None:
    old: JsonObject = {"type": "ToolWaiting", "id": "c1"}
    assert lift(old, UPCASTERS) == {"type": "ToolQueued", "call": "c1"}
    middle: JsonObject = {"type": "ToolWaiting", "call": "c1", "shape": 2}
    assert lift(middle, UPCASTERS) == {"type": "ToolQueued", "call": "c1"}
    today: JsonObject = {"type": "ToolQueued", "call": "c1"}
    assert lift(dict(today), UPCASTERS) == today


@pytest.mark.requirement("AUD-5")
def test_the_bytes_of_an_older_version_are_read() -> None:
    plain = (
        b'{"causes":[{"kind":"tool","count":1,"now_ms":5}],'
        b'"events":[{"type":"ToolWaiting","id":"c1"},{"type":"ToolQueued","call":"c2"}]}'
    )
    events = (ToolQueued(call="c1"), ToolQueued(call="c2"))
    assert decode_body(plain, UPCASTERS) == body(*events, now_ms=5)
    with pytest.raises(StoreCorrupt, match="not a body of events"):
        decode_body(plain)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[]",
        b'{"causes":[]}',
        b'{"causes":[],"events":[{"type":"ToolWaiting"}]}',
        b'{"causes":[],"events":[7]}',
        b'{"causes":[],"events":[{"type":"ToolQueued","shape":"2"}]}',
    ],
)
def test_what_is_no_body(plain: bytes) -> None:
    for upcasters in ({}, UPCASTERS):
        with pytest.raises(StoreCorrupt):
            decode_body(plain, upcasters)


# A record of the first version as it lies in a database. It must be read for ever: if this test
# fails, the format or the dictionary was changed after a release. Add a new one beside it instead.
FIRST_PAYLOAD = (
    "01c396f7c191474cdd81e12843e21c6588c551a0d46586d6210b0229c94d0d4ecc446a1a262a8018"
    "0a251989250a99c50a9979c026a70268cc07d8974c2caa04f61f6b01"
)


@pytest.mark.requirement("AUD-5")
def test_a_stored_record_of_the_first_version_is_read() -> None:
    stored = bytes.fromhex(FIRST_PAYLOAD)
    content = body(
        ToolQueued(call="c1-1"),
        ToolRequested(call="c1-1", until_ms=1_795_000_060_000),
        RuntimeSaid(text=Clean.vouch("a text that is in no dictionary")),
        now_ms=0,
    )
    assert decode_body(decompress(stored)) == content


def test_a_record_is_only_read_where_it_may_hold_what_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = encode_body(body(ToolQueued(call="c1-1")))
    assert may_hold(plain, (b"CallJudged", b"ToolQueued"))
    assert not may_hold(plain, (b"CallJudged", b"ToolCompleted"))
    # An upcaster may have made the event out of one with another name.
    monkeypatch.setattr("remit.journal.codec.UPCASTERS", {("Old", 1): dict})
    assert may_hold(plain, (b"CallJudged",))
