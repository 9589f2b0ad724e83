"""The page of a run tells what its journal tells, view by view, and lets operators act."""

from pathlib import Path

import pytest

from remit.app.app import App
from tests.cli.shop import clerk, fill, shop
from tests.server.stage import Grants, post, served, signed_in

pytestmark = pytest.mark.requirement("UX-2", "ORC-5", "OBS-3")
VIEWER: Grants = {"local": frozenset({"viewer"})}
OPERATOR: Grants = {"local": frozenset({"operator"})}


async def handed_over(app: App) -> tuple[str, str]:
    """A run and its sub-run."""
    rows = await app.store.runs("local", limit=100)
    child = next(row for row in rows if row.parent is not None)
    return str(child.parent), child.run


async def test_each_view_tells_its_part(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        run, child = await handed_over(found.app)
        eve = await signed_in(found, "eve", VIEWER)
        for view, texts in {
            "trace": (f"/api/v1/runs/{run}/trace", "completed"),
            "story": ("was given a task by clerk", "Where is it?"),
            "messages": ("help me", "It is lost."),
            "decisions": ("ask_helper", "builtin.read", "find_order"),
            "cost": ("By branch", "helper", "scripted:x"),
            "replay": ("How it stood after record", "RunEnded"),
            "records": ("ModelCompleted", "remit verify"),
            "versions": ("find_order", "scripted:x", "Engine"),
        }.items():
            page = await eve.get(f"/runs/{run}?view={view}")
            assert page.status == 200, view
            for text in texts:
                assert text in page.text, (view, text)
        page = await eve.get(f"/runs/{run}?view=messages&of={child}")
        assert "Looking." in page.text
        link = page.text.partition("Whole results")[2].partition('href="')[2].partition('"')[0]
        whole = await eve.get(link.replace("&amp;", "&"))
        assert (whole.status, whole.text) == (200, "x" * 500), "what was cut for the model"
        page = await eve.get(f"/runs/{run}?view=replay&at=1")
        assert "RunStarted" in page.text
        assert "RunEnded" not in page.text
        told = await eve.get(f"/runs/{child}?view=story")
        assert (told.status, told.headers["location"]) == (
            303,
            f"/runs/{run}?view=story&of={child}",
        )


async def test_the_trace_is_an_api_of_its_own(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        run, _ = await handed_over(found.app)
        eve = await signed_in(found, "eve", VIEWER)
        told = await eve.get(f"/api/v1/runs/{run}/trace")
        assert isinstance(told.json, dict)
        kinds = [node["kind"] for node in told.json["nodes"]]
        assert (kinds[0], kinds.count("run"), told.json["more"]) == ("run", 2, False)


@pytest.mark.requirement("TEN-1")
async def test_a_run_of_another_tenant_is_not_there(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        (row,) = await found.app.store.runs("acme")
        eve = await signed_in(found, "eve", VIEWER)
        for path in (f"/runs/{row.run}", f"/api/v1/runs/{row.run}/trace", "/runs/run_none"):
            assert (await eve.get(path)).status == 404, path
        assert (await eve.get(f"/runs/{row.run}?tenant=acme")).status == 404
        assert (await eve.get(f"/runs/{row.run}?view=odd")).status in (404, 422)


async def test_what_a_run_says_is_text_and_nothing_else(tmp_path: Path) -> None:
    async with served(shop(tmp_path / "j.db")) as found:
        run = await found.app.run(clerk, "look <script>alert(1)</script>")
        boss = await found.browser()
        for view in ("story", "messages", "replay"):
            page = await boss.get(f"/runs/{run.id}?tenant=local&view={view}")
            assert "&lt;script&gt;alert(1)" in page.text, view
            assert "<script>alert" not in page.text


@pytest.mark.requirement("TOOL-7")
async def test_an_operator_cancels_with_a_reason(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        (row,) = await found.app.store.runs("local", status=("waiting",))
        eve = await signed_in(found, "eve", VIEWER)
        assert (await post(eve, f"/runs/{row.run}/cancel", reason="x")).status == 403
        assert "data-opens" not in (await eve.get(f"/runs/{row.run}")).text.partition("<main")[2]
        ann = await signed_in(found, "ann", OPERATOR)
        told = await post(ann, f"/runs/{row.run}/cancel", reason="not needed")
        assert told.status == 303
        ended = await found.app.resume(row.run)
        assert (ended.status, ended.reason) == ("stopped", "cancelled")
        page = await ann.get(f"/runs/{row.run}?view=story")
        assert "not needed" in page.text
        told = await post(ann, f"/runs/{row.run}/cancel", reason="again")
        assert "ended" in (await ann.get(told.headers["location"])).text
