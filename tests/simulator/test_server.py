"""The official SDK drives the simulator: answers, streams, tools, thinking, caching, errors."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import anthropic
import httpx2
import pytest
from anthropic.types import MessageParam, ToolParam
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError, ProviderError
from remit.simulator import server
from remit.simulator.anthropic import AnthropicEndpoint
from remit.simulator.load import parse_scenario
from remit.simulator.scenario import ECHO
from remit.simulator.server import Simulator, running
from remit.wire.anthropic.request import encode_request, headers
from tests.wire.strategies import requests

MODEL = "claude-haiku-4-5-20251001"
SCENARIO = parse_scenario(
    r"""
models = ["claude-haiku-4-5-20251001", "claude-sonnet-5"]
context_tokens = 9000

[[rule]]
when = { task = "order (?P<order>\\w+)", results = 0 }
thinking = "They ask for order ${order}."
text = "Looking."
calls = [{ tool = "find_order", arguments = { order = "${order}" } }]

[[rule]]
when = { tool = "find_order", result = "total (?P<total>\\S+)" }
redacted_thinking = "hidden"
text = "It cost ${total}."

[[rule]]
when = { task = "drift" }
model = "claude-sonnet-5"
text = "I am new."

[[rule]]
text = "You said: ${task}"

[[fault]]
kind = "rate_limited"
retry_after_s = 3
when = { task = "LIMIT" }

[[fault]]
kind = "overloaded"
when = { task = "OVERLOADED" }

[[fault]]
kind = "server_error"
when = { task = "BROKEN" }

[[fault]]
kind = "reset"
when = { task = "RESET" }

[[fault]]
kind = "stream_error"
when = { task = "REPORTED" }

[[fault]]
kind = "cut"
when = { task = "CUT" }
"""
)
TOOL: ToolParam = {
    "name": "find_order",
    "description": "Finds an order.",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}},
}


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


@pytest.mark.requirement("TST-3")
async def test_an_answer(client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.create(model=MODEL, max_tokens=100, messages=[user("hi")])
    (block,) = message.content
    assert block.type == "text"
    assert block.text == "You said: hi"
    assert message.stop_reason == "end_turn"
    assert message.model == MODEL
    assert message.usage.output_tokens == 3
    assert message._request_id is not None
    assert message._request_id.startswith("req_")


@pytest.mark.requirement("TST-3")
async def test_a_tool_loop_with_thinking_streams(client: anthropic.AsyncAnthropic) -> None:
    messages: list[MessageParam] = [user("Where is order A17?")]
    async with client.messages.stream(
        model=MODEL,
        max_tokens=3000,
        thinking={"type": "enabled", "budget_tokens": 2000},
        tools=[TOOL],
        messages=messages,
    ) as stream:
        kinds = [event.type async for event in stream]
        first = await stream.get_final_message()
    assert {"thinking", "signature", "text", "input_json", "message_stop"} <= set(kinds)
    thinking, text, use = first.content
    assert thinking.type == "thinking"
    assert thinking.thinking == "They ask for order A17."
    assert text.type == "text"
    assert use.type == "tool_use"
    assert use.input == {"order": "A17"}
    assert first.stop_reason == "tool_use"
    # The whole answer goes back as it came: the simulator checks the signature.
    messages += [
        first.to_param(),
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "total 1.10"}],
        },
    ]
    second = await client.messages.create(
        model=MODEL, max_tokens=3000, tools=[TOOL], messages=messages
    )
    assert [block.type for block in second.content] == ["redacted_thinking", "text"]
    third = await client.messages.create(
        model=MODEL, max_tokens=3000, messages=[*messages, second.to_param(), user("thanks")]
    )
    assert third.content[0].type == "text"
    assert third.content[0].text == "You said: thanks"


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize(
    ("text", "error", "status"),
    [
        ("LIMIT", anthropic.RateLimitError, 429),
        ("OVERLOADED", anthropic.InternalServerError, 529),
        ("BROKEN", anthropic.InternalServerError, 500),
    ],
)
async def test_errors_are_the_sdks_classes(
    client: anthropic.AsyncAnthropic, text: str, error: type[anthropic.APIStatusError], status: int
) -> None:
    with pytest.raises(error) as caught:
        await client.messages.create(model=MODEL, max_tokens=9, messages=[user(text)])
    assert caught.value.status_code == status
    assert caught.value.request_id is not None
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "3"
        assert "anthropic-ratelimit-requests-remaining" in caught.value.response.headers


async def test_a_wrong_key(simulator: Simulator) -> None:
    async with anthropic.AsyncAnthropic(
        api_key="wrong", base_url=simulator.url, max_retries=0
    ) as client:
        with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
            await client.messages.create(model=MODEL, max_tokens=9, messages=[user("hi")])
        with pytest.raises(anthropic.AuthenticationError):
            await client.models.list()


Ask = Callable[[anthropic.AsyncAnthropic], object]


async def test_bad_requests(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: nobody"):
        await client.messages.create(model="nobody", max_tokens=9, messages=[user("hi")])
    with pytest.raises(anthropic.BadRequestError, match="foo: Extra inputs are not permitted"):
        await client.messages.create(
            model=MODEL, max_tokens=9, messages=[user("hi")], extra_body={"foo": 1}
        )
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs"):
        await client.messages.create(
            model=MODEL, max_tokens=9, messages=[user("hi")], extra_body={"temperature": 0.5}
        )
    with pytest.raises(anthropic.BadRequestError, match="anthropic-version: header is required"):
        await client.messages.create(
            model=MODEL,
            max_tokens=9,
            messages=[user("hi")],
            extra_headers={"anthropic-version": ""},
        )
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: .* > 9000 maximum"):
        await client.messages.create(model=MODEL, max_tokens=9, messages=[user("x" * 40_000)])


@pytest.mark.requirement("TST-3")
async def test_broken_streams(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.APIError, match="Overloaded"):
        async with client.messages.stream(
            model=MODEL, max_tokens=99, messages=[user("REPORTED")]
        ) as stream:
            await stream.until_done()
    # The SDK lets its transport's own error through where a body breaks off.
    with pytest.raises(httpx2.TransportError):
        async with client.messages.stream(
            model=MODEL, max_tokens=99, messages=[user("RESET")]
        ) as stream:
            await stream.until_done()
    async with client.messages.stream(model=MODEL, max_tokens=99, messages=[user("CUT")]) as stream:
        kinds = [event.type async for event in stream]
    assert "message_start" in kinds
    assert "message_stop" not in kinds


@pytest.mark.requirement("TST-3")
async def test_prompt_caching_shows_in_the_usage(client: anthropic.AsyncAnthropic) -> None:
    async def ask(text: str) -> tuple[int, int, int]:
        message = await client.messages.create(
            model=MODEL,
            max_tokens=99,
            system=[
                {"type": "text", "text": "rule " * 2000, "cache_control": {"type": "ephemeral"}}
            ],
            messages=[user(text)],
        )
        usage = message.usage
        return (
            usage.input_tokens,
            usage.cache_read_input_tokens or 0,
            usage.cache_creation_input_tokens or 0,
        )

    plain, read, written = await ask("one")
    assert read == 0
    assert written > 2500
    assert await ask("two") == (plain, written, 0)


@pytest.mark.requirement("BUD-7", "TST-3")
async def test_a_count_is_what_an_answer_is_billed(client: anthropic.AsyncAnthropic) -> None:
    asked = [user("word " * 500)]
    counted = await client.messages.count_tokens(model=MODEL, messages=asked, system="Be kind.")
    message = await client.messages.create(
        model=MODEL, max_tokens=99, messages=asked, system="Be kind."
    )
    assert counted.input_tokens == message.usage.input_tokens > 500


async def test_models_are_listed(client: anthropic.AsyncAnthropic) -> None:
    page = await client.models.list()
    assert [model.id for model in page.data] == [MODEL, "claude-sonnet-5"]


async def test_another_model_may_answer(client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.create(model=MODEL, max_tokens=99, messages=[user("drift")])
    assert message.model == "claude-sonnet-5"


async def test_an_unknown_path_is_refused(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="Not found"):
        await client.get("/v1/nothing", cast_to=object)


@given(st.binary(max_size=200) | requests().map(encode_request), st.lists(st.integers(0, 10**6)))
def test_no_body_breaks_it(body: bytes, places: list[int]) -> None:
    simulator = Simulator(ECHO, None)
    endpoint = AnthropicEndpoint()
    spoiled = bytearray(body or b"x")
    for place in places:
        spoiled[place % len(spoiled)] = place % 256
    with suppress(ProviderError):  # the only exception there may be
        request, root = simulator.read(endpoint, headers("k"), bytes(spoiled), endpoint.route)
        simulator.decide(endpoint, request, root)


async def test_a_body_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_BODY_BYTES", 1000)
    async with (
        running() as simulator,
        anthropic.AsyncAnthropic(api_key="k", base_url=simulator.url, max_retries=0) as client,
    ):
        with pytest.raises(anthropic.APIStatusError, match="Request exceeds") as caught:
            await client.messages.create(model="m", max_tokens=9, messages=[user("x" * 2000)])
    assert caught.value.status_code == 413


async def test_a_port_in_use_is_named() -> None:
    async with running() as simulator:
        port = int(simulator.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}"):
            async with running(port=port):
                pass


async def test_an_ipv6_address_is_written_as_a_url() -> None:
    try:
        async with running(host="::1") as simulator:
            assert simulator.url.startswith("http://[::1]:")
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    async with running(host="localhost") as simulator:
        assert simulator.url.startswith("http://localhost:")
