"""Counting by the provider, from end to end: what it saves, and what happens where it fails."""

import asyncio
from collections.abc import Callable

import pytest
from typing_extensions import override

from remit import Document, EchoModel, Remit, ScriptedModel
from remit.app.replay import read_past
from remit.errors import ProviderError
from remit.journal.events import (
    BudgetRefused,
    CountRequested,
    Event,
    InputCounted,
    ModelRequested,
)
from remit.journal.rows import RunRow
from remit.machine.agent import Agent
from remit.machine.spec import InputCount
from remit.projections.redecide import redecide
from remit.runtime.called_off import called_off
from remit.runtime.hub import StreamEvent
from remit.runtime.reader import Reader
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from tests.runtime.stage import opened, secret, told

LONG = "Go on. " * 800


def counting(how: InputCount = "always", **declared: object) -> Agent[str]:
    return Agent(
        "worker",
        model="scripted:x",
        instructions="You are worker.",
        remit=Remit(**declared),  # type: ignore[arg-type]  # by name
        max_output_tokens=1000,
        input_count=how,
    )


class Counter(ScriptedModel):
    """Counts as it is told to."""

    def __init__(self, count: Callable[[ModelRequest], int | None]) -> None:
        super().__init__("done", "done")
        self.how = count
        self.counted: list[ModelRequest] = []

    @override
    async def count(self, request: ModelRequest, *, deadline_s: float) -> int | None:
        assert 0 < deadline_s <= 5
        self.counted.append(request)
        return self.how(request)


class Slow(Counter):
    """Counts for ever."""

    @override
    async def count(self, request: ModelRequest, *, deadline_s: float) -> int | None:
        await asyncio.sleep(3600)
        return None


@pytest.mark.requirement("BUD-1")
async def test_the_hold_follows_the_count_and_the_same_is_asked_as_was_counted() -> None:
    agent, model = counting(), Counter(lambda _: 1_000)
    async with opened("memory:", [agent], model=model) as app:
        run = await app.run(agent, LONG)
        assert run.output == "done"
        (request,) = await told(app, run.id, ModelRequested)
        assert request.input_bound == 1_000 + 50 + 64
        (hold,) = [each for each in request.holds if each.account.endswith("nano")]
        assert hold.amount == 1_114 * 1_000 + 1_000 * 2_000 + 2
        (counted,), (asked,) = model.counted, model.requests
        assert (counted.model, counted.system) == (asked.model, asked.system)
        assert (counted.messages, counted.tools) == (asked.messages, asked.tools)
        row = await app.store.run("local", run.id)
        assert row is not None
        await check_replay(Reader(app.store), row)


async def check_replay(reader: Reader, row: RunRow) -> None:
    """Every decision is made again the same, without asking anybody."""
    past = await read_past(reader, row)
    assert all(each.same for each in redecide(past.before, past.pairs))


@pytest.mark.requirement("BUD-1")
async def test_a_long_input_that_its_bytes_would_not_allow_goes_by_its_count() -> None:
    budget = "0.005"  # 5,600 bytes of input hold more than that
    for how, status in (("bound", "stopped"), ("when-short", "completed")):
        agent = counting(how, cost_usd=budget)  # type: ignore[arg-type]  # both are
        async with opened("memory:", [agent], model=Counter(lambda _: 1_600)) as app:
            run = await app.run(agent, LONG)
            assert run.status == status
            assert len(await told(app, run.id, BudgetRefused)) == (status == "stopped")
            asked = len(await told(app, run.id, CountRequested))
            assert asked == (status == "completed")
            assert run.cost_nano <= 5_000_000


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize(
    ("count", "says"),
    [
        (lambda _: None, "the provider counts nothing"),
        (lambda _: 0, "0 tokens, which cannot be"),
        (lambda _: 10**12, "which cannot be"),
        (lambda _: 1 // 0, "ZeroDivisionError"),
    ],
)
async def test_without_a_count_the_bound_holds_and_the_journal_says_why(
    count: Callable[[ModelRequest], int | None], says: str
) -> None:
    agent = counting()
    async with opened("memory:", [agent], model=Counter(count)) as app:
        run = await app.run(agent, LONG)
        assert run.output == "done"
        (counted,) = await told(app, run.id, InputCounted)
        assert counted.tokens is None
        assert says in counted.detail
        (request,) = await told(app, run.id, ModelRequested)
        assert request.input_bound > len(LONG)


async def test_an_error_of_the_provider_is_cleaned_before_it_is_written_down() -> None:
    key = secret()

    def fail(_: ModelRequest) -> int:
        raise ProviderError(f"no count for {key}", kind="overloaded")

    agent = counting()
    async with opened("memory:", [agent], model=Counter(fail)) as app:
        run = await app.run(agent, LONG)
        (counted,) = await told(app, run.id, InputCounted)
        assert "no count for" in counted.detail
        assert key not in counted.detail


async def test_a_model_that_cannot_count_is_not_asked() -> None:
    agent = counting()
    async with opened("memory:", [agent], model=EchoModel()) as app:
        run = await app.run(agent, "Hello")
        assert run.output == "Hello"
        (counted,) = await told(app, run.id, InputCounted)
        assert counted.detail == "the provider counts nothing"


@pytest.mark.requirement("BUD-6")
async def test_a_slow_count_is_cut_and_the_bound_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.machine.counting.COUNT_MS", 20)
    agent = counting()
    async with opened("memory:", [agent], model=Slow(lambda _: 1)) as app:
        run = await app.run(agent, LONG)
        assert run.output == "done"
        (counted,) = await told(app, run.id, InputCounted)
        assert counted.detail.startswith("no count within 0.0")


@pytest.mark.requirement("STOP-1")
async def test_a_cancelled_run_does_not_wait_for_its_count() -> None:
    agent = counting()
    async with opened("memory:", [agent], model=Slow(lambda _: 1)) as app:
        stream = app.stream(agent, LONG)
        started = await anext(stream)
        assert isinstance(started, StreamEvent)
        await app.cancel(started.run)
        assert [item async for item in stream]
        (counted,) = await told(app, started.run, InputCounted)
        assert counted.detail == "the run was stopped"
        assert await told(app, started.run, ModelRequested) == []


def test_a_count_that_was_called_off_says_so() -> None:
    event: Event = CountRequested(call="c1", model="m:x", messages=1, until_ms=1)
    outcome = called_off(event, Clean.vouch("not started"))
    assert outcome is not None
    assert outcome.input.fact == InputCounted(call="c1", detail=Clean.vouch("not started"))


async def test_images_are_counted_with_their_bytes() -> None:
    agent = counting("always")
    model = Counter(lambda request: 100 * len(request.media))
    async with opened("memory:", [agent], model=model) as app:
        run = await app.run(agent, ["Look.", Document.text("The lamp is blue.")])
        (counted,) = await told(app, run.id, InputCounted)
        assert (counted.tokens, counted.detail) == (100, "")
    assert list(model.counted[0].media.values()) == [b"The lamp is blue."]
    assert model.counted[0].media == model.requests[0].media
