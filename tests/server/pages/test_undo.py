"""The page Undo names what would be taken back and what is in doubt, and does what it is told."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.adapters.scripted import ScriptedModel
from remit.app.app import App
from remit.machine.agent import Agent, Remit
from remit.machine.declaring import tool
from tests.cli.shop import PRICES, fill, shop
from tests.server.acting import Json, list_of, pick, program, rows, tree, wait
from tests.server.stage import Grants, journal, post, served, signed_in

pytestmark = pytest.mark.requirement("TOOL-14", "UX-2")
OPERATOR: Grants = {"local": frozenset({"operator"})}
VIEWER: Grants = {"local": frozenset({"viewer"})}
NOTES: list[str] = []


@tool(access="write")
def drop_note(name: str) -> str:
    """Drop a note."""
    NOTES.remove(name)
    return f"dropped {name}"


@tool(access="write", undo=drop_note)
def keep_note(name: str) -> str:
    """Keep a note."""
    NOTES.append(name)
    return f"kept {name}"


@tool(access="write", undo=drop_note, timeout="1s")
async def mail_note(name: str) -> str:
    """Keep a note elsewhere; the answer never comes."""
    NOTES.append(name)
    await asyncio.sleep(60)
    return f"mailed {name}"


@tool(access="write")
def shout(name: str) -> str:
    """Shout; nobody can take that back."""
    return name


keeper = Agent(
    "keeper",
    model="scripted:x",
    instructions="Keep notes.",
    tools=[keep_note, mail_note, drop_note, shout],
    remit=Remit(approvals={keep_note: 0, mail_note: 0, drop_note: 0, shout: 0}),
)


@pytest.fixture(autouse=True)
def no_notes() -> Iterator[None]:
    NOTES.clear()
    yield
    NOTES.clear()


def app_of(folder: Path) -> App:
    script = ScriptedModel(
        [{"keep_note": {"name": "milk"}}, {"shout": {"name": "<b>hey</b>"}}],
        [{"mail_note": {"name": "<i>tea</i>"}}],
        "Kept.",
    )
    return App(journal(folder), agents=[keeper], models={"scripted": script}, prices=PRICES)


async def cut_in_doubt(app: App) -> str:
    """A run that kept milk, shouted, and ended while nobody knew of the tea."""
    run = await app.run(keeper, "Keep them")
    assert run.doubts
    await app.desk.cancel("local", run.id, principal="ann")
    assert (await app.wait(run.id)).status == "stopped"
    return run.id


async def test_what_is_in_doubt_is_taken_back_only_where_its_box_is_ticked(tmp_path: Path) -> None:
    async with served(app_of(tmp_path)) as found:
        run = await cut_in_doubt(found.app)
        eve = await signed_in(found, "eve", VIEWER)
        page = await eve.get(f"/runs/{run}/undo")
        assert page.status == 200
        assert "nobody knows whether mail_note took place" in page.text
        assert "--doubtful" not in page.text
        assert "Cannot be taken back" in page.text
        assert "Undo it" not in page.text
        assert "<i>" not in page.text
        ann = await signed_in(found, "ann", OPERATOR)
        assert "Undo it" in (await ann.get(f"/runs/{run}/undo")).text
        told = await post(ann, f"/runs/{run}/undo")
        made = told.headers["location"].rpartition("/")[2]
        await found.app.wait(made)
        assert NOTES == ["<i>tea</i>"]
        page = await ann.get(f"/runs/{run}/undo")
        assert "Nothing is due" in page.text
        box = page.text.partition('name="doubtful" value="')[2].partition('"')[0]
        assert box.startswith(f"{run}/")
        strange = await post(ann, f"/runs/{run}/undo", doubtful=f"{run}/c99")
        assert strange.status == 409
        assert "not in doubt" in strange.text
        told = await post(ann, f"/runs/{run}/undo", doubtful=box)
        assert told.status == 303
        assert (await found.app.wait(told.headers["location"].rpartition("/")[2])).success
        assert NOTES == []
        assert "was taken back already" in (await ann.get(f"/runs/{run}/undo")).text


async def test_programs_read_the_plan_and_name_what_is_in_doubt(tmp_path: Path) -> None:
    async with served(app_of(tmp_path)) as found:
        run = await cut_in_doubt(found.app)
        bot = await program(found, "local", "operator", person="ann")
        path = f"/api/v1/runs/{run}/undo"
        plan = await bot.get(path)
        sure, unsure = sorted(rows(plan, "steps"), key=lambda each: str(each["doubt"]))
        assert (sure["tool"], sure["doubt"]) == ("drop_note", "")
        assert json.loads(str(sure["arguments"])) == {"name": "milk"}
        assert unsure["doubt"] == "nobody knows whether mail_note took place"
        assert [each["tool"] for each in rows(plan, "lasting")] == ["shout"]
        body: Json = {"doubtful": [unsure["of"]]}
        undone = await wait(bot, tree(await bot.ask("POST", path, json=body)))
        assert (undone["status"], undone["success"]) == ("completed", True)
        assert NOTES == []
        assert list_of(pick((await bot.get(path)).json, "steps")) == []
        nothing = await bot.ask("POST", path)
        assert (nothing.status, "nothing to undo" in nothing.text) == (409, True)


async def test_what_cannot_be_undone_says_so(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        newest, *_, first = await found.app.store.runs("local", limit=100)
        assert newest.status == "waiting"
        ann = await signed_in(found, "ann", OPERATOR)
        for run in (newest.run, first.run):
            page = await ann.get(f"/runs/{run}/undo")
            assert (page.status, "Nothing can be taken back here" in page.text) == (200, True)
            told = await post(ann, f"/runs/{run}/undo")
            assert (told.status, "Nothing can be taken back here" in told.text) == (409, True)
        assert (await ann.get("/runs/run_0/undo")).status == 404
