"""What was switched stands in the journal, in a book of each tenant: who, what, why, until when."""

from pathlib import Path

import pytest

from remit import App
from remit.app.switching import HOLDER, tenant_of
from tests.runtime.stage import an_agent, journal_at, opened

pytestmark = pytest.mark.requirement("OPS-1", "AUD-1")
AGENT = an_agent()


@pytest.mark.parametrize(
    ("target", "tenant"),
    [
        ("all", "*"),
        ("agent:clerk", "*"),
        ("tool:pay", "*"),
        ("mode:auto", "*"),
        ("tenant:acme", "acme"),
        ("tenant:acme/tool:pay", "acme"),
    ],
)
def test_whose_book_tells_of_a_target(target: str, tenant: str) -> None:
    assert tenant_of(target) == tenant


async def told(app: App, tenant: str) -> list[tuple[str, bool, str, str, int | None]]:
    facts = [each.fact for each in await app.desk.switchings(tenant)]
    return [(it.target, it.off, it.principal, it.reason, it.until_ms) for it in facts]


async def test_off_and_on_are_both_told_the_newest_first(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [AGENT]) as app:
        await app.desk.switch_off("tenant:acme/tool:pay", principal="ann", reason="odd", until_ms=9)
        assert await app.desk.switch_on("tenant:acme/tool:pay", principal="bob", reason="mended")
        await app.desk.switch_off("all", principal="eve", reason="fire")
    async with opened(journal_at(tmp_path), [AGENT]) as app:
        assert await told(app, "acme") == [
            ("tenant:acme/tool:pay", False, "bob", "mended", None),
            ("tenant:acme/tool:pay", True, "ann", "odd", 9),
        ]
        assert await told(app, "*") == [("all", True, "eve", "fire", None)]
        assert await told(app, "beta") == []


async def test_what_was_not_off_is_not_told() -> None:
    async with opened("memory:", [AGENT]) as app:
        assert not await app.desk.switch_on("all", principal="ann")
        assert await app.books.read("*", HOLDER) == ()


async def test_a_revert_is_told_as_what_it_is() -> None:
    async with opened("memory:", [AGENT]) as app:
        reverts = app.reverts
        await reverts.revert_model("worker", "scripted:a", principal="ann", reason="slow")
        await reverts.revert_model("worker", "scripted:b", principal="bob", reason="slower")
        await reverts.lift("worker", principal="ann", reason="mended")
        await app.desk.switch_off("all", principal="eve", reason="fire")
        found = await app.desk.switchings("*")
        assert [(it.became, it.fact.target.rpartition("=")[2]) for it in found] == [
            ("off", "all"),
            ("lifted", "scripted:b"),
            ("lifted", "scripted:a"),
            ("reverted", "scripted:b"),
            ("reverted", "scripted:a"),
        ]
        assert found[2].fact.reason == "replaced: slower"
