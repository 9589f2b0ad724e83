"""Over the API an operator reverts prompt and model of an agent; runs tell what they used."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remit import Agent, App, ScriptedModel
from remit.adapters.scripted import Reply
from remit.values.model import ModelRequest
from tests.cli.shop import PRICES
from tests.server.acting import list_of, pick, program, rows, start, tree
from tests.server.api.test_admin import by
from tests.server.stage import Client, Served, journal, served, signed_in

pytestmark = pytest.mark.requirement("OPS-1", "OPS-2")
REVERTS = "/api/v1/agents/clerk/reverts"


def says(request: ModelRequest) -> Reply:
    return f"{request.model}: {request.system}"


def clerk(model: str, instructions: str) -> Agent[str]:
    return Agent("clerk", model=model, instructions=instructions)


OLD, NEW = clerk("scripted:old", "Old."), clerk("scripted:new", "New.")


def app_of(url: str, agent: Agent[str]) -> App:
    return App(url, agents=[agent], models={"scripted": ScriptedModel(says)}, prices=PRICES)


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Served]:
    url = journal(tmp_path)
    async with app_of(url, OLD) as app:
        await app.run(OLD, "Go", tenant="acme")
    async with served(app_of(url, NEW)) as server:
        yield server


async def said(found: Served, client: Client) -> dict[str, object]:
    """A run that starts after a look at the switches, as each process takes twice a second."""
    await found.app.engine.services.switchboard.reread()
    return await start(client, "Go")


async def test_there_and_back(found: Served) -> None:
    ann = await signed_in(found, "ann", {"acme": frozenset({"operator"})})
    bot = await program(found, "acme", "operator")
    (prompt,) = rows(await ann.get("/api/v1/agents/clerk/prompts"), "prompts")
    assert (prompt["text"], prompt["runs"]) == ("Old.", 1)
    body = {"what": "prompt", "to": str(prompt["digest"])[:9], "reason": "rude"}
    made = tree(await ann.ask("POST", REVERTS, json=body))
    assert (made["to"], made["principal"], made["until"]) == (prompt["digest"], "ann", None)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"what": "model", "to": "scripted:old", "reason": "slow", "until": later}
    assert (await ann.ask("POST", REVERTS, json=body)).status == 200
    shown = rows(await bot.get(REVERTS), "reverts")
    assert [(each["what"], each["reason"]) for each in shown] == [
        ("model", "slow"),
        ("prompt", "rude"),
    ]
    run = await said(found, bot)
    assert run["output"] == "old: Old."
    assert pick(run, "versions", "prompt_digest") == prompt["text_digest"]
    assert pick(run, "versions", "models") == ["scripted:old"]
    used = list_of(pick(run, "versions", "reverts"))
    assert [(pick(each, "what"), pick(each, "principal")) for each in used] == [
        ("model", "ann"),
        ("prompt", "ann"),
    ]
    told = await ann.ask("POST", f"{REVERTS}/lift", json={"what": "model", "reason": "mended"})
    assert len(list_of(pick(told.json, "lifted"))) == 1
    assert (await said(found, bot))["output"] == "new: Old."
    told = await ann.ask("POST", f"{REVERTS}/lift", json={})
    assert tree(told)["lifted"] == [made["target"]]
    run = await said(found, bot)
    assert (run["output"], pick(run, "versions", "reverts")) == ("new: New.", [])
    assert tree(await ann.ask("POST", f"{REVERTS}/lift", json={}))["lifted"] == []
    assert await by(found.app, "ann") == [("*", "SessionOpened")] + [("acme", "TargetSwitched")] * 4


@pytest.mark.requirement("TEN-1")
async def test_everybodys_takes_the_role_everywhere(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    root = await signed_in(found, "root", {"*": frozenset({"operator"})})
    body = {"what": "model", "to": "scripted:old", "reason": "slow"}
    assert (await bot.ask("POST", f"{REVERTS}?tenant=*", json=body)).status == 404
    assert (await root.ask("POST", f"{REVERTS}?tenant=*", json=body)).status == 200
    (shown,) = rows(await bot.get(REVERTS), "reverts")
    assert shown["target"] == "agent:clerk/model=scripted:old"
    other = await program(found, "globex", "operator")
    assert rows(await other.get("/api/v1/agents/clerk/prompts"), "prompts") == []
    viewer = await program(found, "acme", "viewer")
    assert (await viewer.ask("POST", f"{REVERTS}/lift", json={})).status == 403


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ({"what": "prompt", "to": "f" * 64, "reason": "x"}, 404, "recorded a prompt"),
        ({"what": "model", "to": "scripted", "reason": "x"}, 409, "names no model"),
        ({"what": "model", "to": "openai:gpt-4o", "reason": "x"}, 409, "floating alias"),
        ({"what": "model", "to": "none:x-1", "reason": "x"}, 409, "none:x-1"),
        ({"what": "tools", "to": "x", "reason": "x"}, 422, "what"),
        ({"what": "model", "to": "scripted:old", "reason": ""}, 422, "reason"),
        (
            {"what": "model", "to": "scripted:old", "reason": "x", "until": "2020-01-01T00:00:00Z"},
            409,
            "it is past",
        ),
    ],
)
async def test_what_is_refused(found: Served, body: dict[str, str], status: int, what: str) -> None:
    bot = await program(found, "acme", "operator")
    told = await bot.ask("POST", REVERTS, json=body)
    assert (told.status, what in told.text) == (status, True), told.text
    nobody = await bot.ask("POST", "/api/v1/agents/nobody/reverts", json=body)
    assert nobody.status in (404, 422)
    assert await found.app.store.switches() == []
