"""The second turn of a session reads the provider's cache, shows it, and costs less."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from remit import Agent, App, Remit, tool
from remit.adapters.models.anthropic import AnthropicModel
from remit.adapters.models.gemini import GeminiModel
from remit.adapters.models.http import HttpModel
from remit.adapters.models.openai import OpenAIChatModel, OpenAIModel
from remit.adapters.prices import Table
from remit.journal.events import ModelCompleted, ModelRequested
from remit.simulator.load import parse_scenario
from remit.simulator.server import running
from remit.values.money import price_of
from tests.runtime.stage import told

LONG = "You answer questions about lamps, kindly and in one sentence. " * 400
SCENARIO = parse_scenario(
    """
[[rule]]
when = { task = "stock", results = 0 }
calls = [ { tool = "count_stock", arguments = { lamp = "blue" } } ]

[[rule]]
text = "The blue one."
"""
)
CASES: tuple[tuple[str, Callable[..., HttpModel], int], ...] = (
    # of what is written to a cache only Anthropic and OpenAI tell
    ("anthropic:claude-haiku-4-5-20251001", AnthropicModel, 1),
    ("openai:gpt-5-mini-2025-08-07", OpenAIModel, 1),
    ("openai-chat:gpt-5-mini-2025-08-07", OpenAIChatModel, 1),
    ("google:gemini-2.5-flash", GeminiModel, 0),
)


@tool
async def count_stock(lamp: str) -> str:
    """Count the lamps of a kind in stock."""
    return f"{lamp}: 7"


async def turns(
    name: str, client: Callable[..., HttpModel], *questions: str, tools: bool = False
) -> list[list[tuple[ModelRequested, ModelCompleted]]]:
    """Calls of the model by turn of one session."""
    agent = Agent(
        "clerk",
        model=name,
        instructions=LONG,
        tools=[count_stock] if tools else [],
        remit=Remit(cost_usd="1.00"),
    )
    found = []
    async with running(SCENARIO) as simulator:
        model = client("any", base_url=simulator.url)
        async with App("memory:", agents=[agent], models={name.partition(":")[0]: model}) as app:
            for question in questions:
                run = await app.run(agent, question, session="s1")
                assert (run.status, run.output) == ("completed", "The blue one.")
                asked = await told(app, run.id, ModelRequested)
                answered = await told(app, run.id, ModelCompleted)
                found.append(list(zip(asked, answered, strict=True)))
    return found


def paid(calls: list[tuple[ModelRequested, ModelCompleted]]) -> int:
    return sum(
        post.amount
        for _, answer in calls
        for post in answer.posts
        if post.account.startswith("run:") and post.account.endswith("|nano")
    )


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize(("name", "client", "tells"), CASES)
async def test_the_second_turn_reads_the_cache_and_costs_less(
    name: str, client: Callable[..., HttpModel], tells: int
) -> None:
    first, second, third = await turns(name, client, "Which lamp?", "Really?", "And now?")
    (began,), (went_on,), (again,) = (
        [answer.usage for _, answer in each] for each in (first, second, third)
    )
    assert began.cache_read == 0
    assert (began.cache_write > 0) == bool(tells)
    assert went_on.cache_read > 0.9 * began.input
    assert again.cache_read > went_on.cache_read  # what was said in between was cached, too
    assert paid(second) < Decimal("0.6") * paid(first)


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize(("name", "client", "tells"), CASES)
async def test_a_loop_of_tools_reads_what_it_sent_before(
    name: str, client: Callable[..., HttpModel], tells: int
) -> None:
    ((first, second),) = await turns(name, client, "What is in stock?", tools=True)
    assert second[1].usage.cache_read > 0.9 * first[1].usage.input


@pytest.mark.requirement("BUD-1")
async def test_the_hold_covers_the_dearer_writing() -> None:
    """A write to Anthropic's cache costs a quarter more than plain input."""
    name, client, _ = CASES[0]
    ((call,),) = await turns(name, client, "Which lamp?")
    asked, answer = call
    held = {hold.account: hold.amount for hold in asked.holds}
    posted = {post.account: post.amount for post in answer.posts}
    assert answer.usage.cache_write > 0.9 * answer.usage.input
    assert set(posted) == set(held)
    assert all(posted[account] <= amount for account, amount in held.items())
    price = Table().price(name)
    assert price.cache_write > price.input
    nano = next(amount for account, amount in held.items() if account.endswith("|nano"))
    assert nano >= price_of(asked.input_bound, price.cache_write)
