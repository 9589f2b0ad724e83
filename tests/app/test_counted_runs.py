"""Runs whose requests the provider counts first, over the wire: the count is what is billed."""

from collections.abc import Callable

import pytest

from remit import Agent, App, Remit, tool
from remit.adapters.models.anthropic import AnthropicModel
from remit.adapters.models.gemini import GeminiModel
from remit.adapters.models.http import HttpModel
from remit.adapters.models.openai import OpenAIChatModel, OpenAIModel
from remit.journal.codec import open_record
from remit.journal.events import InputCounted, ModelCompleted, ModelRequested
from remit.machine.counting import counted_bound
from remit.simulator.load import parse_scenario
from remit.simulator.server import running

SCENARIO = parse_scenario(
    """
[[rule]]
when = { results = 1 }
text = "Rome is warm."

[[rule]]
calls = [{ tool = "weather", arguments = { city = "Rome" } }]
"""
)


@tool(access="read")
async def weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: {len(city)} degrees"


def traveller(model: str) -> Agent[str]:
    return Agent(
        "traveller",
        model=model,
        instructions="Tell the weather.",
        tools=[weather],
        remit=Remit(cost_usd="1.00"),
        input_count="always",
    )


async def events_of(app: App, run: str) -> list[object]:
    bodies = [open_record(record) for record in await app.store.records("local", run)]
    return [event for body in bodies if body is not None for event in body.events]


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("anthropic:claude-sonnet-4-5-20250929", AnthropicModel),
        ("openai:gpt-5-2025-08-07", OpenAIModel),
        ("google:gemini-3-flash-preview", GeminiModel),
    ],
)
async def test_the_count_is_what_the_answer_is_billed(
    name: str, kind: Callable[..., HttpModel]
) -> None:
    agent = traveller(name)
    async with running(SCENARIO) as simulator:
        model = kind("any", base_url=simulator.url)
        async with App("memory:", agents=[agent], models={model.provider: model}) as app:
            run = await app.run(agent, "How is the weather? " * 50)
            assert (run.status, run.output) == ("completed", "Rome is warm.")
            events = await events_of(app, run.id)
    counted = [event for event in events if isinstance(event, InputCounted)]
    asked = [event for event in events if isinstance(event, ModelRequested)]
    billed = [event.usage.input for event in events if isinstance(event, ModelCompleted)]
    assert [each.detail for each in counted] == ["", ""]
    assert [each.tokens for each in counted] == billed
    tokens = [each.tokens or 0 for each in counted]
    assert [each.input_bound for each in asked] == [counted_bound(10**6, n) for n in tokens]


@pytest.mark.requirement("BUD-1")
async def test_a_protocol_without_counts_goes_by_the_bound() -> None:
    agent = traveller("openai-chat:gpt-4.1-2025-04-14")
    async with running(SCENARIO) as simulator:
        model = OpenAIChatModel("any", base_url=simulator.url)
        async with App("memory:", agents=[agent], models={"openai-chat": model}) as app:
            run = await app.run(agent, "How is the weather?")
            events = await events_of(app, run.id)
    assert run.output == "Rome is warm."
    counted = [event for event in events if isinstance(event, InputCounted)]
    assert {each.tokens for each in counted} == {None}
    assert all("no place that counts tokens" in each.detail for each in counted)


async def test_openais_own_models_behind_a_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = traveller("openai-chat:gpt-5-mini-2025-08-07")
    async with running(SCENARIO) as simulator:
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        async with App("memory:", agents=[agent]) as app:
            run = await app.run(agent, "How is the weather?")
    assert (run.status, run.output) == ("completed", "Rome is warm.")
