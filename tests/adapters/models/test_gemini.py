"""The Gemini client against the simulator: answers, deltas, faults, counts, and both addresses."""

import traceback
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from remit.adapters.models.gemini import GeminiModel
from remit.errors import ProviderError
from remit.simulator.load import parse_scenario
from remit.simulator.server import Simulator, running
from remit.values.clean import Clean
from remit.values.message import CallPart, Message, Part, ThinkingPart
from remit.values.model import (
    Delta,
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawText,
    RawThinking,
    ToolSchema,
)
from remit.values.usage import Usage
from remit.wire.gemini.codec import GEMINI
from tests.adapters.models import conversations
from tests.adapters.models.conversations import ignore
from tests.simulator.conversations import MODEL, answered, user

KEY = "a-key-that-is-long-enough-to-be-scrubbed"
OLDER, NEWER = "gemini-2.5-flash", "gemini-3-flash-preview"
TOOL = ToolSchema("find", "Finds.", '{"type":"object"}')
SCENARIO = parse_scenario(
    r"""
models = ["gemini-2.5-flash", "gemini-3-flash-preview"]

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


def request(text: str = "hello", *, model: str = OLDER, stream: bool = True) -> ModelRequest:
    return replace(conversations.request(text, stream=stream), model=model)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(SCENARIO, key=KEY) as server:
        yield server


@pytest.fixture
async def model(simulator: Simulator) -> AsyncIterator[GeminiModel]:
    client = GeminiModel(KEY, base_url=simulator.url)
    yield client
    await client.close()


def turn(answer: ModelAnswer) -> Message:
    """An answer as it goes back into the conversation, with ids of our own."""
    parts: list[Part] = []
    for index, raw in enumerate(answer.parts):
        match raw:
            case RawThinking():
                text, redacted = Clean.vouch(raw.text), raw.redacted
                part = ThinkingPart(text=text, redacted=redacted, origin=MODEL)
                parts.append(part.model_copy(update={"signature": raw.signature}))
            case RawCall():
                arguments = Clean.vouch(raw.arguments)
                parts.append(
                    CallPart(call=f"c{index}", tool=raw.tool, arguments=arguments, origin=MODEL)
                )
            case RawText():
                raise AssertionError(raw)
    return Message(role="assistant", parts=tuple(parts))


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("name", [OLDER, NEWER])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_loop_with_parallel_calls(model: GeminiModel, name: str, *, stream: bool) -> None:
    deltas: list[Delta] = []
    asked = replace(request("look", model=name, stream=stream), tools=(TOOL,))
    first = await model.answer(asked, deadline_s=10, emit=deltas.append)
    calls = [part for part in first.parts if isinstance(part, RawCall)]
    assert [(call.tool, call.arguments) for call in calls] == [
        ("find", '{"n":1.10}'),
        ("find", '{"n":2}'),
    ]
    # The newer models sign the first call, and refuse it without its signature.
    signatures = [part for part in first.parts if isinstance(part, RawThinking) and part.redacted]
    assert len(signatures) == (1 if name == NEWER else 0)
    assert (first.stop, first.model) == ("tools", name)
    assert first.provider_id
    assert bool(deltas) is stream

    said = turn(first)
    ids = [part.call for part in said.calls]
    results = answered(*((call, "here") for call in ids))
    plain = tuple(part.model_copy(update={"provider_id": ""}) for part in results.parts)
    results = Message(role="user", parts=plain)
    history = (*asked.messages, said, results)
    second = await model.answer(replace(asked, messages=history), deadline_s=10, emit=ignore)
    assert second.parts == (RawText("Found both."),)


@pytest.mark.requirement("TST-3")
async def test_a_signature_that_was_changed_is_refused(model: GeminiModel) -> None:
    asked = replace(request("look", model=NEWER), tools=(TOOL,))
    first = await model.answer(asked, deadline_s=10, emit=ignore)
    spoiled = tuple(
        replace(part, redacted=part.redacted[::-1]) if isinstance(part, RawThinking) else part
        for part in first.parts
    )
    said = turn(replace(first, parts=spoiled))
    results = answered(*((part.call, "here") for part in said.calls))
    history = (*asked.messages, said, results)
    with pytest.raises(ProviderError, match="Corrupted thought signature"):
        await model.answer(replace(asked, messages=history), deadline_s=10, emit=ignore)


FAULTS: dict[str, tuple[str, int | None, int | None]] = {
    "limited": ("rate_limited", 429, 7500),
    "overloaded": ("overloaded", 503, None),
    "500": ("server", 500, None),
    "silent": ("timeout", None, None),
    "hang": ("timeout", None, None),
    "reset": ("stream_broken", None, None),
    "cut": ("stream_broken", None, None),
    "malformed": ("malformed", None, None),
}


@pytest.mark.requirement("PROV-2", "TST-3")
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_is_told_by_its_kind(
    model: GeminiModel, fault: str, *, stream: bool
) -> None:
    kind, status, wait_ms = FAULTS[fault]
    deadline_s = 0.2 if kind == "timeout" else 10
    with pytest.raises(ProviderError) as caught:
        await model.answer(request(fault, stream=stream), deadline_s=deadline_s, emit=ignore)
    assert (caught.value.kind, caught.value.status) == (kind, status)
    assert caught.value.retry_after_ms == wait_ms


@pytest.mark.requirement("PROV-2")
async def test_an_error_in_the_middle_of_a_stream(model: GeminiModel) -> None:
    with pytest.raises(ProviderError, match="google reported") as caught:
        await model.answer(request("reported"), deadline_s=10, emit=ignore)
    assert caught.value.kind == "stream_broken", "what came before it may be billed"


async def test_one_connection_is_used_again(model: GeminiModel) -> None:
    for stream in (True, False, True):
        await model.answer(request("again", stream=stream), deadline_s=10, emit=ignore)
    assert model._session is not None
    assert model._session.connector is not None
    assert sum(len(held) for held in model._session.connector._conns.values()) == 1


async def test_a_model_that_is_not_there(model: GeminiModel) -> None:
    with pytest.raises(ProviderError, match="models/gemini-1 is not found for API") as caught:
        await model.answer(request(model="gemini-1"), deadline_s=10, emit=ignore)
    assert caught.value.kind == "not_found"


@pytest.mark.requirement("SEC-3")
async def test_a_wrong_key_says_what_to_do_and_is_not_shown(simulator: Simulator) -> None:
    wrong = "another-key-that-is-long-enough"
    client = GeminiModel(wrong, base_url=simulator.url)
    for ask in (
        client.answer(request(), deadline_s=10, emit=ignore),
        client.count(request()),
    ):
        with pytest.raises(ProviderError) as caught:
            await ask
        assert caught.value.kind == "auth"
        assert "check the API key" in str(caught.value)
        told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert wrong not in told
        assert caught.value.__context__ is None
    await client.close()


async def test_a_count_is_what_an_answer_is_billed(model: GeminiModel) -> None:
    asked = replace(request("x" * 5000), system="Be kind.", tools=(TOOL,))
    counted = await model.count(asked)
    answer = await model.answer(asked, deadline_s=10, emit=ignore)
    assert counted == answer.usage.input > 1000


@pytest.mark.parametrize("project", ["", "/projects/p/locations/europe-west1"])
async def test_vertex_ai_has_another_address(simulator: Simulator, project: str) -> None:
    client = GeminiModel(KEY, base_url=f"{simulator.url}/v1{project}/publishers/google")
    for stream in (True, False):
        answer = await client.answer(request("hi", stream=stream), deadline_s=10, emit=ignore)
        assert answer.parts == (RawText("hi"),)
        assert await client.count(request("hi", stream=stream)) == answer.usage.input
    await client.close()


async def test_a_prefix_is_found_in_the_implicit_cache(model: GeminiModel) -> None:
    asked = request("x" * 8000)
    first = await model.answer(asked, deadline_s=10, emit=ignore)
    longer = replace(asked, messages=(*asked.messages, user("more")))
    second = await model.answer(longer, deadline_s=10, emit=ignore)
    assert (first.usage.cache_read, first.usage.cache_write) == (0, 0)
    assert 2000 < second.usage.cache_read < second.usage.input
    assert second.usage.cache_write == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("/v1beta", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("/v1beta/", "/v1beta/models/gemini-2.5-flash:generateContent"),
        (
            "/v1/publishers/google",
            "/v1/publishers/google/models/gemini-2.5-flash:generateContent",
        ),
        (
            "/v1/projects/p/locations/l/publishers/google/",
            "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent",
        ),
    ],
)
async def test_addresses_in_every_form(given: str, expected: str) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        found = ModelAnswer(parts=(RawText("hi"),), stop="end", usage=Usage(input=1), model="m")
        body = GEMINI.encode_answer(found)
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        client = GeminiModel(KEY, base_url=f"{server.make_url('')}".rstrip("/") + given)
        await client.answer(request(stream=False), deadline_s=10, emit=ignore)
        await client.close()
    assert asked == [expected]


def test_without_an_address_it_is_googles() -> None:
    assert repr(GeminiModel(KEY)) == "GeminiModel('https://generativelanguage.googleapis.com')"
