"""A server that ends, or is killed, loses no run and no reader: the next one goes on with both."""

import asyncio
import json
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from remit.journal.events import ModelCompleted, RunEnded, RunRecovered
from tests.app.screens import Screen
from tests.runtime.stage import PATIENCE_S, opened, story, until
from tests.server.listening import listen, shown
from tests.server.stage import Client, journal
from tests.server.tellers import SOLO

REPO = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Process:
    """A server's process, and a browser that is signed in there."""

    process: asyncio.subprocess.Process
    client: Client

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def process_of(url: str, gate: Path, drain_s: float) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.server.draining", url, str(gate), str(drain_s)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=REPO, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        told = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            client = Client(told["url"], http)
            assert (await client.get(told["link"].removeprefix(told["url"]))).status == 303
            yield Process(process, client)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def the_run(url: str) -> str:
    async with opened(url, [SOLO]) as app:
        (row,) = await app.store.runs("local")
        return row.run


async def read(client: Client, screen: Screen) -> str:
    name = ""
    path = f"/api/v1/runs/{screen.run}/stream"
    try:
        async with listen(client, path, screen.cursor) as frames:
            async for frame in frames:
                shown(screen, frame)
                name = frame.name
    except aiohttp.ClientError:
        return "cut"
    return name


@pytest.mark.requirement("OPS-5", "UX-1")
@pytest.mark.parametrize("how", ["in time", "cut", "killed"])
async def test_the_next_process_goes_on_with_the_run_and_its_readers(
    tmp_path: Path, how: str
) -> None:
    url, gate = journal(tmp_path), tmp_path / "gate"
    drain_s = 60.0 if how == "in time" else 0.1
    async with asyncio.timeout(PATIENCE_S), process_of(url, gate, drain_s) as first:
        run = await the_run(url)
        screen = Screen(run)
        reading = asyncio.create_task(read(first.client, screen))
        await until(lambda: bool(screen.words) or reading.done())
        if how == "killed":
            assert await first.end(signal.SIGKILL) == -signal.SIGKILL
            assert await reading == "cut"
        else:
            ending = asyncio.create_task(first.end(signal.SIGTERM))
            assert await reading == "bye"
            if how == "in time":
                assert not ending.done()
                gate.touch()
            assert await ending == 0
    gate.touch()
    async with asyncio.timeout(PATIENCE_S), process_of(url, gate, 1.0) as second:
        assert await read(second.client, screen) == "end"
        assert await second.end(signal.SIGTERM) == 0
    async with opened(url, [SOLO]) as app:
        events = await story(app, run)
        assert [event for _, event in screen.events[run]] == events
        kinds = [type(event) for event in events]
        assert kinds.count(RunEnded) == kinds.count(ModelCompleted) == 1
        assert (RunRecovered in kinds) == (how != "in time")
        assert not any(screen.words.values())


@pytest.mark.requirement("OPS-5", "PROV-7")
async def test_readiness_is_red_while_it_drains_and_nothing_new_is_let_in(tmp_path: Path) -> None:
    url, gate = journal(tmp_path), tmp_path / "gate"
    async with asyncio.timeout(PATIENCE_S), process_of(url, gate, 60.0) as found:
        address = found.client.url
        assert (await found.client.get("/readyz")).status == 200
        ending = asyncio.create_task(found.end(signal.SIGTERM))
        refused = False
        while not refused and not ending.done():
            try:
                with urllib.request.urlopen(f"{address}/readyz") as answer:  # noqa: S310  # our server
                    assert answer.status == 200  # the signal has not arrived yet
            except OSError:  # 503, or no connection any more
                refused = True
            await asyncio.sleep(0.01)
        assert refused
        gate.touch()
        assert await ending == 0
