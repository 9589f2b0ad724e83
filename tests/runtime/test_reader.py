"""Reading runs back: what is not there, erased or damaged is said; a session is one talk."""

from dataclasses import replace

import pytest

from remit.adapters.memory.store import MemoryStore
from remit.errors import ChainBroken, NotFound, StoreCorrupt
from remit.journal.codec import seal
from remit.journal.events import CancelRequested, Event, ModelCompleted
from remit.journal.record import GENESIS, SALT_BYTES, Body, Cause, Header, Record
from remit.journal.rows import Append, Blob, NewRun
from remit.machine.evolve import fold
from remit.machine.spec import AgentSpec, canonical
from remit.machine.state import begin
from remit.runtime import reader as module
from remit.runtime.reader import Reader
from remit.values.clean import Clean
from remit.values.message import Origin, TextPart
from remit.values.usage import Usage
from tests.runtime.kit import NOW, TENANT, USER, asking, spec_of, started
from tests.runtime.stage import an_agent

SPEC = spec_of(an_agent("clerk"))
SAID = Origin(kind="model", name="scripted:x")


def opened() -> MemoryStore:
    store = MemoryStore()
    store._open = True
    return store


def turn(text: str, answer: str, continues: str | None = None) -> list[list[Event]]:
    """The events of a run that was asked something and answered, record by record."""
    given = (TextPart(text=Clean(text), origin=USER),)
    said = ModelCompleted(
        call="c1",
        parts=(TextPart(text=Clean(answer), origin=SAID),),
        stop="end",
        usage=Usage(input=1, output=1),
        model="x",
    )
    return [[started(SPEC, input=given, continues=continues), asking()], [said]]


async def write(
    store: MemoryStore, run: str, records: list[list[Event]], spec: AgentSpec = SPEC
) -> list[Record]:
    """Append records of these events as a run."""
    previous, written = GENESIS, []
    for version, events in enumerate(records, start=1):
        header = Header(
            tenant=TENANT, run=run, version=version, epoch=1, time_ms=NOW + version, engine="1"
        )
        cause = Cause(kind="start", count=len(events), now_ms=NOW + version)
        body = Body(causes=(cause,), events=tuple(events))
        salt = bytes([version]) * SALT_BYTES
        record = seal(header, body, previous=previous, salt=salt, key=b"k", key_id="test")
        new = NewRun(
            root=run, parent=None, agent="clerk", spec=spec.digest, user="ann", session=run
        )
        await store.append(
            Append(
                record=record,
                status="running",
                wake_at_ms=None,
                blobs=(Blob(spec.digest, canonical(spec)),) if version == 1 else (),
                new=new if version == 1 else None,
            )
        )
        previous = record.hash
        written.append(record)
    return written


async def test_a_run_is_read_back_as_it_was_folded() -> None:
    store = opened()
    records = await write(store, "run_1", turn("hello", "hi"))
    past = await Reader(store).past_of(TENANT, "run_1")
    assert (past.version, past.last_hash) == (2, records[-1].hash)
    assert past.row.run == past.state.run == "run_1"
    assert past.state == fold(begin(TENANT, "run_1", SPEC), past.bodies)
    assert [message.text for message in past.state.messages] == ["hello", "hi"]


@pytest.mark.requirement("TEN-1")
async def test_a_run_of_another_tenant_is_none() -> None:
    store = opened()
    await write(store, "run_1", turn("hello", "hi"))
    reader = Reader(store)
    await reader.past_of(TENANT, "run_1")
    for tenant, run in (("beta", "run_1"), (TENANT, "run_2")):
        with pytest.raises(NotFound, match=f"no run {run} of tenant {tenant}"):
            await reader.past_of(tenant, run)
        with pytest.raises(NotFound, match=f"no run {run} of tenant {tenant}"):
            await reader.history(tenant, run)
    with pytest.raises(NotFound, match="of tenant beta is not stored"):
        await reader.spec("beta", SPEC.digest)  # known to the reader, but another's


@pytest.mark.requirement("AUD-2")
async def test_erased_content_is_said_with_its_record() -> None:
    store = opened()
    records = await write(store, "run_1", turn("hello", "hi"))
    store._records[TENANT, "run_1"][1] = replace(records[1], payload=b"", salt=b"")
    with pytest.raises(NotFound, match="run_1: the content of record 2 was erased"):
        await Reader(store).past_of(TENANT, "run_1")


@pytest.mark.requirement("AUD-3")
async def test_a_payload_of_another_record_is_found() -> None:
    store = opened()
    records = await write(store, "run_1", turn("hello", "hi"))
    other = await write(store, "run_2", turn("hello", "ho"))
    store._records[TENANT, "run_1"][1] = replace(records[1], payload=other[1].payload)
    with pytest.raises(ChainBroken, match="acme/run_1 version 2: its payload was changed"):
        await Reader(store).past_of(TENANT, "run_1")


async def test_a_journal_that_does_not_begin_with_a_start_is_damage() -> None:
    store = opened()
    await write(store, "run_1", [[CancelRequested(principal="ann")]])
    with pytest.raises(StoreCorrupt, match="does not begin with RunStarted"):
        await Reader(store).past_of(TENANT, "run_1")
    with pytest.raises(StoreCorrupt, match="run_1: its journal does not begin with RunStarted"):
        await Reader(store).history(TENANT, "run_1")


# ---------------------------------------------------------------- declarations


async def test_a_changed_declaration_is_found() -> None:
    store = opened()
    await write(store, "run_1", turn("hello", "hi"))
    bold = SPEC.model_copy(update={"instructions": "Obey."})
    store._blobs[TENANT, SPEC.digest] = canonical(bold)
    with pytest.raises(StoreCorrupt, match=f"the stored declaration {SPEC.digest} was changed"):
        await Reader(store).past_of(TENANT, "run_1")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 1}', b"\xff"])
async def test_a_declaration_that_cannot_be_read_is_damage(content: bytes) -> None:
    store = opened()
    await write(store, "run_1", turn("hello", "hi"))
    store._blobs[TENANT, SPEC.digest] = content
    with pytest.raises(StoreCorrupt, match=SPEC.digest):
        await Reader(store).past_of(TENANT, "run_1")


async def test_a_lost_declaration_is_said() -> None:
    store = opened()
    await write(store, "run_1", turn("hello", "hi"))
    del store._blobs[TENANT, SPEC.digest]
    with pytest.raises(NotFound, match=f"the declaration {SPEC.digest} of tenant acme"):
        await Reader(store).past_of(TENANT, "run_1")


async def test_a_bounded_number_of_declarations_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SPECS", 2)
    store, specs = opened(), [spec_of(an_agent(f"a{number}")) for number in range(4)]
    for spec in specs:
        await store.put_blob(TENANT, Blob(spec.digest, canonical(spec)))
    reader = Reader(store)
    for spec in specs:
        assert await reader.spec(TENANT, spec.digest) == spec
    assert [digest for _, digest in reader._specs] == [spec.digest for spec in specs[2:]]
    assert await reader.spec(TENANT, specs[0].digest) == specs[0]  # read again


# ---------------------------------------------------------------- sessions


@pytest.mark.requirement("DUR-8")
async def test_a_session_is_one_conversation_in_order() -> None:
    store = opened()
    await write(store, "run_1", turn("one", "1"))
    await write(store, "run_2", turn("two", "2", "run_1"))
    await write(store, "run_3", turn("three", "3", "run_2"))
    reader = Reader(store)
    texts = [message.text for message in await reader.history(TENANT, "run_3")]
    assert texts == ["one", "1", "two", "2", "three", "3"]
    past = await reader.past_of(TENANT, "run_3")
    assert [message.text for message in past.state.messages] == texts
    assert await reader.history_before(TENANT, list(past.bodies)) == past.state.messages[:4]
    first = await reader.past_of(TENANT, "run_1")
    assert await reader.history_before(TENANT, list(first.bodies)) == ()


async def test_a_session_with_a_hole_is_not_told_as_if_it_had_none() -> None:
    store = opened()
    await write(store, "run_2", turn("two", "2", "run_1"))
    with pytest.raises(NotFound, match="there is no run run_1"):
        await Reader(store).past_of(TENANT, "run_2")


async def test_only_so_many_runs_of_a_session_are_read_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_SESSION_RUNS", 3)
    store = opened()
    for number in range(1, 6):
        before = f"run_{number - 1}" if number > 1 else None
        await write(store, f"run_{number}", turn(f"q{number}", f"a{number}", before))
    told = await Reader(store).history(TENANT, "run_5")
    assert [message.text for message in told] == ["q3", "a3", "q4", "a4", "q5", "a5"]
