"""What waits for people is found in living runs, what ends first before what lasts."""

from dataclasses import replace
from pathlib import Path

import pytest

from remit.app.app import App
from remit.policy.roster import Person, Roster
from remit.server.inbox.items import Item, waiting, why_not
from remit.server.inbox.states import States
from tests.server.office import clerk, office
from tests.server.stage import journal

pytestmark = pytest.mark.requirement("APR-2", "APR-5")


async def found(app: App, tenant: str | None = None) -> list[Item]:
    return await waiting(app.desk, States(app.engine.reader), tenant)


async def test_everything_that_waits_is_listed_by_tenant(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        await app.run(clerk, "colour it", tenant="acme", user="ann")
        await app.run(clerk, "refund order 17", tenant="acme", user="dora")
        await app.run(clerk, "file it", tenant="beta", user="bob")
        await app.run(clerk, "look at it", tenant="acme", user="ann")
        items = await found(app)
        assert [(it.kind, it.call.tool, it.row.tenant) for it in items] == [
            ("approval", "refund", "acme"),
            ("approval", "write_file", "beta"),
            ("question", "colour", "acme"),
        ]
        assert [it.row.tenant for it in await found(app, "beta")] == ["beta"]
        refund = items[0]
        assert refund.tool is not None
        assert (refund.tool.risk, refund.needed, refund.given) == ("high", 2, ())
        assert refund.origins == ("user:dora", "tool:find_order")
        assert refund.limit_nano == 2_000_000_000
        assert items[2].question == "Which colour shall the lamp have?"


async def test_who_cannot_agree_is_told_why(tmp_path: Path) -> None:
    async with office(journal(tmp_path), environment="ci") as app:
        await app.run(clerk, "refund order 17", user="dora")
        await app.run(clerk, "file it", user="ann")
        refund, file = await found(app)
        assert await why_not(app.desk, refund, "bob") == ""
        assert "program" in await why_not(app.desk, refund, "")
        assert "own run" in await why_not(app.desk, refund, "dora")
        assert "own run" in await why_not(app.desk, file, "local:ann")
        await app.approve(refund.id, principal="bob")
        await app.engine.settled("local", refund.row.run)
        (again,) = [it for it in await found(app) if it.id == refund.id]
        assert again.given == ("bob",)
        assert "agreed already" in await why_not(app.desk, again, "bob")
        assert await why_not(app.desk, again, "carl") == ""


async def test_another_name_of_whose_run_it_is_is_theirs_too(tmp_path: Path) -> None:
    async with office(journal(tmp_path), environment="ci") as app:
        await app.run(clerk, "file it", user="ann@shop.example")
        (item,) = await found(app)
        assert await why_not(app.desk, item, "ann") == ""
        speakers = app.channels.speakers
        known = Roster({"ann": Person(also=("ann@shop.example",))})
        desk = replace(app.desk, speakers=replace(speakers, roster=known))
        assert "own run" in await why_not(desk, item, "ann")
