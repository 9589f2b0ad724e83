"""The OpenAI clients against the simulator, and where they find servers compatible with them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from remit.adapters.models.http import HttpModel
from remit.adapters.models.openai import OpenAIChatModel, OpenAIModel
from remit.errors import ConfigError, ProviderError
from remit.simulator.load import parse_scenario
from remit.simulator.server import Simulator, running
from remit.values.clean import Clean
from remit.values.message import CallPart, Message, Part, TextPart, ThinkingPart
from remit.values.model import (
    Delta,
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawText,
    RawThinking,
    ToolSchema,
)
from tests.adapters.models import conversations
from tests.adapters.models.conversations import ignore
from tests.simulator.conversations import MODEL, answered

KEY = "a-key-that-is-long-enough-to-be-scrubbed"
TOOL = ToolSchema("find", "Finds.", '{"type":"object"}')
SCENARIO = parse_scenario(
    r"""
models = ["gpt-6-sol"]

[[rule]]
when = { task = "look", results = 2 }
text = "Found both."

[[rule]]
when = { task = "look" }
thinking = "Two places."
calls = [ { tool = "find", raw = '{"n":1.10}' }, { tool = "find", raw = '{"n":2}' } ]

[[rule]]
text = "${task}"

[[fault]]
kind = "rate_limited"
when = { task = "^limited" }
retry_after_s = 7.5

[[fault]]
kind = "overloaded"
when = { task = "^overloaded" }

[[fault]]
kind = "server_error"
when = { task = "^500" }

[[fault]]
kind = "hang"
when = { task = "^silent" }

[[fault]]
kind = "hang_midstream"
when = { task = "^hang" }

[[fault]]
kind = "reset"
when = { task = "^reset" }

[[fault]]
kind = "cut"
when = { task = "^cut" }

[[fault]]
kind = "malformed"
when = { task = "^malformed" }

[[fault]]
kind = "stream_error"
when = { task = "^reported" }
"""
)
CLIENTS: tuple[type[OpenAIModel | OpenAIChatModel], ...] = (OpenAIModel, OpenAIChatModel)


def request(text: str = "hello", *, stream: bool = True) -> ModelRequest:
    return replace(conversations.request(text, stream=stream), model="gpt-6-sol")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(SCENARIO, key=KEY) as server:
        yield server


@pytest.fixture(params=CLIENTS, ids=lambda client: str(client.__name__))
async def model(
    request: pytest.FixtureRequest, simulator: Simulator
) -> AsyncIterator[OpenAIModel | OpenAIChatModel]:
    kind = request.param
    client: OpenAIModel | OpenAIChatModel
    if kind is OpenAIModel:
        client = OpenAIModel(KEY, base_url=simulator.url)
    else:
        client = OpenAIChatModel(
            KEY, base_url=simulator.url, limit="max_completion_tokens", reasoning=""
        )
    yield client
    await client.close()


def turn(answer: ModelAnswer) -> Message:
    """An answer as it goes back into the conversation, with ids of our own."""
    parts: list[Part] = []
    for index, raw in enumerate(answer.parts):
        match raw:
            case RawThinking():
                parts.append(
                    ThinkingPart(
                        text=Clean.vouch(raw.text),
                        redacted=raw.redacted,
                        item=raw.item,
                        origin=MODEL,
                    )
                )
            case RawCall():
                parts.append(
                    CallPart(
                        call=f"c{index}",
                        provider_id=raw.provider_id,
                        tool=raw.tool,
                        arguments=Clean.vouch(raw.arguments),
                        origin=MODEL,
                    )
                )
            case RawText():
                parts.append(TextPart(text=Clean.vouch(raw.text), origin=MODEL))
    return Message(role="assistant", parts=tuple(parts))


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_loop_with_parallel_calls(model: HttpModel, *, stream: bool) -> None:
    deltas: list[Delta] = []
    asked = replace(request("look", stream=stream), tools=(TOOL,))
    first = await model.answer(asked, deadline_s=10, emit=deltas.append)
    calls = [part for part in first.parts if isinstance(part, RawCall)]
    assert [(call.tool, call.arguments) for call in calls] == [
        ("find", '{"n":1.10}'),
        ("find", '{"n":2}'),
    ]
    assert (first.stop, first.model, first.service_tier) == ("tools", "gpt-6-sol", "default")
    assert first.request_id
    assert first.limits.requests_remaining is not None
    assert bool(deltas) is stream

    results = answered(*((call.provider_id, "here") for call in calls))
    again = replace(asked, messages=(*asked.messages, turn(first), results))
    second = await model.answer(again, deadline_s=10, emit=ignore)
    assert (second.parts, second.stop) == ((RawText("Found both."),), "end")
    assert second.left_behind == ()


async def test_what_another_provider_signed_is_left_behind_by_name(model: HttpModel) -> None:
    signed = ThinkingPart(
        text=Clean.vouch("hm"),
        signature="c2ln",
        origin=MODEL.model_copy(update={"name": "anthropic:claude-sonnet-5"}),
    )
    text = TextPart(text=Clean.vouch("Hello."), origin=MODEL)
    asked = request("look")
    turns = (*asked.messages, Message(role="assistant", parts=(signed, text)), *asked.messages)
    answer = await model.answer(replace(asked, messages=turns), deadline_s=10, emit=ignore)
    assert answer.left_behind == ("signed reasoning of anthropic:claude-sonnet-5 (1)",)


FAULTS = {
    "limited": "rate_limited",
    "overloaded": "overloaded",
    "500": "server",
    "reset": "stream_broken",
    "malformed": "malformed",
}
IN_STREAMS = {"cut": "stream_broken", "reported": "stream_broken"}


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize(
    ("task", "stream"),
    [(task, stream) for task in FAULTS for stream in (True, False)]
    + [(task, True) for task in IN_STREAMS],
)
async def test_faults_are_errors_of_their_kind(
    model: HttpModel, task: str, *, stream: bool
) -> None:
    kind = (FAULTS | IN_STREAMS)[task]
    with pytest.raises(ProviderError) as caught:
        await model.answer(request(f"{task} please", stream=stream), deadline_s=10, emit=ignore)
    assert caught.value.kind == kind
    assert KEY not in str(caught.value)
    if task == "limited":
        assert caught.value.retry_after_ms == 8000


@pytest.mark.parametrize("task", ["silent", "hang"])
async def test_hanging_ends_with_the_deadline(model: HttpModel, task: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await model.answer(request(task), deadline_s=0.3, emit=ignore)
    assert caught.value.kind == "timeout"


async def test_a_wrong_key_and_an_unknown_model(simulator: Simulator) -> None:
    for client in CLIENTS:
        model = client("a-wrong-key-that-is-long-enough", base_url=simulator.url)
        with pytest.raises(ProviderError, match="check the API key") as caught:
            await model.answer(request(), deadline_s=10, emit=ignore)
        assert caught.value.kind == "auth"
        await model.close()
        model = client(KEY, base_url=simulator.url)
        unknown = replace(request(), model="llama-9")
        with pytest.raises(ProviderError, match="does not exist") as caught:
            await model.answer(unknown, deadline_s=10, emit=ignore)
        assert caught.value.kind == "not_found"
        await model.close()


async def test_tokens_are_counted_where_the_service_counts(simulator: Simulator) -> None:
    model = OpenAIModel(KEY, base_url=simulator.url)
    assert await model.count(request("hello " * 100)) > 100
    await model.close()
    chat = OpenAIChatModel(KEY, base_url=simulator.url)
    with pytest.raises(ProviderError, match="has no place that counts tokens"):
        await chat.count(request())
    await chat.close()


# ---------------------------------------------------------------- addresses

RESPONSES: list[tuple[str | None, str, str]] = [
    (None, "", "https://api.openai.com/v1/responses"),
    ("https://api.openai.com/v1/", "", "https://api.openai.com/v1/responses"),
    ("https://eu.api.openai.com", "", "https://eu.api.openai.com/v1/responses"),
    ("http://localhost:8000/v1", "", "http://localhost:8000/v1/responses"),
    ("https://x.test/api/v4", "", "https://x.test/api/v4/responses"),
    ("https://x.openai.azure.com", "", "https://x.openai.azure.com/openai/v1/responses"),
    (
        "https://x.openai.azure.com/openai/v1",
        "preview",
        "https://x.openai.azure.com/openai/v1/responses?api-version=preview",
    ),
    (
        "https://x.openai.azure.com",
        "2025-04-01-preview",
        "https://x.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
    ),
]
OLDER = "deployments/gpt-6-sol/chat/completions?api-version=2024-10-21"
CHAT: list[tuple[str | None, str, str]] = [
    (None, "", "https://api.openai.com/v1/chat/completions"),
    ("https://openrouter.ai/api/v1", "", "https://openrouter.ai/api/v1/chat/completions"),
    ("https://api.z.ai/api/paas/v4", "", "https://api.z.ai/api/paas/v4/chat/completions"),
    ("http://localhost:11434", "", "http://localhost:11434/v1/chat/completions"),
    (
        "https://x.openai.azure.com/openai",
        "",
        "https://x.openai.azure.com/openai/v1/chat/completions",
    ),
    (
        "https://x.cognitiveservices.azure.com",
        "2024-10-21",
        f"https://x.cognitiveservices.azure.com/openai/{OLDER}",
    ),
    (
        "https://x.services.ai.azure.com/openai/",
        "2024-10-21",
        f"https://x.services.ai.azure.com/openai/{OLDER}",
    ),
]


def where(model: HttpModel) -> str:
    return model._base + model._codec.path(request())  # no public face


@pytest.mark.parametrize(("base_url", "version", "url"), RESPONSES)
def test_where_responses_is_found(base_url: str | None, version: str, url: str) -> None:
    assert where(OpenAIModel(KEY, base_url=base_url, api_version=version)) == url


@pytest.mark.parametrize(("base_url", "version", "url"), CHAT)
def test_where_chat_is_found(base_url: str | None, version: str, url: str) -> None:
    assert where(OpenAIChatModel(KEY, base_url=base_url, api_version=version)) == url


Client = Callable[..., OpenAIModel | OpenAIChatModel]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_address_that_is_none_is_refused(client: Client) -> None:
    for url in ("http://[x", "ftp://x.test", "http://far.test"):
        with pytest.raises(ConfigError, match="base URL"):
            client(KEY, base_url=url)


async def test_servers_get_their_headers_and_members() -> None:
    seen: list[tuple[dict[str, str], dict[str, object]]] = []

    async def refuse(asked: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        seen.append((headers, await asked.json()))
        return web.json_response({"error": {"message": "No", "code": 400}}, status=400)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", refuse)
    async with TestServer(app) as server:
        model = OpenAIChatModel(
            KEY,
            base_url=str(server.make_url("/v1")),
            provider="openrouter",
            headers={"HTTP-Referer": "https://x.test", "X-Title": "Remit"},
        )
        with pytest.raises(ProviderError, match="openrouter answered 400"):
            await model.answer(replace(request(), model="llama-4"), deadline_s=10, emit=ignore)
        await model.close()
    ((headers, body),) = seen
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["http-referer"], headers["x-title"]) == ("https://x.test", "Remit")
    assert body["max_tokens"] == 1000
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize("model", ["gpt-5-mini-2025-08-07", "gpt-4o-2024-11-20", "llama-4"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_gateway_in_front_of_openai_needs_no_settings(model: str, *, stream: bool) -> None:
    async with running() as simulator:
        client = OpenAIChatModel(KEY, base_url=f"{simulator.url}/v1")
        asked = replace(request(stream=stream), model=model)
        answer = await client.answer(asked, deadline_s=10, emit=ignore)
        await client.close()
    assert answer.stop == "end"
    assert answer.model == model


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Authorization": "Bearer x"}, "header 'authorization': the client sets it itself"),
        ({"a b": "x"}, "header 'a b': not a name of a header"),
        ({"ä": "x"}, "header 'ä': not a name of a header"),
        ({"x": "a\r\nb"}, "header 'x': its value has a line end"),
    ],
)
def test_headers_that_cannot_be_sent(headers: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        OpenAIModel(KEY, headers=headers)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("url", "keyed"),
    [
        (None, True),
        ("https://eu.api.openai.com/v1", True),
        ("https://r.openai.azure.com", False),
        ("https://gateway.example/v1", False),
    ],
)
def test_only_openai_itself_gets_a_key_for_its_cache(
    client: Client, url: str | None, *, keyed: bool
) -> None:
    body = client(KEY, base_url=url)._codec.encode_request(request())
    assert (b"prompt_cache_key" in body) == keyed
