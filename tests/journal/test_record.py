"""The chain of a run: any change, removal, insertion or swap is found and located."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ChainBroken
from remit.journal.codec import decompress, seal
from remit.journal.events import ToolQueued
from remit.journal.record import (
    GENESIS,
    MAC_BYTES,
    Body,
    Cause,
    Header,
    Record,
    authenticate,
    check_link,
    check_mac,
    commit,
    link,
)

KEY = b"k" * 32
KEYS = {"now": KEY, "old": b"o" * 32}


def chain(length: int) -> list[Record]:
    records: list[Record] = []
    previous = GENESIS
    for version in range(1, length + 1):
        header = Header(
            tenant="acme", run="run_1", version=version, epoch=1, time_ms=version, engine="e"
        )
        content = Body(
            causes=(Cause(kind="tool", count=1, now_ms=version),),
            events=(ToolQueued(call=f"c{version}"),),
        )
        salt = version.to_bytes(16, "big")
        record = seal(header, content, previous=previous, salt=salt, key=KEY, key_id="now")
        previous = record.hash
        records.append(record)
    return records


def check(records: list[Record]) -> None:
    """What a verifier does with a whole run."""
    previous = GENESIS
    for record in records:
        check_link(record, previous, decompress(record.payload))
        check_mac(record, KEYS)
        previous = record.hash


@pytest.mark.requirement("AUD-1", "AUD-3")
def test_an_untouched_chain_holds() -> None:
    check(chain(8))
    check([])


@pytest.mark.requirement("AUD-3")
@given(data=st.data(), length=st.integers(2, 8))
def test_whatever_is_done_to_it_is_found_at_its_place(data: st.DataObject, length: int) -> None:
    records = chain(length)
    place = data.draw(st.integers(0, length - 2))  # cutting off the tail needs a head outside
    after = place + 1
    what = data.draw(st.sampled_from(["remove", "swap", "double", "insert", "payload", "salt"]))
    match what:
        case "remove":
            del records[place]
        case "swap":
            records[place], records[after] = records[after], records[place]
        case "double":
            records.insert(place, records[place])
        case "insert":
            other = chain(length + 1)[-1]
            records.insert(place, replace(other, previous=records[place].previous))
        case "payload":
            records[place] = replace(records[place], payload=records[after].payload)
        case _:
            records[place] = replace(records[place], salt=records[after].salt)
    with pytest.raises(ChainBroken, match="acme/run_1 version") as caught:
        check(records)
    version = int(str(caught.value).partition("version ")[2].partition(":")[0])
    assert version in {place + 1, place + 2, length + 1}


@pytest.mark.requirement("AUD-3")
@pytest.mark.parametrize(
    "changed",
    [
        {"tenant": "globex"},
        {"run": "run_2"},
        {"version": 7},
        {"epoch": 2},
        {"time_ms": 9},
        {"engine": "x"},
    ],
)
def test_every_field_of_the_header_is_bound(changed: dict[str, str | int]) -> None:
    record = chain(1)[0]
    header = replace(record.header, **changed)  # type: ignore[arg-type] # one field each
    with pytest.raises(ChainBroken, match="its header or commitment was changed"):
        check_link(replace(record, header=header), GENESIS, None)


def test_the_commitment_and_the_hash_are_bound() -> None:
    record = chain(1)[0]
    with pytest.raises(ChainBroken, match="header or commitment"):
        check_link(replace(record, commitment=bytes(32)), GENESIS, None)
    with pytest.raises(ChainBroken, match="header or commitment"):
        check_link(replace(record, hash=bytes(32)), GENESIS, None)
    with pytest.raises(ChainBroken, match="does not follow"):
        check_link(record, bytes(32)[:-1] + b"\1", None)
    with pytest.raises(ChainBroken, match="its payload was changed"):
        check_link(record, GENESIS, b"another payload")


@pytest.mark.requirement("AUD-1")
def test_a_record_written_without_the_key_is_found() -> None:
    record = chain(1)[0]
    check_mac(record, KEYS)
    assert len(record.mac) == MAC_BYTES
    forged = replace(record, mac=authenticate(b"guess", record.hash))
    with pytest.raises(ChainBroken, match="written without the key"):
        check_mac(forged, KEYS)
    with pytest.raises(ChainBroken, match="written without the key"):
        check_mac(replace(record, key_id="old"), KEYS)
    with pytest.raises(ChainBroken, match="names the key 'lost', which is not at hand"):
        check_mac(replace(record, key_id="lost"), KEYS)
    check_mac(replace(record, key_id="old", mac=authenticate(b"o" * 32, record.hash)), KEYS)


@given(
    one=st.tuples(*[st.text(max_size=5)] * 3),
    two=st.tuples(*[st.text(max_size=5)] * 3),
)
def test_no_two_headers_share_an_encoding(
    one: tuple[str, str, str], two: tuple[str, str, str]
) -> None:
    def encoded(names: tuple[str, str, str]) -> bytes:
        tenant, run, engine = names
        return Header(tenant=tenant, run=run, version=1, epoch=1, time_ms=1, engine=engine).encode()

    assert (encoded(one) == encoded(two)) == (one == two)


def test_the_salt_hides_what_was_erased() -> None:
    """Without the salt the commitment tells nothing, even to who guesses the content."""
    assert commit(b"a" * 16, b"yes") != commit(b"b" * 16, b"yes")
    header = chain(1)[0].header
    assert link(GENESIS, header, commit(b"a" * 16, b"yes")) != link(
        GENESIS, header, commit(b"a" * 16, b"no")
    )
