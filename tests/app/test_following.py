"""Following a run: journal order, the whole tree, nothing twice, nothing missing, errors too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from typing_extensions import override

from remit import App, EchoModel, Remit, Run, tool
from remit.adapters.scripted import Reply
from remit.app.following import tree_rows
from remit.errors import StoreGone
from remit.journal.events import ModelCompleted, RunEnded, RunStarted
from remit.runtime.hub import Ear, StreamDelta, StreamEvent, StreamItem
from remit.values.model import Delta, ModelAnswer, ModelRequest
from tests.runtime.stage import PATIENCE_S, an_agent, journal_at, opened, secret, story, until

Place = tuple[int, int]


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    return f"{name} is so"


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


SCOUT = an_agent("scout", tools=[find_fact])
BOSS = an_agent("boss", agents=[SCOUT], tools=[find_fact])
SHIPPER = an_agent("shipper", tools=[ship_order], remit=Remit(approvals={ship_order: 1}))


def speak(request: ModelRequest) -> Reply:
    """The boss asks two scouts at once; each looks up one thing."""
    turn = sum(message.role == "assistant" for message in request.messages)
    if "scout" in request.system:
        return ({"find_fact": {"name": "tea"}}, "scouted well")[turn]
    both = [{"ask_scout": {"brief": "one"}}, {"ask_scout": {"brief": "two"}}]
    return (both, {"find_fact": {"name": "sea"}}, "all is known")[turn]


SCRIPT = (speak,) * 5


async def collect(items: AsyncIterator[StreamItem]) -> list[StreamItem]:
    return [item async for item in items]


def places(items: list[StreamItem], run: str) -> list[Place]:
    return [
        (item.version, item.index)
        for item in items
        if isinstance(item, StreamEvent) and item.run == run
    ]


async def journalled(app: App, run: str) -> dict[str, list[object]]:
    rows = await tree_rows(app.store, "local", run)
    return {row.run: list(await story(app, row.run)) for row in rows}


def streamed(items: list[StreamItem]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for item in items:
        if isinstance(item, StreamEvent):
            found.setdefault(item.run, []).append(item.event)
    return found


@pytest.mark.requirement("UX-1")
async def test_a_stream_is_the_journal_in_its_order_with_sub_runs_and_the_run_last() -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        items: list[StreamItem] = []
        run: Run[str] | None = None
        async for item in app.stream(BOSS, "Go"):
            if isinstance(item, Run):
                run = item
            else:
                assert run is None  # nothing follows the run
                items.append(item)
        assert run is not None
        assert run.output == "all is known"
        assert streamed(items) == await journalled(app, run.id)
        assert len(streamed(items)) == 3
        for name in streamed(items):
            assert places(items, name) == sorted(set(places(items, name)))


@pytest.mark.requirement("UX-1")
async def test_deltas_come_before_the_answer_they_belong_to_and_add_up_to_it() -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        texts: dict[tuple[str, str], str] = {}
        async for item in app.stream(BOSS, "Go"):
            if isinstance(item, StreamDelta) and item.kind == "text":
                said = texts.get((item.run, item.call), "")
                assert item.offset == len(said)
                texts[(item.run, item.call)] = said + item.text
            elif isinstance(item, StreamEvent) and isinstance(item.event, ModelCompleted):
                whole = "".join(p.text for p in item.event.parts if p.kind == "text")
                assert texts.pop((item.run, item.event.call), "") == whole
        assert texts == {}


async def test_a_run_that_has_ended_is_told_from_the_journal(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [BOSS], *SCRIPT) as app:
        run = await app.run(BOSS, "Go")
    async with opened(journal_at(tmp_path), [BOSS]) as app:
        items = await collect(app.follow(run.id))
        assert streamed(items) == await journalled(app, run.id)
        assert not any(isinstance(item, StreamDelta) for item in items)


async def test_who_comes_late_misses_no_event_and_sees_none_twice() -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    class Gated(EchoModel):
        """Answers when the gate is open."""

        @override
        async def answer(
            self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
        ) -> ModelAnswer:
            asked.set()
            await gate.wait()
            return await super().answer(request, deadline_s=deadline_s, emit=emit)

    agent = an_agent()
    async with opened("memory:", [agent], model=Gated()) as app:
        run = await app.start(agent, "hello")
        await asked.wait()
        late = [asyncio.create_task(collect(app.follow(run))) for _ in range(3)]
        await until(lambda: app.engine.services.hub.listens("local", run))
        gate.set()
        async with asyncio.timeout(PATIENCE_S):
            told = await asyncio.gather(*late)
        for items in told:
            assert streamed(items) == await journalled(app, run)
            assert isinstance(streamed(items)[run][0], RunStarted)
            assert isinstance(streamed(items)[run][-1], RunEnded)
        assert not app.engine.services.hub.listens("local", run)


async def test_a_reader_that_lags_is_served_from_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("remit.runtime.hub.BACKLOG", 2)
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        hub, ears = app.engine.services.hub, list[Ear]()
        ring = Ear.ring

        def noted(ear: Ear, *, behind: bool = False) -> None:
            ears.append(ear)
            ring(ear, behind=behind)

        monkeypatch.setattr(Ear, "ring", noted)
        run = await app.start(BOSS, "Go")
        items: list[StreamItem] = []
        most = 0
        async with aclosing(app.follow(run)) as follower:
            async for item in follower:
                items.append(item)
                most = max([most, *(len(hub.channel(ear).slots) for ear in ears[:1])])
                await asyncio.sleep(0.002)  # slower than the run
        assert 0 < most <= 2
        assert streamed(items) == await journalled(app, run)
        for name in streamed(items):
            assert places(items, name) == sorted(set(places(items, name)))


async def test_a_waiting_run_ends_the_stream_and_the_next_goes_on() -> None:
    async with opened("memory:", [SHIPPER], {"ship_order": {"order": 1}}, "done") as app:
        run = await app.start(SHIPPER, "Go")
        before = await collect(app.follow(run))
        (pending,) = await app.desk.approvals("local")
        await app.approve(pending.id, principal="ann")
        after = await collect(app.follow(run))
        assert places(after, run)[: len(places(before, run))] == places(before, run)
        assert isinstance(streamed(after)[run][-1], RunEnded)


async def test_who_stops_reading_does_not_stop_the_run() -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        run = await app.start(BOSS, "Go")
        async with aclosing(app.follow(run)) as items:
            async for _ in items:
                break
        assert (await app.wait(run, timeout_s=PATIENCE_S)).output == "all is known"
        assert not app.engine.services.hub.listens("local", run)


async def test_what_broke_a_driver_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        append, count = app.store.append, 0

        async def failing(*given: object) -> object:
            nonlocal count
            count += 1
            if count > 2:
                raise StoreGone("the disk was pulled")
            return await append(*given)  # type: ignore[arg-type]  # handed on as it came

        monkeypatch.setattr(app.store, "append", failing)
        with pytest.raises(StoreGone, match="the disk was pulled"):
            await collect(app.follow(await app.start(BOSS, "Go")))


@pytest.mark.requirement("SEC-4")
async def test_no_secret_is_shown_to_a_reader() -> None:
    hidden = secret()
    agent = an_agent()
    async with opened("memory:", [agent], f"the key is {hidden}, keep it") as app:
        shown = ""
        async for item in app.stream(agent, f"my key is {hidden}"):
            assert hidden not in repr(item)
            shown += item.text if isinstance(item, StreamDelta) else ""
        assert shown.startswith("the key is [secret:github-token:")
        assert hidden not in shown
        assert shown.endswith("], keep it")


async def test_the_rows_of_a_tree_come_parents_first_and_all_of_them() -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        run = await app.run(BOSS, "Go")
        rows = await tree_rows(app.store, "local", run.id)
        assert rows[0].run == run.id
        assert sorted(row.parent or "" for row in rows) == ["", run.id, run.id]
        assert await tree_rows(app.store, "local", "run_x") == []
