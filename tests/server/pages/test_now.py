"""The page Now tells what runs, costs, waits, stopped and is off, of the tenants of who looks."""

import html
from pathlib import Path

import pytest

from remit.app.recent import Recent
from remit.errors import ChainBroken
from remit.journal.events import ModelFailed
from remit.machine.state import State
from remit.server.pages.now import doing
from tests.projections.facts import clean
from tests.server.office import clerk, office
from tests.server.stage import journal, post, served, signed_in

pytestmark = pytest.mark.requirement("UX-2", "OBS-3")


async def test_the_first_page_is_now(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        told = await ann.get("/")
        assert (told.status, told.headers["location"]) == (303, "/now")
        text = (await ann.get("/now")).text
        for empty in ("Nothing runs", "Nobody is waited for", "No run was stopped", "App.run"):
            assert empty in text, empty


async def test_a_tenant_sees_its_own(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        app = found.app
        await app.run(clerk, "file it", tenant="acme", user="dora")
        run = await app.run(clerk, "file it", tenant="acme", user="dora")
        await app.cancel(run.id, tenant="acme", principal="ann", reason="enough of it")
        await app.wait(run.id, tenant="acme")
        await app.run(clerk, "file it", tenant="beta", user="otto")
        await app.desk.switch_off("tenant:acme/tool:refund", principal="bob", reason="<i>twice</i>")
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        text = html.unescape((await ann.get("/now")).text)
        for part in (
            "write_file waits for approval",
            "dora",
            "cancel",
            "enough of it",
            "tenant:acme/tool:refund",
            "of $2.00",
            'hx-sse:connect="/api/v1/stream?tenant=acme"',
        ):
            assert part in text, part
        assert "otto" not in text
        assert "<i>twice" not in (await ann.get("/now")).text
        assert 'id="stop"' not in text, "a viewer stops nothing"
        spent = (await app.ledger(tenant="acme")).total.cost
        assert f'value="{spent / 10**9:.9f}'.rstrip("0") in text, "exactly, for the chart"


@pytest.mark.requirement("OPS-1")
async def test_the_stop_button_offers_what_is_ones_own(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"operator"})})
        text = (await ann.get("/now")).text
        assert 'value="tenant:acme"' in text
        assert 'value="tenant:acme/agent:clerk"' in text
        assert 'value="all"' not in text
        told = await post(ann, "/switches/off", target="tenant:acme", reason="fire")
        assert told.status == 303
        (made,) = await found.app.store.switches()
        assert (made.target, made.principal, made.reason) == ("tenant:acme", "ann", "fire")
        boss = await found.browser()
        boss.headers["accept"] = "text/html"
        text = (await boss.get("/now")).text
        assert 'value="all"' in text
        assert "fire" in text


@pytest.mark.requirement("PROV-7")
async def test_health_is_a_part_and_a_page(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        told = await ann.get("/now/health")
        assert told.text.startswith("<!doctype html>")
        for part in ("journal", "clock", "model scripted:x"):
            assert part in told.text, part
        piece = await ann.ask("GET", "/now/health", headers={"hx-request-type": "partial"})
        assert "<html" not in piece.text
        assert "model scripted:x" in piece.text


async def test_what_fails_is_told_with_what_happens(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await found.app.run(clerk, "file it")
        (state,) = await found.app.desk.tree("local", run.id)
        failed = ModelFailed(
            call="c1", attempt=1, kind="auth", detail=clean("wrong key"), model="scripted:x"
        )
        health = found.app.engine.services.health
        health.hear([failed], state)
        assert health.unwell() == (("", "scripted:x", "open"),)
        ann = await signed_in(found, "ann", {"local": frozenset({"viewer"})})
        text = (await ann.get("/now/health")).text
        assert "No call is made for now" in text


async def test_what_a_run_does_is_said_in_words(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        for task, said in (
            ("file it", "write_file waits for approval"),
            ("gift it", "wrap_gift waits for an answer"),
        ):
            run = await app.run(clerk, task)
            state: State
            (state,) = await app.desk.tree("local", run.id)
            assert doing(state) == said
            await app.cancel(run.id)
            await app.wait(run.id)
            (state,) = await app.desk.tree("local", run.id)
            assert doing(state) == "is being stopped"


async def test_a_damaged_journal_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_recent: Recent, _budget_s: float) -> None:
        raise ChainBroken("run_1: version 2 does not follow")

    monkeypatch.setattr(Recent, "catch_up", broken)
    async with served(office(journal(tmp_path))) as found:
        await found.app.run(clerk, "file it", tenant="acme")
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        told = await ann.get("/now")
        assert told.status == 200
        assert "The journal is damaged" in told.text
        assert "write_file waits for approval" in told.text
