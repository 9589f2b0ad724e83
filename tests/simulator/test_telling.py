"""The official SDKs ask the simulator for one model."""

from dataclasses import replace

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from remit.errors import ProviderError
from remit.simulator.anthropic import AnthropicEndpoint
from remit.simulator.load import parse_scenario
from remit.simulator.server import running
from remit.simulator.telling import told_of

# The SDK derives a class of aiohttp's, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")

SCENARIO = parse_scenario('models = ["some-model"]\n[[rule]]\ntext = "x"\n')


async def test_anthropics_sdk() -> None:
    async with (
        running(SCENARIO) as simulator,
        anthropic.AsyncAnthropic(api_key="k", base_url=simulator.url, max_retries=0) as client,
    ):
        assert (await client.models.retrieve("some-model")).lifecycle == "active"
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("another")


async def test_openais_sdk() -> None:
    async with running(SCENARIO) as simulator:
        url = f"{simulator.url}/v1"
        async with openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0) as client:
            assert (await client.models.retrieve("some-model")).id == "some-model"
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("a/b")


async def test_googles_sdk() -> None:
    async with running(SCENARIO) as simulator:
        options = types.HttpOptions(base_url=simulator.url)
        client = genai.Client(api_key="k", http_options=options)
        assert (await client.aio.models.get(model="some-model")).name == "models/some-model"
        with pytest.raises(errors.ClientError):
            await client.aio.models.get(model="another")
        await client.aio.aclose()
        client.close()


def test_every_model_is_there_where_none_are_named() -> None:
    endpoint = AnthropicEndpoint()
    assert b'"any"' in told_of(endpoint, (), "any")
    endpoint.codec = replace(endpoint.codec, looking=None)
    with pytest.raises(ProviderError):
        told_of(endpoint, (), "any")
