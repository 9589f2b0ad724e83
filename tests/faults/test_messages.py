"""What a person reads when something is set up wrong: what, where, and the remedy."""

import os
from collections.abc import AsyncIterator

import pytest

from remit import Agent, App, Remit
from remit.adapters.models.gemini import GeminiModel
from remit.app.run import Run
from remit.errors import ConfigError, ProviderError, RunUnfinished, SpecError, UnpricedModel
from remit.policy.specimen import planted
from remit.simulator.provider import environment
from remit.simulator.scenario import ECHO, Scenario
from remit.simulator.server import running
from remit.values.media import image
from remit.values.message import Message, Origin
from remit.values.model import ModelRequest
from tests.faults.matrix import MODELS

KNOWN = "claude-haiku-4-5-20251001"
KEYS = {
    "anthropic": "set ANTHROPIC_API_KEY",
    "openai": "set OPENAI_API_KEY",
    "openai-chat": "set OPENAI_API_KEY",
    "google": "set GEMINI_API_KEY or GOOGLE_API_KEY",
}


def key_of(seed: str) -> str:
    """A key-shaped text that is put together now."""
    return planted("«sk-ant-api03-{W60}»", seed)[1]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A provider with one model that takes one key."""
    scenario = Scenario(rules=ECHO.rules, models=(KNOWN,))
    async with running(scenario, key=key_of("right")) as simulator:
        yield simulator.url


async def answered(model: str) -> Run[str]:
    """A run of an agent on that model."""
    agent = Agent("clerk", model=model, instructions="Go.", remit=Remit(model_attempts=1))
    async with App("memory:", agents=[agent]) as app:
        return await app.run(agent, "hello")


def lead(patch: pytest.MonkeyPatch, url: str, key: str) -> None:
    """Lead every client to `url` with a key."""
    for name, value in environment(url).items():
        patch.setenv(name, key if name.endswith("_KEY") else value)


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize("provider", MODELS)
async def test_a_missing_key_names_its_variable_and_the_way_without(provider: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await answered(MODELS[provider])
    assert str(caught.value) == (
        f"no key for {provider}: {KEYS[provider]}, or try it without one: remit demo"
    )


@pytest.mark.requirement("UX-1", "SEC-3")
@pytest.mark.parametrize("provider", MODELS)
async def test_a_wrong_key_is_said_and_not_shown(
    provider: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(monkeypatch, url, key_of("wrong"))
    run = await answered(MODELS[provider])
    assert (run.status, run.reason) == ("stopped", "provider.auth")
    assert f"{provider} answered 40" in run.detail
    assert "; check the API key and what it may do" in run.detail
    assert ".;" not in run.detail
    with pytest.raises(RunUnfinished, match=r"provider\.auth \(.*check the API key") as caught:
        _ = run.output
    assert os.environ["OPENAI_API_KEY"][20:40] not in f"{run!r} {caught.value}"


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize("provider", MODELS)
async def test_an_unknown_model_is_named(
    provider: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(monkeypatch, url, key_of("right"))
    model = MODELS[provider].replace("haiku", "sonnet").replace("20251001", "20250929")
    run = await answered(model)
    assert (run.status, run.reason) == ("stopped", "provider.not_found")
    assert model.partition(":")[2] in run.detail
    assert "check the model name and the base URL" in run.detail


@pytest.mark.requirement("UX-1", "BUD-7")
@pytest.mark.parametrize("model", ["anthropic:claude-unheard-9-20260101", "antropic:" + KNOWN])
async def test_an_unpriced_model_is_refused_with_near_names_and_the_remedy(model: str) -> None:
    with pytest.raises(UnpricedModel) as caught:
        await answered(model)
    told = str(caught.value)
    assert f"model '{model}' has no known price" in told
    assert "did you mean anthropic:claude-" in told
    assert f"prices={{'{model}': declare('{model}', input_usd=" in told


@pytest.mark.requirement("UX-1", "PROV-6")
async def test_a_floating_name_is_refused_with_dated_ones(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(monkeypatch, url, key_of("right"))
    with pytest.raises(SpecError, match=r"floating alias.*write 'openai:gpt-4o-\d"):
        await answered("openai:gpt-4o")


@pytest.mark.requirement("UX-1")
async def test_a_part_that_a_model_does_not_take_is_named_with_those_it_takes(url: str) -> None:
    content = b"GIF89a" + bytes(20)
    part = image(content, "image/gif", Origin(kind="user"))
    request = ModelRequest(
        model="gemini-2.5-flash",
        system="",
        messages=(Message(role="user", parts=(part,)),),
        max_output_tokens=9,
        media={part.digest: content},
    )
    model = GeminiModel(key_of("right"), base_url=url)
    with pytest.raises(ProviderError) as caught:
        await model.answer(request, deadline_s=9, emit=lambda _: None)
    await model.close()
    assert caught.value.kind == "bad_request"
    assert str(caught.value) == (
        "images of type image/gif are not taken by gemini-2.5-flash; send png, jpeg or webp"
    )


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("htp://x", "base URL 'htp://x': it begins with https:// and names a host"),
        ("http://example.com/", "plain http would send the key in clear .*; use https, or permit"),
        ("https://ann:pass@h/", "it has no user, password, query or fragment; the key is a sett"),
    ],
)
async def test_a_base_url_that_cannot_be_is_refused(
    address: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(monkeypatch, address, key_of("right"))
    with pytest.raises(ConfigError, match=words) as caught:
        await answered(MODELS["anthropic"])
    assert "ann:pass" not in str(caught.value)


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize("key", ["k", "none", key_of("right")])
async def test_a_base_url_that_leads_nowhere_is_named(
    key: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(monkeypatch, "http://127.0.0.1:1", key)
    run = await answered(MODELS["anthropic"])
    assert run.reason == "provider.connection"
    assert "anthropic at http://127.0.0.1:1: cannot connect" in run.detail
    assert run.detail.endswith("check the base URL and the network")
    lead(monkeypatch, f"{url}/elsewhere", key)
    run = await answered(MODELS["anthropic"])
    assert run.reason == "provider.not_found"
    assert "check the model name and the base URL" in run.detail
