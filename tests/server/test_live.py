"""Live streams over real connections: cut off anywhere, nothing is lost and nothing comes twice."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from remit.adapters.keys import new_keys
from remit.app.app import App
from remit.journal.codec import open_record
from remit.journal.events import ModelCompleted, RunEnded
from remit.server import streams as streams_module
from remit.server.settings import ServerSettings
from tests.app.screens import Screen
from tests.runtime.stage import PATIENCE_S, until
from tests.server.listening import Frame, listen, shown
from tests.server.stage import Client, Served, journal, served
from tests.server.tellers import BOSS, SHIPPER, SOLO, Teller, teller_app
from tests.support.postgres import PostgresServer

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    if request.param == "sqlite":
        yield journal(tmp_path)
        return
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    server: PostgresServer = request.getfixturevalue("postgres")
    database = server.database()
    yield database
    server.drop(database)


async def journalled(app: App, screen: Screen) -> dict[str, list[object]]:
    """The journal of every run that a reader was told of."""
    found: dict[str, list[object]] = {}
    for run in screen.events:
        found[run] = []
        for record in await app.store.records("local", run):
            body = open_record(record)
            for index, event in enumerate(() if body is None else body.events):
                found[run].append(((record.header.version, index), event))
    return found


async def read(client: Client, screen: Screen, run: str, count: int = -1) -> str:
    """Read so many frames, or to the end; the name of the last one."""
    name = ""
    async with listen(client, f"/api/v1/runs/{run}/stream", screen.cursor) as frames:
        async for frame in frames:
            shown(screen, frame)
            name = frame.name
            count -= 1
            if count == 0:
                break
    return name or "end"


@asynccontextmanager
async def patient() -> AsyncIterator[None]:
    async with asyncio.timeout(PATIENCE_S):
        yield


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize("seed", range(4))
async def test_readers_that_hang_up_anywhere_get_the_journal_and_every_word(
    url: str, seed: int
) -> None:
    dice = random.Random(seed)  # a failure names its seed
    app = teller_app(url, Teller(pause_s=0.002, breaks=2))
    async with patient(), served(app) as found:
        client = await found.browser()
        run = await app.start(BOSS, "Go")
        steady, shaky = Screen(run), Screen(run)

        async def hang_up_often() -> None:
            while await read(client, shaky, run, dice.randrange(1, 30)) != "end":
                await asyncio.sleep(dice.random() * 0.02)

        last, _ = await asyncio.gather(read(client, steady, run), hang_up_often())
        assert last == "end"
        for screen in (steady, shaky):
            assert screen.events == await journalled(app, screen)
            assert len(screen.events) == 3
            assert not any(screen.words.values())
        assert shaky.said == steady.said
        told = await client.get(f"/api/v1/runs/{run}/stream", **{"last-event-id": steady.cursor})
        assert told.status == 204  # a browser comes back no more


@pytest.mark.requirement("UX-1")
async def test_who_comes_back_in_the_middle_of_an_answer_has_all_of_it(url: str) -> None:
    teller = Teller()
    teller.gate = asyncio.Event()
    app = teller_app(url, teller)
    async with patient(), served(app) as found:
        client = await found.browser()
        run = await app.start(SOLO, "Go")  # nobody reads yet
        await teller.at_gate.wait()
        screen = Screen(run)
        async with listen(client, f"/api/v1/runs/{run}/stream") as frames:
            async for frame in frames:
                shown(screen, frame)
                if frame.name == "snapshot":
                    assert frame.data()["here"] is True
                    break
        (words,) = screen.words.values()
        half = words[0]
        assert half.startswith("Once upon a time")
        screen.words.clear()  # the page was loaded anew
        assert await read(client, screen, run, 2) == "snapshot"
        assert screen.words == {(run, "c1", 1): {0: half}}
        teller.gate.set()
        assert await read(client, screen, run) == "end"
        assert screen.events == await journalled(app, screen)
        (said,) = screen.said.values()
        assert said.startswith(half)


@pytest.mark.requirement("UX-1")
async def test_a_stream_goes_on_in_the_next_process_of_the_server(url: str) -> None:
    teller = Teller()
    teller.gate = asyncio.Event()
    screen: Screen | None = None
    async with patient(), served(teller_app(url, teller)) as found:
        client = await found.browser()
        run = await found.app.start(SOLO, "Go")
        await teller.at_gate.wait()
        screen = Screen(run)
        reading = asyncio.create_task(read(client, screen, run))
        await until(lambda: bool(screen.words))
        found.server.state.draining.set()
        assert await reading == "bye"
        assert screen.words
    async with patient(), served(teller_app(url, worker=True)) as found:
        assert await read(await found.browser(), screen, run) == "end"
        assert screen.events == await journalled(found.app, screen)
        kinds = [type(event) for _, event in screen.events[run]]
        assert kinds.count(ModelCompleted) == kinds.count(RunEnded) == 1


@pytest.mark.requirement("UX-1")
async def test_what_another_process_drives_is_told_by_the_feed(url: str) -> None:
    async with patient(), served(teller_app(url)) as found, teller_app(url, Teller()) as other:
        client = await found.browser()
        run = await other.start(BOSS, "Go")
        screen = Screen(run)
        names = set()
        async with listen(client, f"/api/v1/runs/{run}/stream") as frames:
            async for frame in frames:
                shown(screen, frame)
                names.add(frame.name)
        assert "delta" not in names
        assert screen.events == await journalled(found.app, screen)
        assert len(screen.events) == 3
        assert not found.app.engine.services.hub._channels


DRIVE = """
import asyncio, sys
from tests.server.tellers import BOSS, Teller, teller_app

async def main():
    async with teller_app(sys.argv[1], Teller(pause_s=0.01)) as app:
        run = await app.start(BOSS, "Go")
        print(run, flush=True)
        await app.wait(run)

asyncio.run(main())
"""


@pytest.mark.requirement("UX-1")
async def test_a_run_of_another_process_is_told_while_it_goes_on(url: str) -> None:
    async with patient(), served(teller_app(url)) as found:
        client = await found.browser()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DRIVE, url, stdout=asyncio.subprocess.PIPE, cwd=REPO
        )
        try:
            assert process.stdout is not None
            run = (await process.stdout.readline()).decode().strip()
            screen, ended = Screen(run), asyncio.create_task(process.wait())
            seen_live = False
            async with listen(client, f"/api/v1/runs/{run}/stream") as frames:
                async for frame in frames:
                    shown(screen, frame)
                    seen_live |= frame.name == "journal" and not ended.done()
            assert await ended == 0
        finally:
            if process.returncode is None:
                process.kill()
        assert seen_live
        assert screen.events == await journalled(found.app, screen)
        assert len(screen.events) == 3


async def test_a_reader_that_sleeps_slows_nobody_and_has_all_when_it_wakes(url: str) -> None:
    app = teller_app(url, Teller(words=4_000))
    async with patient(), served(app) as found:
        client = await found.browser()
        run = await app.start(BOSS, "Go")
        sleepy, quick = Screen(run), Screen(run)
        async with listen(client, f"/api/v1/runs/{run}/stream") as frames:
            assert await read(client, quick, run) == "end"  # while the other reads nothing
            async for frame in frames:
                shown(sleepy, frame)
        assert sleepy.events == quick.events == await journalled(app, quick)
        assert not any(sleepy.words.values())


@pytest.mark.requirement("OPS-5")
async def test_streams_end_when_the_server_drains_and_say_when_to_come_back(
    tmp_path: Path,
) -> None:
    async with patient(), served(teller_app(journal(tmp_path))) as found:
        client = await found.browser()
        run = await found.app.start(SHIPPER, "Go")
        frames: dict[str, list[Frame]] = {"/api/v1/stream": []}
        frames[f"/api/v1/runs/{run}/stream"] = []

        async def follow(path: str) -> None:
            async with listen(client, path) as heard:
                async for frame in heard:
                    frames[path].append(frame)

        tasks = [asyncio.create_task(follow(path)) for path in frames]
        await until(lambda: all(frames.values()))
        found.server.state.draining.set()
        await asyncio.gather(*tasks)
        for heard in frames.values():
            assert heard[-1].name == "bye"
            assert heard[-1].data() == {"reason": "draining"}
            assert 1_000 <= (heard[-2].retry or heard[-1].retry) <= 3_000
        late: list[Frame] = []
        async with listen(client, f"/api/v1/runs/{run}/stream") as told:
            late += [frame async for frame in told]
        assert late[-1].name == "bye"
        await until(lambda: not len(found.server.state.streams))


@pytest.mark.requirement("SEC-3")
async def test_a_stream_ends_with_the_sign_in_and_beats_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_module, "HEARTBEAT_S", 0.02)
    async with patient(), served(teller_app(journal(tmp_path))) as found:
        client = await found.browser()
        names: list[str] = []
        async with listen(client, "/api/v1/stream") as frames:
            async for frame in frames:
                names.append(frame.name)
                if names.count(":") == 2:
                    assert (await client.ask("POST", "/logout")).status == 303
        assert names[:2] == ["retry", "now"]
        assert names[-1] == "bye"
        assert frame.data() == {"reason": "signed-out"}


@pytest.mark.requirement("TEN-1", "SEC-3")
async def test_nobody_reads_what_is_not_theirs(tmp_path: Path) -> None:
    app = teller_app(journal(tmp_path))
    async with patient(), served(app, ServerSettings(streams=2)) as found:
        client, stranger = await found.browser(), found.client()
        run = (await app.run(SOLO, "Go", tenant="acme")).id
        mine = f"/api/v1/runs/{run}/stream"
        assert (await stranger.get(mine)).status == 401
        assert (await client.get(mine)).status == 404  # of another tenant than one's own
        assert (await client.get("/api/v1/runs/run_x/stream")).status == 404
        assert (await client.get(f"{mine}?tenant=acme&after=zzz")).status == 422
        assert (await client.get("/api/v1/stream", **{"last-event-id": "1.2"})).status == 422
        assert (await client.get("/api/v1/stream?after=-1")).status == 422
        book = (await app.store.runs("local", books=True)) or (
            await app.store.runs("*", books=True)
        )
        for row in book:
            assert (await client.get(f"/api/v1/runs/{row.run}/stream")).status == 404
        head = await client.ask("HEAD", f"{mine}?tenant=acme")
        assert (head.status, head.text) == (200, "")
        async with listen(client, "/api/v1/stream") as one, listen(client, "/api/v1/stream") as two:
            await anext(one)
            await anext(two)
            assert (await client.get("/api/v1/stream")).status == 429


async def tenant_news(found: Served, client: Client, after: str, until_kind: str) -> list[Frame]:
    heard: list[Frame] = []
    async with listen(client, "/api/v1/stream", after) as frames:
        async for frame in frames:
            heard.append(frame)
            if f'"kind":"{until_kind}"' in frame.text:
                break
    return heard


@pytest.mark.requirement("UX-2", "OBS-3")
async def test_a_tenant_is_told_what_happens_and_what_it_costs(url: str) -> None:
    async with patient(), served(teller_app(url)) as found:
        client, app = await found.browser(), found.app
        task = asyncio.create_task(tenant_news(found, client, "", "approval-asked"))
        await until(lambda: bool(len(found.server.state.streams)))
        await asyncio.sleep(0)
        await until(lambda: bool(found.server.state.streams.feeds._watch._tenants))
        run = await app.start(SHIPPER, "Go", user="ann")
        await app.run(SOLO, "Go", tenant="globex")  # nobody's business here
        before = await task
        (pending,) = await app.desk.approvals("local")
        await app.approve(pending.id, principal="bob")
        await app.wait(run, timeout_s=PATIENCE_S)
        after = await tenant_news(found, client, before[-1].place, "run-ended")
        told = [
            happening
            for frame in (*before, *after)
            if frame.name == "news"
            for happening in frame.data()["happenings"]  # type: ignore[attr-defined] # JSON
        ]
        assert {each["run"] for each in told} == {run}
        kinds = [each["kind"] for each in told]
        assert kinds == [
            "run-began", "model-answered", "approval-asked",
            "approval-answered", "model-answered", "run-ended",
        ]  # fmt: skip
        ledger = await app.ledger(tenant="local")
        assert sum(each.get("cost", 0) for each in told) == ledger.total.cost
        again = await tenant_news(found, client, "0", "run-ended")
        assert [f.text for f in again if f.name == "news"] == [
            f.text for f in (*before, *after) if f.name == "news"
        ]


async def test_a_tenant_is_told_what_is_switched_off(tmp_path: Path) -> None:
    async with patient(), served(teller_app(journal(tmp_path))) as found:
        client, seen = await found.browser(), list[Frame]()
        async with listen(client, "/api/v1/stream") as frames:
            async for frame in frames:
                if frame.name != "now":
                    continue
                seen.append(frame)
                if len(seen) == 1:
                    await found.app.desk.switch_off("tenant:other", reason="x", principal="ann")
                    await found.app.desk.switch_off(
                        "agent:solo", reason="too loud", principal="ann"
                    )
                elif len(seen) == 2:
                    break
        assert '"target":"agent:solo","reason":"too loud","principal":"ann"' in seen[1].text
        assert "tenant:other" not in seen[1].text
