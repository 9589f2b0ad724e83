"""What the simulator remembers is told and bounded; a function can be the model."""

import json
from collections.abc import AsyncIterator

import aiohttp
import anthropic
import pytest
from anthropic.types import MessageParam

from remit.simulator import served, server
from remit.simulator.compose import call, compose
from remit.simulator.load import parse_scenario
from remit.simulator.scenario import ECHO, Fault, Scenario
from remit.simulator.server import Simulator, running
from remit.values.model import ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage

MODEL = "claude-haiku-4-5-20251001"
SCENARIO = parse_scenario(
    """
[[rule]]
text = "You said: ${task}"

[[fault]]
kind = "rate_limited"
when = { task = "LIMIT" }
"""
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(SCENARIO, key="right") as found:
        yield found


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        api_key="right", base_url=simulator.url, max_retries=0
    ) as found:
        yield found


def user(text: str) -> MessageParam:
    return {"role": "user", "content": text}


async def test_it_tells_what_it_served(
    simulator: Simulator, client: anthropic.AsyncAnthropic
) -> None:
    await client.messages.create(model=MODEL, max_tokens=99, messages=[user("hi")])
    with pytest.raises(anthropic.RateLimitError):
        await client.messages.create(model=MODEL, max_tokens=99, messages=[user("LIMIT")])
    with pytest.raises(anthropic.BadRequestError):
        await client.messages.create(model=MODEL, max_tokens=0, messages=[user("hi")])
    good, limited, bad = simulator.served
    assert (good.status, good.fault, good.error) == (200, None, "")
    assert good.request is not None
    assert good.request.messages[0].text == "hi"
    assert good.answer is not None
    assert good.answer.parts == (RawText("You said: hi"),)
    assert limited.status == 429
    assert limited.fault is not None
    assert (bad.status, bad.request) == (400, None)
    assert simulator.usage == {MODEL: good.answer.usage}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{simulator.url}/_simulator/report") as response,
    ):
        report = await response.json()
    assert report["usage"] == {MODEL: good.answer.usage.model_dump()}
    assert [row["status"] for row in report["served"]] == [200, 429, 400]
    assert report["served"][1]["fault"] == "rate_limited"


async def test_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MAX_DIGESTS", 2)
    faulty = Scenario(rules=ECHO.rules, faults=(Fault(kind="overloaded", first=1),))
    async with (
        running(faulty) as simulator,
        anthropic.AsyncAnthropic(api_key="k", base_url=simulator.url, max_retries=0) as client,
    ):

        async def ask(text: str) -> int:
            response = await client.messages.with_raw_response.create(
                model="m", max_tokens=9, messages=[user(text)]
            )
            return response.status_code

        for text in ("a", "b", "c"):
            with pytest.raises(anthropic.InternalServerError):
                await ask(text)
        assert await ask("c") == 200
        with pytest.raises(anthropic.InternalServerError):
            await ask("a")  # forgotten


async def test_what_it_served_is_bounded_in_number_and_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(served, "MAX_SERVED", 3)
    monkeypatch.setattr(served, "MAX_SERVED_BYTES", 5000)
    monkeypatch.setattr(served, "MAX_MODELS", 1)
    async with (
        running() as simulator,
        anthropic.AsyncAnthropic(api_key="k", base_url=simulator.url, max_retries=0) as client,
    ):
        for model in ("a", "b", "a", "c"):
            await client.messages.create(model=model, max_tokens=9, messages=[user("hi")])
        kept = [served.request.model for served in simulator.served if served.request]
        assert kept == ["b", "a", "c"]
        assert set(simulator.usage) == {"a", "other models"}
        await client.messages.create(model="a", max_tokens=9, messages=[user("x" * 4900)])
        assert len(simulator.served) == 1
        await client.messages.create(model="a", max_tokens=9, messages=[user("x" * 5000)])
        assert not simulator.served


async def test_a_function_can_be_the_model() -> None:
    def script(request: ModelRequest) -> ModelAnswer | Fault:
        task = request.messages[-1].text
        if task == "fail":
            return Fault(kind="cut", after_events=1)
        return compose(request, call("go", f'{{"to":{json.dumps(task)}}}'), input_tokens=77)

    async with (
        running(script) as simulator,
        anthropic.AsyncAnthropic(api_key="k", base_url=simulator.url, max_retries=0) as client,
    ):
        message = await client.messages.create(model="m", max_tokens=99, messages=[user("Rome")])
        assert message.content[0].type == "tool_use"
        assert message.content[0].input == {"to": "Rome"}
        assert message.usage.input_tokens == 77
        async with client.messages.stream(
            model="m", max_tokens=99, messages=[user("fail")]
        ) as stream:
            assert [event.type async for event in stream] == ["message_start"]
        told, broken = simulator.served
        assert told.answer is not None
        assert broken.answer is not None
        assert told.answer.usage == Usage(input=77, output=message.usage.output_tokens)
        assert simulator.usage["m"] == told.answer.usage + broken.answer.usage


async def test_a_function_that_raises_is_named() -> None:
    def script(_request: ModelRequest) -> ModelAnswer | Fault:
        raise KeyError("nobody")

    async with (
        running(script) as simulator,
        anthropic.AsyncAnthropic(api_key="k", base_url=simulator.url, max_retries=0) as client,
    ):
        with pytest.raises(anthropic.BadRequestError, match="the scenario's function raised Key"):
            await client.messages.create(model="m", max_tokens=9, messages=[user("hi")])
