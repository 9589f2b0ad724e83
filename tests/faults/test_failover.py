"""Simulated providers over real HTTP: failover, waits, breakers, retired models, cut answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from remit import Agent, App, Remit
from remit.adapters.models import http
from remit.app.lazy import SystemDice, WallClock
from remit.app.run import Run
from remit.journal.codec import open_record
from remit.journal.events import (
    Event,
    ModelCompleted,
    ModelFailed,
    ModelSwitched,
    OutputEscalated,
    RetryPlanned,
)
from remit.policy.breaker import COOL_MS, TRIP_AFTER
from remit.runtime.hub import StreamDelta, StreamItem, StreamRetraction
from remit.simulator.provider import environment
from remit.simulator.scenario import Fault, Reply, Rule, Scenario
from remit.simulator.server import Simulator, running
from tests.faults.matrix import MODELS, SAYING

FIRST, SECOND = MODELS["anthropic"], MODELS["openai"]


def saying(text: str, *faults: Fault) -> Scenario:
    """A provider that says one thing, with faults."""
    return Scenario(rules=(Rule(reply=Reply(text=text)),), faults=faults)


@asynccontextmanager
async def two(
    patch: pytest.MonkeyPatch, first: Scenario, second: Scenario
) -> AsyncIterator[tuple[Simulator, Simulator]]:
    """Anthropic and OpenAI, each a server of its own."""
    async with running(first) as one, running(second) as other:
        for name, value in (environment(other.url) | environment(one.url)).items():
            patch.setenv(name, value)
        patch.setenv("OPENAI_BASE_URL", f"{other.url}/v1")
        yield one, other


def clerk(*, limit: int = 400, remit: Remit | None = None, only: str = "") -> Agent[str]:
    """An agent that prefers the first provider, or has `only` one model."""
    return Agent(
        "clerk",
        model=only or FIRST,
        fallbacks=[] if only else [SECOND],
        instructions="Go.",
        max_output_tokens=limit,
        output_ceiling=3200,
        remit=remit,
    )


async def stamped(app: App, run: Run[str]) -> list[tuple[int, Event]]:
    """The events of a run, each with the time of its record."""
    found = []
    for record in await app.store.records("local", run.id):
        body = open_record(record)
        found += [(record.header.time_ms, event) for event in (body.events if body else ())]
    return found


async def events_of(app: App, run: Run[str]) -> list[Event]:
    return [event for _, event in await stamped(app, run)]


async def followed(app: App, agent: Agent[str]) -> tuple[Run[str], list[StreamItem]]:
    """A run that somebody follows, and what they saw."""
    seen: list[StreamItem] = []
    async for item in app.stream(agent, "hello"):
        if isinstance(item, Run):
            return item, seen
        seen.append(item)
    raise AssertionError("a stream ends with its run")


@pytest.mark.requirement("PROV-1", "PROV-9", "PROV-4")
@pytest.mark.parametrize("kind", ["overloaded", "reset", "retired", "malformed"])
async def test_another_provider_answers_and_nothing_of_the_first_stays(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(kind=kind, after_events=6)  # type: ignore[arg-type]  # one of the kinds above
    agent = clerk()
    async with (
        two(monkeypatch, saying(f"First.{SAYING}", fault), saying("Second.")) as (one, other),
        App("memory:", agents=[agent]) as app,
    ):
        run, seen = await followed(app, agent)
        events = await events_of(app, run)
    assert (run.status, run.output) == ("completed", "Second.")
    assert (len(one.served), len(other.served)) == (1, 1), "the other one is asked at once"
    (failed,) = (event for event in events if isinstance(event, ModelFailed))
    (switched,) = (event for event in events if isinstance(event, ModelSwitched))
    assert (switched.instead_of, switched.model, switched.reason) == (FIRST, SECOND, failed.kind)
    attempts = [item.attempt for item in seen if isinstance(item, StreamDelta)]
    taken_back = [item.attempt for item in seen if isinstance(item, StreamRetraction)]
    assert taken_back == ([1] if 1 in attempts else [])
    kinds = [item for item in seen if isinstance(item, StreamDelta | StreamRetraction)]
    text = ""
    for item in kinds:
        text = "" if isinstance(item, StreamRetraction) else text + item.text
    assert text == "Second."
    if kind == "malformed":
        assert taken_back == [1], "part of it was seen before it broke"


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("wish", ["retry_after_s", "resets_in_s"])
@pytest.mark.parametrize("provider", MODELS)
async def test_the_providers_wish_is_kept(
    wish: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (wish, provider) == ("resets_in_s", "google"):
        pytest.skip("Gemini tells of no limits in its headers")
    monkeypatch.setattr(SystemDice, "jitter", lambda _: 0)
    told = Fault(kind="rate_limited", first=1, **{wish: 1})  # type: ignore[arg-type]  # by name
    agent = clerk(only=MODELS[provider])
    async with running(saying("Here.", told)) as simulator:
        for name, value in environment(simulator.url).items():
            monkeypatch.setenv(name, value)
        async with App("memory:", agents=[agent]) as app:
            run = await app.run(agent, "hello")
            story = await stamped(app, run)
    assert run.output == "Here."
    ((at_ms, failed),) = ((at, each) for at, each in story if isinstance(each, ModelFailed))
    (planned,) = (each for _, each in story if isinstance(each, RetryPlanned))
    assert failed.retry_after_ms is not None
    assert 1000 <= failed.retry_after_ms <= 2000, "a reset is told against a date in whole seconds"
    assert planned.at_ms >= at_ms + failed.retry_after_ms - 1
    (again,) = (at for at, each in story if isinstance(each, ModelCompleted))
    assert again >= planned.at_ms


@pytest.mark.requirement("PROV-1", "PROV-3")
async def test_a_breaker_opens_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WallClock.now_ms
    ahead = [0]
    monkeypatch.setattr(WallClock, "now_ms", lambda self: clock(self) + ahead[0])
    outage = Fault(kind="overloaded", nth=tuple(range(1, TRIP_AFTER + 1)))
    agent = clerk()
    async with (
        two(monkeypatch, saying("First.", outage), saying("Second.")) as (one, other),
        App("memory:", agents=[agent]) as app,
    ):

        async def answers(count: int) -> list[str]:
            return [(await app.run(agent, f"hello {number}")).output for number in range(count)]

        assert await answers(TRIP_AFTER) == ["Second."] * TRIP_AFTER
        assert len(one.served) == TRIP_AFTER
        assert await answers(2) == ["Second."] * 2
        assert len(one.served) == TRIP_AFTER, "it is open: nobody asks"
        ahead[0] += COOL_MS
        assert await answers(3) == ["First."] * 3, "one look, and it is closed"
        assert len(other.served) == TRIP_AFTER + 2


@pytest.mark.requirement("PROV-9")
async def test_a_model_that_is_gone_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = Fault(kind="tool_loop")  # many turns: each could ask the first one again
    agent = clerk(remit=Remit(turns=4))
    async with (
        two(monkeypatch, saying("", Fault(kind="retired")), saying("x", cut)) as (one, other),
        App("memory:", agents=[agent]) as app,
    ):
        run = await app.run(agent, "hello")
    assert run.reason == "turn-limit"
    assert [served.status for served in one.served] == [404]
    assert len(other.served) == 4


@pytest.mark.requirement("STOP-6", "PROV-4")
@pytest.mark.parametrize("provider", MODELS)
async def test_a_cut_answer_is_asked_for_again_with_a_larger_limit(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "A long answer, word by word. " * 40  # about 290 tokens
    agent = clerk(limit=100, only=MODELS[provider])
    async with running(saying(text.strip())) as simulator:
        for name, value in environment(simulator.url).items():
            monkeypatch.setenv(name, value)
        async with App("memory:", agents=[agent]) as app:
            run, seen = await followed(app, agent)
            events = await events_of(app, run)
    limits = [one.request.max_output_tokens for one in simulator.served if one.request]
    assert limits == [100, 400]
    assert run.output == text.strip()
    (larger,) = (event for event in events if isinstance(event, OutputEscalated))
    assert larger.max_output_tokens == 400
    costs = [event.cost for event in events if isinstance(event, ModelCompleted)]
    assert len(costs) == 2
    assert run.cost_nano == sum(costs), "the cut one is paid, too"
    shown = ""
    for item in seen:
        if isinstance(item, StreamRetraction):
            shown = ""
        elif isinstance(item, StreamDelta):
            shown += item.text
    assert shown == text.strip()


@pytest.mark.requirement("PROV-2", "PROV-4", "STOP-1")
@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("provider", MODELS)
async def test_a_provider_that_falls_silent_is_asked_again(
    provider: str, streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SILENCE_S" if streams else "WHOLE_S", 0.3)
    monkeypatch.setattr(SystemDice, "jitter", lambda _: 0)
    agent = clerk(only=MODELS[provider])
    silent = Fault(kind="hang_midstream", first=1)
    async with running(saying(f"Here.{SAYING}", silent)) as simulator:
        for name, value in environment(simulator.url).items():
            monkeypatch.setenv(name, value)
        async with App("memory:", agents=[agent]) as app:
            run = (await followed(app, agent))[0] if streams else await app.run(agent, "hello")
            events = await events_of(app, run)
    assert run.output == f"Here.{SAYING}"
    (failed,) = (event for event in events if isinstance(event, ModelFailed))
    assert (failed.kind, failed.assumed) == ("timeout", True)
    assert "sent nothing for 0.3 s" in failed.detail
