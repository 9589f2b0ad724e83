"""A whole run on a Gemini model: tools in parallel, and each signature goes back where it was."""

import json

import pytest

from remit import Agent, App, Remit, tool
from remit.adapters.models.gemini import GeminiModel
from remit.simulator.load import parse_scenario
from remit.simulator.server import running
from remit.values.message import CallPart, ResultPart, ThinkingPart
from remit.values.model import RawThinking

SCENARIO = parse_scenario(
    """
[[rule]]
when = { results = 2 }
text = "Rome is warm, Oslo is cold."

[[rule]]
thinking = "Two places."
calls = [
    { tool = "weather", arguments = { city = "Rome" } },
    { tool = "weather", arguments = { city = "Oslo" } },
]
"""
)


@tool(access="read")
async def weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: {len(city)} degrees"


@pytest.mark.parametrize("name", ["google", "gemini"])
async def test_a_run(name: str) -> None:
    agent = Agent(
        "traveller",
        model=f"{name}:gemini-3-flash-preview",
        instructions="Tell the weather.",
        tools=[weather],
        remit=Remit(cost_usd="1.00", tool_calls=5),
    )
    async with running(SCENARIO) as simulator:
        model = GeminiModel("any", base_url=simulator.url)
        async with App("memory:", agents=[agent], models={name: model}) as app:
            run = await app.run(agent, "How is the weather?")
            assert (run.status, run.output) == ("completed", "Rome is warm, Oslo is cold.")
        asked = simulator.served[-1].request
        first = simulator.served[0].answer
    assert asked is not None
    assert first is not None
    _, said, results = asked.messages
    back = [
        (part.signature, part.redacted) for part in said.parts if isinstance(part, ThinkingPart)
    ]
    given = [
        (part.signature, part.redacted) for part in first.parts if isinstance(part, RawThinking)
    ]
    assert back == given
    assert all(map(any, given))
    assert isinstance(said.parts[-3], ThinkingPart)  # right before the first of the two calls
    assert isinstance(said.parts[-2], CallPart)
    assert [json.loads(part.arguments)["city"] for part in said.calls] == ["Rome", "Oslo"]
    texts = [part.text for part in results.parts if isinstance(part, ResultPart)]
    assert texts == ["Rome: 4 degrees", "Oslo: 4 degrees"]
