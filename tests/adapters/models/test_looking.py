"""Whether a model is there is asked of servers that tell it in one way, in another, or not."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from remit.adapters.models.anthropic import AnthropicModel
from remit.adapters.models.gemini import GeminiModel
from remit.adapters.models.http import HttpModel
from remit.adapters.models.looking import look
from remit.adapters.models.openai import OpenAIChatModel, OpenAIModel
from remit.errors import ProviderError
from remit.ports import ModelChecker
from remit.simulator.load import parse_scenario
from remit.simulator.server import running
from remit.values.model import ModelCard
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.codec import Looking
from remit.wire.openai_chat.codec import OPENAI_CHAT

KEY = "a-key-that-is-long-enough-to-be-scrubbed"
NOT_FOUND = ProviderError("no such thing", kind="not_found", status=404)
Answers = Mapping[str, bytes | ProviderError]
LOOKING = OPENAI_CHAT.looking
assert LOOKING is not None


async def told(
    answers: Answers, model: str = "gpt-5", looking: Looking = LOOKING
) -> ModelCard | None:
    async def fetch(path: str) -> tuple[bytes, int | None]:
        found = answers.get(path, NOT_FOUND)
        if isinstance(found, ProviderError):
            raise found
        return found, 7

    return await look(looking, model, fetch, "openai at home")


@pytest.mark.requirement("PROV-7")
async def test_one_model_is_told_of_alone() -> None:
    card = await told({"/v1/models/gpt-5": b'{"id":"gpt-5"}'})
    assert card == ModelCard(name="gpt-5", told_ms=7)


@pytest.mark.requirement("PROV-7")
async def test_a_retired_model_is_named_so() -> None:
    body = b'{"id":"gpt-5","active":false,"shutdown_date":"2026-05-01"}'
    for answers in (
        {"/v1/models/gpt-5": body},
        {"/v1/models": b"[" + body + b"]"},
    ):
        with pytest.raises(ProviderError, match="'gpt-5' is retired since 2026-05-01") as caught:
            await told(answers)
        assert caught.value.kind == "not_found"
    with pytest.raises(ProviderError, match="'gpt-5' is retired; name another"):
        await told({"/v1/models/gpt-5": b'{"id":"gpt-5","active":false}'})


async def test_servers_that_have_a_list_only() -> None:
    answers: Answers = {"/v1/models": b'{"data":[{"id":"gpt-5"},{"id":"gpt-5-mini"}]}'}
    assert await told(answers) == ModelCard(name="gpt-5", told_ms=7)
    with pytest.raises(ProviderError, match=r"no model 'gpt-5-min': .* mean gpt-5-mini, gpt-5\?"):
        await told(answers, "gpt-5-min")
    with pytest.raises(ProviderError, match=r"not for this key$"):
        await told(answers, "zzz")


async def test_servers_that_tell_nothing() -> None:
    assert await told({}) is None
    assert await told({"/v1/models": b"<html>"}) is None


@pytest.mark.parametrize("kind", ["auth", "timeout", "server"])
async def test_what_says_nothing_of_the_model_is_raised(kind: str) -> None:
    failure = ProviderError("no", kind=kind)
    with pytest.raises(ProviderError) as caught:
        await told({"/v1/models/gpt-5": failure})
    assert caught.value is failure
    with pytest.raises(ProviderError) as caught:
        await told({"/v1/models": failure})
    assert caught.value is failure


async def test_deployments_are_the_users_own() -> None:
    azure = OpenAIChatModel(KEY, base_url="https://r.openai.azure.com")._codec.looking
    assert azure is not None
    assert await told({"/openai/v1/models": b"{}"}, "mine", azure) is None
    with pytest.raises(ProviderError):
        await told({"/openai/v1/models": ProviderError("no", kind="auth")}, "mine", azure)


# ---------------------------------------------------------------- over the wire

SCENARIO = parse_scenario('models = ["claude-a", "gpt-a", "gemini-a"]\n[[rule]]\ntext = "x"\n')


def clients(url: str, key: str = KEY) -> dict[str, HttpModel]:
    return {
        "claude-a": AnthropicModel(key, base_url=url),
        "gpt-a": OpenAIModel(key, base_url=url),
        "gemini-a": GeminiModel(key, base_url=url),
    }


@pytest.mark.requirement("PROV-7")
async def test_each_client_asks_the_simulator() -> None:
    async with running(SCENARIO, key=KEY) as simulator:
        models = {**clients(simulator.url), "gpt-a ": OpenAIChatModel(KEY, base_url=simulator.url)}
        for name, client in models.items():
            assert isinstance(client, ModelChecker)
            card = await client.check(name.strip(), deadline_s=10)
            assert card is not None
            assert card.name == name.strip()
            assert card.told_ms is not None
            with pytest.raises(ProviderError, match="has no model 'gone-b'") as caught:
                await client.check("gone-b", deadline_s=10)
            assert caught.value.kind == "not_found"
            await client.close()
        for name, client in clients(simulator.url, "another-key-that-is-quite-long").items():
            with pytest.raises(ProviderError) as caught:
                await client.check(name, deadline_s=10)
            assert caught.value.kind == "auth"
            assert "another-key" not in str(caught.value)
            await client.close()
        assert simulator.usage == {}


async def test_a_provider_that_tells_nothing_counts_instead() -> None:
    async with running(SCENARIO) as simulator:
        client = GeminiModel(KEY, base_url=f"{simulator.url}/v1/publishers/google")
        assert await client.check("gemini-a", deadline_s=10) == ModelCard(name="gemini-a")
        await client.close()
    codec = replace(ANTHROPIC, looking=None, counting=None)
    assert await HttpModel(codec, KEY, base_url="http://localhost:1").check("x") is None
