"""Effort goes to models that take it, whatever else the agent may fall back on."""

import pytest

from remit import Agent, App, declare
from remit.errors import ProviderError
from remit.runtime.effort import effort_for
from remit.values.model import Effort, ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage


@pytest.mark.parametrize(
    "model",
    [
        "openai:gpt-5-mini-2025-08-07",
        "openai-chat:o3-2025-04-16",
        "anthropic:claude-opus-4-5-20251101",
        "anthropic:claude-sonnet-4-6",
        "anthropic:claude-haiku-5-5",
        "anthropic:claude-next",
        "google:gemini-3-pro",
        "groq:gpt-oss-120b",
    ],
)
def test_models_that_can_be_told(model: str) -> None:
    assert effort_for(model, "low") == "low"
    assert effort_for(model, None) is None


@pytest.mark.parametrize(
    "model",
    [
        "openai:gpt-4.1-2025-04-14",
        "openai-chat:gpt-4o-2024-11-20",
        "anthropic:claude-haiku-4-5-20251001",
        "anthropic:claude-sonnet-4-20250514",
        "anthropic:claude-opus-4-1-20250805",
        "anthropic:claude-3-5-haiku-20241022",
    ],
)
def test_models_that_would_refuse_it(model: str) -> None:
    assert effort_for(model, "low") is None


class Kept:
    """Keeps what it was asked; the first of its providers is down."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.seen: list[Effort | None] = []

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: object
    ) -> ModelAnswer:
        self.seen.append(request.effort)
        if self.provider == "openai":
            raise ProviderError("overloaded", kind="overloaded")
        return ModelAnswer(
            parts=(RawText("x"),), stop="end", usage=Usage(input=1, output=1), model=request.model
        )

    async def close(self) -> None: ...


async def test_an_agents_effort_reaches_the_models_that_take_it() -> None:
    first, second = Kept("openai"), Kept("anthropic")
    agent = Agent(
        "clerk",
        model="openai:gpt-5-mini-2025-08-07",
        fallbacks=["anthropic:claude-haiku-4-5-20251001"],
        instructions="Sell lamps.",
        effort="low",
    )
    models = {"openai": first, "anthropic": second}
    prices = {f"{name}:*": declare("m:x", input_usd="1", output_usd="2") for name in models}
    async with App("memory:", agents=[agent], models=models, prices=prices) as app:
        run = await app.run(agent, "hello")
    assert run.output == "x"
    assert (first.seen, second.seen) == (["low"], [None])
