"""The page Switches shows and changes what is off, for those who may; each act bears its name."""

from pathlib import Path

import pytest

from tests.server.stage import Grants, journal, post, served, shop_app, signed_in

pytestmark = pytest.mark.requirement("OPS-1", "UX-2")
OPERATOR: Grants = {"acme": frozenset({"operator"})}


async def test_off_with_a_reason_and_on_again(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", OPERATOR)
        page = await ann.get("/switches")
        assert page.status == 200
        assert "Nothing is switched off" in page.text
        told = await post(
            ann, "/switches/off", where="acme", what="tool", name="refund_order", reason="odd",
            until="1h",
        )  # fmt: skip
        assert (told.status, told.headers["location"]) == (303, "/switches")
        (made,) = await found.app.store.switches()
        assert (made.target, made.principal, made.reason) == (
            "tenant:acme/tool:refund_order",
            "ann",
            "odd",
        )
        assert made.until_ms is not None
        assert 0 <= made.since_ms + 3_600_000 - made.until_ms < 60_000, "both are read of the clock"
        page = await ann.get("/switches")
        assert "tenant:acme/tool:refund_order" in page.text
        assert "Switch on" in page.text
        told = await post(ann, "/switches/on", target="tenant:acme/tool:refund_order")
        assert told.status == 303
        assert await found.app.store.switches() == []
        facts = [each.fact for each in await found.app.desk.switchings("acme")]
        assert [(it.off, it.principal) for it in facts] == [(False, "ann"), (True, "ann")]


async def test_faults_stand_next_to_their_fields_and_nothing_is_lost(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", OPERATOR)
        told = await post(
            ann, "/switches/off", where="acme", what="agent", name="a b", reason=" ", until="soon"
        )
        assert told.status == 422
        for text in ("Say why", "Name it as it is declared", "is not a duration", 'value="a b"'):
            assert text in told.text, text
        assert told.text.count('aria-invalid="true"') == 6, "in the dialog, and without scripts"
        assert await found.app.store.switches() == []


async def test_nobody_switches_what_is_not_theirs(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", OPERATOR)
        for target in ("all", "agent:clerk", "tenant:beta", "tenant:beta/tool:x"):
            told = await post(ann, "/switches/off", target=target, reason="mine")
            assert told.status == 403, target
            assert "is no operator of" in told.text
            assert (await post(ann, "/switches/on", target=target)).status == 403
        eve = await signed_in(found, "eve", {"acme": frozenset({"viewer", "approver"})})
        assert (await post(eve, "/switches/off", target="tenant:acme", reason="x")).status == 403
        assert await found.app.store.switches() == []
        page = await eve.get("/switches")
        assert 'data-opens="off"' not in page.text
        del ann.headers["x-csrf-token"]
        told = await post(ann, "/switches/off", target="tenant:acme", reason="forged")
        assert told.status == 403


async def test_a_tenant_sees_its_own_and_what_is_everybodys(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        desk = found.app.desk
        await desk.switch_off("tenant:acme/agent:clerk", principal="ann", reason="<b>bold</b>")
        await desk.switch_off("tenant:beta", principal="bob", reason="a secret of beta")
        await desk.switch_off("tool:wrap_gift", principal="ops", reason="no paper")
        ann = await signed_in(found, "ann", OPERATOR)
        page = await ann.get("/switches")
        assert "&lt;b&gt;bold&lt;/b&gt;" in page.text
        assert "<b>bold" not in page.text
        assert "no paper" in page.text
        assert "beta" not in page.text
        boss = await found.browser()
        page = await boss.get("/switches")
        assert "a secret of beta" in page.text
        assert page.text.count("ops") >= 2, "off now, and in the history"
