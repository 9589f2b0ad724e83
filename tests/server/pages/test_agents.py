"""One page answers: what can this agent do, how much can it spend, who approved its actions."""

import html
from pathlib import Path

import pytest

from remit.app.app import App
from remit.machine.agent import Agent
from tests.cli.shop import PRICES
from tests.server.office import clerk, model, office
from tests.server.stage import Grants, journal, served, signed_in

pytestmark = pytest.mark.requirement("GOV-3", "UX-2")
VIEWER: Grants = {"acme": frozenset({"viewer"})}


async def test_one_page_answers_from_live_data(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        app = found.app
        run = await app.run(clerk, "file it", tenant="acme", user="dora")
        await app.approve(run.approvals[0].id, tenant="acme", principal="bob", comment="<b>yes</b>")
        await app.wait(run.id, tenant="acme")
        await app.budgets.set(
            "acme", "agent:clerk", window="day", amounts={"cost_usd": "5.00"},
            principal="ops", reason="trial month",
        )  # fmt: skip
        ann = await signed_in(found, "ann", VIEWER)
        listed = (await ann.get("/agents")).text
        assert 'href="/agents/clerk"' in listed
        assert "lamps@example.org" in listed
        text = (await ann.get("/agents/clerk")).text
        plain = html.unescape(text)
        spent = (await app.ledger(tenant="acme")).total
        for part in (
            "lamps@example.org",
            "2 of the approvers",
            "remit.approvals.refund",
            "high risk",
            "$5.00",
            "set by ops: trial month",
            f"in {spent.calls} calls",
            "bob",
            "You are the clerk of a lamp shop.",
        ):
            assert part in plain, part
        assert "<b>yes" not in text
        assert "&lt;b&gt;yes" in text
        assert (await ann.get("/agents/nobody")).status == 404


async def test_nothing_of_another_tenant_is_told(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        app = found.app
        run = await app.run(clerk, "file it", tenant="beta", user="otto")
        await app.approve(run.approvals[0].id, tenant="beta", principal="bea", comment="ours")
        await app.wait(run.id, tenant="beta")
        ann = await signed_in(found, "ann", VIEWER)
        text = (await ann.get("/agents/clerk")).text
        for theirs in ("bea", "ours", run.id):
            assert theirs not in text
        assert "Nobody was asked yet" in text
        assert (await ann.get("/agents/clerk?tenant=beta")).status == 404


async def test_versions_of_the_prompt_are_compared(tmp_path: Path) -> None:
    url = journal(tmp_path)
    async with office(url) as app:
        await app.run(clerk, "look", tenant="acme")
    kind = Agent("clerk", model="scripted:x", instructions="Be kind.", tools=clerk.tools,
                 remit=clerk.remit)  # fmt: skip
    async with served(App(url, agents=[kind], models=model(), prices=PRICES)) as found:
        ann = await signed_in(found, "ann", VIEWER)
        assert "has another prompt than the newest run" in (await ann.get("/agents/clerk")).text
        await found.app.run(kind, "look", tenant="acme")
        text = (await ann.get("/agents/clerk")).text
        assert "What changed" in text
        assert '<tr class="add"><td class="sign">+</td><td>Be kind.</td></tr>' in text
        assert "has another prompt" not in text
