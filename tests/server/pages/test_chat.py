"""The chat's routes: who may say something to whom, how a conversation stands, what it asks."""

from pathlib import Path

import pytest

from remit.errors import StoreCorrupt
from remit.journal.record import Record
from remit.server.pages import chat
from remit.server.settings import ServerSettings
from remit.values.role import Role
from tests.runtime.stage import PATIENCE_S, until
from tests.server.office import clerk as office_clerk
from tests.server.office import office
from tests.server.stage import Client, Served, journal, served, signed_in

VIEWER: frozenset[Role] = frozenset({"viewer"})
OPERATOR: frozenset[Role] = frozenset({"operator"})
FORM = "application/x-www-form-urlencoded"


async def post(client: Client, path: str, form: str) -> tuple[int, object]:
    told = await client.ask(
        "POST",
        path,
        data=form.encode(),
        headers={"content-type": FORM, "accept": "application/json"},
    )
    return told.status, told.json


async def begun(found: Served, client: Client, text: str) -> dict[str, str]:
    """A conversation."""
    status, told = await post(client, "/chat/say", f"text={text}&agent=clerk")
    assert status == 200
    assert isinstance(told, dict)
    return told


@pytest.mark.requirement("UX-2")
async def test_who_started_the_server_talks_under_their_own_name(tmp_path: Path) -> None:
    settings = ServerSettings(person="local:ann")  # as `remit serve` names who sits there
    async with served(office(journal(tmp_path)), settings) as found:
        ann = await found.browser()
        told = await begun(found, ann, "look")
        row = await found.app.store.run("local", told["run"])
        assert row is not None
        assert row.user == "ann"
        assert told["session"] in (await ann.get("/chat")).text


@pytest.mark.requirement("UX-2", "SEC-3")
async def test_who_may_say_what_to_whom(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"local": OPERATOR})
        vera = await signed_in(found, "vera", {"local": VIEWER})
        eve = await signed_in(found, "eve", {"other": OPERATOR})
        assert (await post(vera, "/chat/say", "text=look&agent=clerk"))[0] == 403
        assert (await post(ann, "/chat/say", "text=look&agent=nobody"))[0] == 404
        assert (await post(ann, "/chat/say", "text=&agent=clerk"))[0] == 422
        told = await begun(found, ann, "look")
        row = await found.app.store.run("local", told["run"])
        assert row is not None
        assert (row.user, row.session, row.agent) == ("ann", told["session"], "clerk")
        room = f"/chat/{told['session']}"
        assert told["address"] == room
        assert "data-composer" in (await ann.get(room)).text
        assert "data-composer" not in (await vera.get(room)).text
        assert (await eve.get(room)).status == 404
        assert (await eve.get(f"{room}/standing")).status == 404
        assert (await ann.get("/chat/ses_x")).status == 404
        assert (await ann.get("/chat/ses_x/standing")).status == 404
        assert told["session"] in (await ann.get("/chat")).text
        assert told["session"] not in (await vera.get("/chat")).text
        found.server.state.draining.set()
        assert (await post(ann, "/chat/say", "text=look&agent=clerk"))[0] == 503


@pytest.mark.requirement("UX-2")
async def test_conversations_are_known_by_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(office(journal(tmp_path))) as found:
        session = ""
        for text in ("look at <b>it</b>\n\nnow", f"look {'x' * 200}"):
            run = await found.app.run(office_clerk, text, user="ann")
            session = run.id.replace("run_", "ses_")
        ann = await signed_in(found, "ann", {"local": OPERATOR})
        page = (await ann.get("/chat")).text
        assert "<strong>look at &lt;b&gt;it&lt;/b&gt; now</strong>" in page
        assert f"<strong>look {'x' * 74}…</strong>" in page

        def damaged(_record: Record) -> None:
            raise StoreCorrupt("the record is damaged")

        monkeypatch.setattr(chat, "open_record", damaged)
        assert f"<strong>{session}</strong>" in (await ann.get("/chat")).text


@pytest.mark.requirement("UX-2")
async def test_without_scripts_the_form_leads_to_the_room(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"local": OPERATOR})
        told = await ann.ask(
            "POST", "/chat/say", data=b"text=look&agent=clerk", headers={"content-type": FORM}
        )
        assert told.status == 303
        assert told.headers["location"].startswith("/chat/ses_")


@pytest.mark.requirement("UX-2", "OBS-3")
async def test_how_it_stands_what_it_asks_and_how_it_is_stopped(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"local": OPERATOR})
        told = await begun(found, ann, "refund")
        room, run = f"/chat/{told['session']}", told["run"]
        await until(lambda: not found.app.engine.live)
        (asked,) = await found.app.desk.approvals("local")
        standing = (await ann.get(f"{room}/standing")).json
        assert isinstance(standing, dict)
        assert (standing["run"], standing["live"], standing["locked"]) == (run, True, False)
        assert standing["upgrade"] is None
        assert standing["budget"]["text"].endswith("of $2.00, this answer")
        part = (await ann.get(f"/chat/waiting/{run}/{asked.id}")).text
        assert "May it call refund?" in part
        assert "role approver" in part  # an operator agrees to nothing
        assert "was answered" in (await ann.get(f"/chat/waiting/{run}/{run}:c9")).text
        assert (await ann.get("/chat/waiting/run_x/y")).status == 404
        other = await begun(found, ann, "look")
        assert (await post(ann, f"{room}/cancel", f"run={other['run']}"))[0] == 404
        assert (await post(ann, f"{room}/cancel", f"run={run}"))[0] == 303
        ended = await found.app.wait(run, timeout_s=PATIENCE_S)
        assert (ended.status, ended.reason) == ("stopped", "cancelled")
