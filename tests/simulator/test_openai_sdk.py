"""OpenAI's own SDK drives the simulator: both protocols, whole and streamed, errors and faults."""

import json
from collections.abc import AsyncIterator, Sequence

import httpx2
import openai
import pytest
from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionMessageFunctionToolCallParam,
    ChatCompletionMessageParam,
    ChatCompletionToolParam,
)
from openai.types.responses import (
    FunctionToolParam,
    Response,
    ResponseCompletedEvent,
    ResponseIncompleteEvent,
    ResponseInputItemParam,
)

from remit.simulator.load import parse_scenario
from remit.simulator.server import Simulator, running

MODEL = "gpt-6-sol"
SCENARIO = parse_scenario(
    r"""
models = ["gpt-6-sol", "gpt-4o-2024-11-20", "llama-4"]
context_tokens = 9000

[[rule]]
when = { task = "order (?P<order>\\w+)", results = 0 }
thinking = "They ask for order ${order}."
text = "Looking."
calls = [
    { tool = "find_order", arguments = { order = "${order}" } },
    { tool = "find_order", arguments = { order = "other" } },
]

[[rule]]
when = { tool = "find_order", result = "total (?P<total>\\S+)", is_error = true }
text = "No order."

[[rule]]
when = { tool = "find_order", result = "total (?P<total>\\S+)" }
redacted_thinking = "hidden"
text = "It cost ${total}."

[[rule]]
when = { task = "long" }
text = "A text that is far too long for the limit that was set for it, by any measure at all."

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
PARAMETERS: dict[str, object] = {"type": "object", "properties": {"order": {"type": "string"}}}
CHAT_TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "find_order", "description": "Finds.", "parameters": PARAMETERS},
}
TOOL: FunctionToolParam = {
    "type": "function",
    "name": "find_order",
    "parameters": PARAMETERS,
    "strict": False,
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(SCENARIO, key="k") as server:
        yield server


def connect(url: str, key: str = "k") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with connect(simulator.url) as made:
        yield made


# ---------------------------------------------------------------- Chat Completions


async def chat(
    client: openai.AsyncOpenAI,
    messages: Sequence[ChatCompletionMessageParam],
    *,
    stream: bool,
    model: str = MODEL,
    limit: int = 500,
) -> tuple[ChatCompletionAssistantMessageParam, str]:
    """The message of an answer as it goes back, and why it ended."""
    if not stream:
        whole = await client.chat.completions.create(
            model=model, messages=messages, tools=[CHAT_TOOL], max_completion_tokens=limit
        )
        assert whole.id.startswith("chatcmpl-")
        assert whole.usage is not None
        assert whole.usage.prompt_tokens > 0
        choice = whole.choices[0]
        calls = [
            called(call.id, call.function.name, call.function.arguments)
            for call in choice.message.tool_calls or []
            if call.type == "function"
        ]
        return said(choice.message.content or "", calls), choice.finish_reason
    texts: list[str] = []
    made: dict[int, list[str]] = {}
    reason, usage = "", None
    async for piece in await client.chat.completions.create(
        model=model,
        messages=messages,
        tools=[CHAT_TOOL],
        max_completion_tokens=limit,
        stream=True,
        stream_options={"include_usage": True},
    ):
        usage = piece.usage or usage
        for one in piece.choices:
            texts.append(one.delta.content or "")
            reason = one.finish_reason or reason
            for call in one.delta.tool_calls or []:
                assert call.function is not None
                held = made.setdefault(call.index, [call.id or "", call.function.name or "", ""])
                held[2] += call.function.arguments or ""
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    return said("".join(texts), [called(*held) for held in made.values()]), reason


def called(call: str, name: str, arguments: str) -> ChatCompletionMessageFunctionToolCallParam:
    return {
        "id": call,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def said(
    text: str, calls: list[ChatCompletionMessageFunctionToolCallParam]
) -> ChatCompletionAssistantMessageParam:
    if not calls:
        return {"role": "assistant", "content": text}
    return {"role": "assistant", "content": text, "tool_calls": calls}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_loop_over_chat(client: openai.AsyncOpenAI, *, stream: bool) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Please find order 17."},
    ]
    answer, reason = await chat(client, messages, stream=stream)
    assert reason == "tool_calls"
    assert answer["content"] == "Looking."
    calls = json.loads(json.dumps(answer))["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == [
        '{"order":"17"}',
        '{"order":"other"}',
    ]
    assert all(call["id"].startswith("call_") for call in calls)
    results: list[ChatCompletionMessageParam] = [
        {"role": "tool", "tool_call_id": call["id"], "content": "total 5.10"} for call in calls
    ]
    answer, reason = await chat(client, [*messages, answer, *results], stream=stream)
    assert (answer["content"], reason) == ("It cost 5.10.", "stop")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_limit_cuts(client: openai.AsyncOpenAI, *, stream: bool) -> None:
    _, reason = await chat(client, [{"role": "user", "content": "long"}], stream=stream, limit=5)
    assert reason == "length"


async def test_a_stream_without_usage_has_no_chunk_without_a_choice(
    client: openai.AsyncOpenAI,
) -> None:
    pieces = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True
    )
    assert all([piece.choices async for piece in pieces])


async def test_compatible_models_show_their_reasoning(client: openai.AsyncOpenAI) -> None:
    for model, shown in (("llama-4", "They ask for order 17."), (MODEL, None)):
        whole = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "order 17"}]
        )
        message = whole.choices[0].message.model_dump()
        assert message.get("reasoning_content") == shown


# ---------------------------------------------------------------- Responses


async def respond(
    client: openai.AsyncOpenAI,
    items: list[ResponseInputItemParam],
    *,
    stream: bool,
    limit: int = 500,
) -> Response:
    if not stream:
        return await client.responses.create(
            model=MODEL,
            input=items,
            instructions="Be kind.",
            tools=[TOOL],
            max_output_tokens=limit,
            store=False,
            include=["reasoning.encrypted_content"],
        )
    texts: list[str] = []
    end: Response | None = None
    async for event in await client.responses.create(
        model=MODEL,
        input=items,
        instructions="Be kind.",
        tools=[TOOL],
        max_output_tokens=limit,
        store=False,
        include=["reasoning.encrypted_content"],
        stream=True,
    ):
        if event.type == "response.output_text.delta":
            texts.append(event.delta)
        elif isinstance(event, ResponseCompletedEvent | ResponseIncompleteEvent):
            end = event.response
    assert end is not None
    assert end.output_text == "".join(texts)
    return end


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_loop_over_responses(client: openai.AsyncOpenAI, *, stream: bool) -> None:
    items: list[ResponseInputItemParam] = [{"role": "user", "content": "Please find order 17."}]
    answer = await respond(client, items, stream=stream)
    assert (answer.status, answer.output_text) == ("completed", "Looking.")
    assert answer.id.startswith("resp_")
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [call.arguments for call in calls] == ['{"order":"17"}', '{"order":"other"}']
    dumped = [item.model_dump(exclude_none=True) for item in answer.output]
    back: list[ResponseInputItemParam] = json.loads(json.dumps([*items, *dumped]))
    back.extend(
        {"type": "function_call_output", "call_id": call.call_id, "output": "total 5.10"}
        for call in calls
    )
    assert back[1]["type"] == "reasoning"  # and goes along, or it would be refused
    end = await respond(client, back, stream=stream)
    assert end.output_text == "It cost 5.10."


async def test_changed_reasoning_is_refused(client: openai.AsyncOpenAI) -> None:
    items: list[ResponseInputItemParam] = [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"role": "user", "content": "you"},
    ]
    with pytest.raises(openai.BadRequestError, match="could not be verified"):
        await respond(client, items, stream=False)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_cut(client: openai.AsyncOpenAI, *, stream: bool) -> None:
    answer = await respond(client, [{"role": "user", "content": "long"}], stream=stream, limit=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


async def test_tokens_are_counted_without_an_answer(
    client: openai.AsyncOpenAI, simulator: Simulator
) -> None:
    counted = await client.responses.input_tokens.count(model=MODEL, input="hello there")
    assert counted.input_tokens > 0
    assert not simulator.usage


async def test_a_long_prefix_is_read_from_the_cache(client: openai.AsyncOpenAI) -> None:
    items: list[ResponseInputItemParam] = [{"role": "user", "content": "x" * 8000}]
    first = await respond(client, items, stream=False)
    again = await respond(client, items, stream=False)
    assert first.usage is not None
    assert again.usage is not None
    assert first.usage.input_tokens_details.cached_tokens == 0
    assert again.usage.input_tokens_details.cached_tokens > 1024


# ---------------------------------------------------------------- errors and faults

ERRORS: dict[str, type[openai.APIError]] = {
    "LIMIT": openai.RateLimitError,
    "OVERLOADED": openai.InternalServerError,
    "BROKEN": openai.InternalServerError,
    "RESET": openai.APIConnectionError,
}


@pytest.mark.parametrize("task", ERRORS)
async def test_faults_reach_the_client_as_its_own_errors(
    client: openai.AsyncOpenAI, task: str
) -> None:
    with pytest.raises(ERRORS[task]) as caught:
        await chat(client, [{"role": "user", "content": task}], stream=False)
    with pytest.raises(ERRORS[task]):
        await respond(client, [{"role": "user", "content": task}], stream=False)
    if isinstance(caught.value, openai.RateLimitError):
        assert caught.value.code == "rate_limit_exceeded"
        assert caught.value.response.headers["retry-after"] == "3"
        assert caught.value.request_id


async def test_errors_in_the_middle_of_a_stream(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.APIError, match="Overloaded"):
        await chat(client, [{"role": "user", "content": "REPORTED"}], stream=True)
    kinds = [
        event.type
        async for event in await client.responses.create(model=MODEL, input="REPORTED", stream=True)
    ]
    assert kinds[-1] == "error"


async def test_keys_models_and_lengths(simulator: Simulator, client: openai.AsyncOpenAI) -> None:
    async with connect(simulator.url, "wrong") as stranger:
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
            await chat(stranger, [{"role": "user", "content": "hi"}], stream=False)
    with pytest.raises(openai.NotFoundError) as missing:
        await chat(client, [{"role": "user", "content": "hi"}], stream=False, model="gpt-1")
    assert missing.value.code == "model_not_found"
    for ask in (chat, respond):
        with pytest.raises(openai.BadRequestError) as long:
            await ask(client, [{"role": "user", "content": "x" * 40_000}], stream=False)
        assert long.value.code == "context_length_exceeded"
    names = [model.id async for model in client.models.list()]
    assert names == ["gpt-6-sol", "gpt-4o-2024-11-20", "llama-4"]


async def test_azure_has_places_of_its_own(simulator: Simulator) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "model": MODEL}
    asked = {"input": "hi", "model": MODEL}
    async with httpx2.AsyncClient(base_url=simulator.url, headers={"api-key": "k"}) as http:
        for path, given in (
            ("/openai/deployments/gpt/chat/completions?api-version=2024-10-21", body),
            ("/openai/v1/chat/completions", body),
            ("/openai/v1/responses?api-version=preview", asked),
        ):
            answer = await http.post(path, json=given)
            assert answer.status_code == 200
            assert answer.headers["x-ratelimit-remaining-requests"].isdigit()
