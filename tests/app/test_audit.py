"""Verification finds any change, removal, insertion or reordering, also of what a head knows."""

import random
from pathlib import Path

import pytest

from remit.adapters.keys import read_keys
from remit.adapters.sqlite.store import SqliteStore
from remit.app.audit import known_head, sign_new_head
from remit.app.verification import KnownHead
from remit.errors import ChainBroken
from remit.journal.seal import check_consistency, public_key, read_head
from tests.app.damages import DAMAGES, NOW_MS, damages, edit, rows, verified
from tests.cli.shop import clerk, shop


@pytest.mark.requirement("AUD-1", "AUD-3")
async def test_an_untouched_journal_is_sound_and_gets_a_head(journal: Path) -> None:
    first = await verified(journal)
    assert [(each.tenant, each.damages) for each in first] == [("acme", ()), ("local", ())]
    local = first[1]
    assert (local.runs, local.records, local.size) == (6, local.size, local.records)
    assert local.head is not None
    head = read_head(local.head)
    assert (head.tenant, head.size, head.root, head.time_ms) == (
        "local",
        local.size,
        local.root,
        NOW_MS,
    )
    (again,) = await verified(journal, tenant="local")
    assert (again.heads, again.root, again.damages) == (1, local.root, ())


@pytest.mark.requirement("AUD-3")
async def test_a_head_kept_outside_is_proved_to_be_contained(journal: Path) -> None:
    (before,) = await verified(journal, tenant="local")
    assert before.head is not None
    async with shop(journal) as app:
        await app.run(clerk, "look again")
    kept = known_head(before.head.decode(), "the kept head")
    (now,) = await verified(journal, kept, tenant="local")
    assert now.damages == ()
    ((given, proof),) = now.proofs
    assert given == kept
    check_consistency(kept.size, kept.root, now.size, now.root, proof)
    short = known_head(f"{before.size}:{before.root.hex()}", "noted")
    assert (await verified(journal, short, tenant="local"))[0].damages == ()


@pytest.mark.requirement("AUD-3")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", DAMAGES)
async def test_any_damage_is_found(kind: str, seed: int, journal: Path) -> None:
    sound = await verified(journal)
    kept = [
        KnownHead(tenant=each.tenant, size=each.size, root=each.root, where="the kept head")
        for each in sound
    ]
    DAMAGES[kind](journal, random.Random(f"{kind}{seed}"))
    found = await verified(journal, *kept)
    assert any(each.damages for each in found), "nothing was noticed"
    assert not any(each.head for each in found if each.damages), "a head was signed over damage"


async def test_an_empty_journal_is_sound(tmp_path: Path) -> None:
    async with shop(tmp_path / "empty.db"):
        pass
    (found,) = await verified(tmp_path / "empty.db")
    assert (found.tenant, found.size, found.head, found.damages) == ("local", 0, None, ())


@pytest.mark.requirement("AUD-3")
async def test_what_is_written_meanwhile_is_new_not_damaged(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on between the reading of the leaves and that of its records."""
    numbered = SqliteStore.sequence

    async def sequence(store: SqliteStore, tenant: str) -> int:
        size = await numbered(store, tenant)
        async with shop(journal) as app:
            await app.run(clerk, "look again")
        return size

    monkeypatch.setattr(SqliteStore, "sequence", sequence)
    (found,) = await verified(journal, tenant="local")
    assert found.damages == ()
    assert found.records > found.size


@pytest.mark.requirement("AUD-3")
async def test_a_tail_cut_off_with_all_traces_is_seen_by_who_holds_a_head(journal: Path) -> None:
    (before,) = await verified(journal, tenant="acme")
    kept = KnownHead(tenant="acme", size=before.size, root=before.root, where="the kept head")
    ((number,),) = rows(
        journal, "SELECT runs.id FROM runs JOIN tenants ON tenants.id = tenant WHERE name = 'acme'"
    )
    for table, column in (("records", "run"), ("runs", "id")):
        edit(journal, f"DELETE FROM {table} WHERE {column} = ?", number)  # noqa: S608  # literals
    for table in ("heads", "spans", "accounts", "ledger"):
        statement = f"DELETE FROM {table} WHERE tenant = (SELECT id FROM tenants WHERE name = ?)"  # noqa: S608  # literals
        edit(journal, statement, "acme")
    assert await damages(journal) == [], "nothing inside tells of it"
    (found,) = await damages(journal, kept)
    assert "the kept head tells of" in found
    assert "its tail was cut off" in found


@pytest.mark.requirement("AUD-3")
async def test_a_head_of_another_history_does_not_fit(journal: Path) -> None:
    other = KnownHead(tenant=None, size=3, root=bytes(32), where="the other head")
    assert [each for each in await damages(journal, other) if "other head does not fit" in each]


async def test_a_head_is_read_from_json_and_from_what_is_printed(journal: Path) -> None:
    key = read_keys(journal.with_name(f"{journal.name}.keys"), make=False).head
    (found,) = await verified(journal, tenant="local")
    assert found.head is not None
    assert known_head(found.head.decode(), "f", key).root == found.root
    for text, what in (
        ("5:xyz", "not hexadecimal"),
        ("{}", "f: a tree head cannot be read"),
        (found.head.decode().replace('"size":', '"size":1'), "f: the signature"),
    ):
        with pytest.raises(ChainBroken, match=what):
            known_head(text, "f", key)
    with pytest.raises(ChainBroken, match="who is unknown"):
        known_head(found.head.decode(), "f", bytes(32))


# ---------------------------------------------------------------- signing after a run


async def test_each_run_can_sign_the_head_of_the_journal(journal: Path) -> None:
    key = read_keys(journal.with_name(f"{journal.name}.keys"), make=False).head
    async with shop(journal) as app:
        signed = await sign_new_head(app.store, key, "local", NOW_MS)
        assert signed is not None
        head, text = signed
        assert read_head(text, trusted=[public_key(key)]) == head
        assert await sign_new_head(app.store, key, "nobody", NOW_MS) is None
        await app.run(clerk, "look again")
        later = await sign_new_head(app.store, key, "local", NOW_MS)
        assert later is not None
        assert later[0].size > head.size
    (found,) = await verified(journal, tenant="local")
    assert (found.heads, found.damages) == (2, ())


async def test_nothing_is_signed_over_damage(journal: Path) -> None:
    key = read_keys(journal.with_name(f"{journal.name}.keys"), make=False).head
    async with shop(journal) as app:
        await sign_new_head(app.store, key, "local", NOW_MS)
    edit(journal, "UPDATE records SET proof = zeroblob(64)")
    async with shop(journal) as app:
        with pytest.raises(ChainBroken, match="does not fit its newest head"):
            await sign_new_head(app.store, key, "local", NOW_MS)
