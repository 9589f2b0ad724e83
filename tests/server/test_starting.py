"""Runs are started over the API, and once for each key of their caller."""

import asyncio
from pathlib import Path

import pytest

from remit import App
from remit.server.settings import ServerSettings
from tests.server.acting import Json, program, tree
from tests.server.stage import Client, Told, journal, served, shop_app
from tests.server.tellers import PRICES, SOLO, Teller

pytestmark = pytest.mark.requirement("UX-1")
LOOK: Json = {"agent": "clerk", "input": "look at order 17", "user": "ann"}


async def start(client: Client, key: str, **more: object) -> Told:
    return await client.ask(
        "POST", "/api/v1/runs", json={**LOOK, **more}, headers={"Idempotency-Key": key}
    )


async def test_a_request_that_is_sent_again_is_the_run_it_was(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        bot, other = [await program(found, "acme", "operator", name=name) for name in ("a", "b")]
        told = await asyncio.gather(*(start(bot, "k-1") for _ in range(8)))
        assert {each.status for each in told} == {201}
        (run,) = {str(tree(each)["run"]) for each in told}
        again = [each.headers.get("idempotency-replayed") for each in told]
        assert sorted(again, key=str) == [None, *["true"] * 7]
        ended = await start(bot, "k-1", wait_s=30)
        assert (tree(ended)["run"], tree(ended)["status"]) == (run, "completed")
        refused = await start(bot, "k-1", input="note it")
        assert refused.status == 409
        assert "another request" in str(tree(refused)["detail"])
        assert tree(await start(other, "k-1"))["run"] != run
        assert tree(await start(bot, "k-2"))["run"] != run
        assert len(await found.app.store.runs("acme")) == 3


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "ü"])
async def test_a_key_that_is_none_is_refused(key: str, tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        bot = await program(found, "acme", "operator")
        told = await start(bot, key)
        assert told.status == 400
        assert "Idempotency-Key" in told.text
        assert await found.app.store.runs("acme") == []


async def test_a_conversation_takes_each_message_once(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        bot = await program(found, "acme", "operator")
        body = {"agent": "clerk", "input": "look at order 17", "user": "ann"}
        runs = []
        for key in ("k1", "k1", "k2"):
            told = await bot.ask(
                "POST",
                "/api/v1/sessions/s1/messages",
                json=body,
                headers={"idempotency-key": key},
            )
            assert told.status == 201, told.text
            run = str(tree(told)["run"])
            await bot.get(f"/api/v1/runs/{run}/wait")
            runs.append(run)
        assert runs[0] == runs[1] < runs[2]


@pytest.mark.requirement("OPS-5")
async def test_whoever_waits_is_answered_as_soon_as_the_server_is_to_end(tmp_path: Path) -> None:
    teller = Teller()
    teller.gate = asyncio.Event()
    app = App(journal(tmp_path), agents=[SOLO], models={"teller": teller}, prices=PRICES)
    async with served(app, ServerSettings(timeout_s=3700)) as found:
        bot = await program(found, "acme", "operator")
        body = {"agent": SOLO.name, "input": "Go", "user": "ann", "wait_s": 3600}
        asking = asyncio.create_task(bot.ask("POST", "/api/v1/runs", json=body))
        await teller.at_gate.wait()
        assert not asking.done()
        found.server.state.draining.set()
        told = await asking
        assert (told.status, tree(told)["status"]) == (201, "running")
        teller.gate.set()
