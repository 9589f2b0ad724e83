"""Damage to one run is located: its run, its version, and what is wrong with it."""

from pathlib import Path

import pytest

from remit.adapters.sqlite.store import SqliteStore
from tests.app.damages import damages, edit, rows, verified


@pytest.mark.requirement("AUD-3")
async def test_an_erased_payload_still_stands_in_its_chain(journal: Path) -> None:
    ((position, run, version),) = rows(
        journal,
        "SELECT position, runs.run, records.version "
        "FROM records JOIN runs ON runs.id = records.run "
        "WHERE agent = 'helper' AND records.version = 2",
    )
    store = SqliteStore(journal)
    await store.open()
    record = (await store.records("local", str(run), int(str(version)) - 1))[0]
    await store.close()
    proof = record.hash + record.mac + record.commitment
    statement = "UPDATE records SET payload = x'', proof = ? WHERE position = ?"
    edit(journal, statement, proof, position)
    (found,) = await verified(journal, tenant="local")
    assert (found.erased, found.damages) == (1, ())


@pytest.mark.requirement("AUD-3")
async def test_a_changed_record_is_located(journal: Path) -> None:
    ((run, last),) = rows(journal, "SELECT run, last FROM runs WHERE agent = 'helper'")
    ((payload, version),) = rows(
        journal, "SELECT payload, version FROM records WHERE position = ?", last
    )
    assert isinstance(payload, bytes)
    edit(journal, "UPDATE records SET payload = ? WHERE position = ?", b"\0" + payload[1:], last)
    found = await damages(journal)
    assert any(f"local/{run} version {version}: " in each for each in found)


@pytest.mark.requirement("AUD-3")
async def test_a_record_written_without_the_key_is_located(journal: Path) -> None:
    ((proof, position),) = rows(
        journal, "SELECT proof, position FROM records ORDER BY position DESC LIMIT 1"
    )
    assert isinstance(proof, bytes)
    mac = proof[:32] + bytes(16) + proof[48:]
    edit(journal, "UPDATE records SET proof = ? WHERE position = ?", mac, position)
    (found,) = await damages(journal)
    assert "its MAC is wrong (written without the key)" in found


@pytest.mark.requirement("AUD-3")
async def test_what_is_kept_beside_the_records_is_checked_too(journal: Path) -> None:
    ((digest,),) = rows(journal, "SELECT digest FROM blobs WHERE length(content) < 60")
    edit(journal, "UPDATE blobs SET content = ? WHERE digest = ?", b"\0other", digest)
    (found,) = [each for each in await damages(journal) if "whole result" in each]
    assert f"({digest}) was changed" in found
    edit(journal, "DELETE FROM blobs WHERE digest = ?", digest)
    assert [each for each in await damages(journal) if f"({digest}) is missing" in each]


@pytest.mark.requirement("AUD-3")
async def test_a_removed_sub_run_is_named_by_its_parent(journal: Path) -> None:
    ((number, run, parent),) = rows(
        journal, "SELECT id, run, parent FROM runs WHERE agent = 'helper'"
    )
    edit(journal, "DELETE FROM runs WHERE id = ?", number)
    edit(journal, "DELETE FROM records WHERE run = ?", number)
    found = await damages(journal)
    assert f"local/{run}: this run is missing: {parent} has its answer" in found
