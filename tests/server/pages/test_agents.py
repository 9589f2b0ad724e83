"""One page answers: what can this agent do, how much can it spend, who approved its actions."""

import html
from pathlib import Path

import pytest

from remit.app.app import App
from remit.machine.agent import Agent
from tests.cli.shop import PRICES
from tests.server.office import clerk, model, office
from tests.server.stage import Grants, journal, post, served, signed_in

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


CLERK = "/agents/clerk"


async def two_versions(url: str) -> App:
    """The office with a new prompt, after a run with the old one."""
    async with office(url) as app:
        await app.run(clerk, "look", tenant="acme")
    kind = Agent("clerk", model="scripted:x", instructions="Be kind.", tools=clerk.tools,
                 remit=clerk.remit)  # fmt: skip
    return App(url, agents=[kind], models=model(), prices=PRICES)


@pytest.mark.requirement("OPS-1", "OPS-2")
async def test_an_operator_reverts_and_lifts(tmp_path: Path) -> None:
    async with served(await two_versions(journal(tmp_path))) as found:
        app = found.app
        ann = await signed_in(found, "ann", {"acme": frozenset({"operator"})})
        assert "Use this prompt again" in (await ann.get(CLERK)).text
        (old,) = await app.reverts.versions("clerk", "acme")
        told = await post(
            ann, f"{CLERK}/revert", what="prompt", to=old.digest, where="acme",
            reason="<b>rude</b>", until="1h",
        )  # fmt: skip
        assert (told.status, told.headers["location"]) == (303, CLERK)
        told = await post(
            ann, f"{CLERK}/revert", what="model", to="scripted:y", where="acme", reason="slow"
        )
        assert (told.status, told.headers["location"]) == (303, CLERK)
        text = (await ann.get(CLERK)).text
        for part in (
            "The prompt is reverted",
            "The model is reverted",
            "&lt;b&gt;rude&lt;/b&gt;",
            "in use",
            '<code title="scripted:y">scripted:y</code>',
            "Use the deployed prompt again",
        ):
            assert part in text, part
        assert "<b>rude" not in text
        assert "has another prompt than the newest run" not in text
        assert "Use this prompt again" not in text
        await app.engine.services.switchboard.reread()
        run = await app.run(app.agents["clerk"], "look", tenant="acme")
        text = (await ann.get(f"/runs/{run.id}?view=versions")).text
        assert "the model of clerk to" in text
        assert text.count("<dt>Reverted</dt>") == 2
        assert "You are the clerk of a lamp shop." in text
        page = html.unescape((await ann.get("/switches")).text)
        assert f"tenant:acme/agent:clerk/prompt={old.digest}" in page
        assert "Lift" in page
        told = await post(ann, f"{CLERK}/lift", what="prompt", where="acme")
        assert (told.status, told.headers["location"]) == (303, CLERK)
        told = await post(ann, "/switches/on", target="tenant:acme/agent:clerk/model=scripted:y")
        assert told.status == 303
        assert await app.store.switches() == []
        assert "is reverted" not in (await ann.get(CLERK)).text
        history = (await ann.get("/switches")).text
        assert [word in history for word in (">reverted<", ">lifted<", ">off<", ">on<")] == [
            True,
            True,
            False,
            False,
        ]


@pytest.mark.requirement("OPS-1")
async def test_what_cannot_be_reverted_is_said(tmp_path: Path) -> None:
    async with served(await two_versions(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"operator"})})
        fields = {"what": "model", "to": "openai:gpt-4o", "where": "acme", "reason": "x"}
        for changed, what in (
            ({}, "is a floating alias"),
            ({"reason": "  "}, "Say why"),
            ({"until": "soon"}, "is not a duration"),
            ({"what": "prompt", "to": "f" * 64}, "recorded a prompt"),
        ):
            told = await post(ann, f"{CLERK}/revert", **(fields | changed))
            assert told.status == 303
            assert what in (await ann.get(told.headers["location"])).text
        for changed in ({"where": ""}, {"where": "a/b"}, {"what": "tools"}):
            assert (await post(ann, f"{CLERK}/revert", **(fields | changed))).status == 422
        assert await found.app.store.switches() == []


@pytest.mark.requirement("OPS-1", "TEN-1")
async def test_nobody_reverts_what_is_not_theirs(tmp_path: Path) -> None:
    async with served(await two_versions(journal(tmp_path))) as found:
        reverts = found.app.reverts
        ann = await signed_in(found, "ann", {"acme": frozenset({"operator"})})
        fields = {"what": "model", "to": "scripted:y", "reason": "mine"}
        await reverts.revert_model("clerk", "scripted:z", principal="root", reason="all of you")
        for where in ("*", "beta"):
            told = await post(ann, f"{CLERK}/revert", where=where, **fields)
            assert (told.status, "is no operator of" in told.text) == (403, True)
            told = await post(ann, f"{CLERK}/lift", where=where, what="model")
            assert told.status == 403
        page = (await ann.get(CLERK)).text
        assert "all of you" in page
        assert "Use the deployed model again" not in page
        assert '<option value="*">' not in page
        eve = await signed_in(found, "eve", VIEWER)
        assert (await post(eve, f"{CLERK}/revert", where="acme", **fields)).status == 403
        assert "Revert the model" not in (await eve.get(CLERK)).text
        del ann.headers["x-csrf-token"]
        assert (await post(ann, f"{CLERK}/revert", where="acme", **fields)).status == 403
        assert [each.target for each in await found.app.store.switches()] == [
            "agent:clerk/model=scripted:z"
        ]
