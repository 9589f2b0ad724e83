"""Google's own SDK drives the simulator: whole and streamed, waiting and not."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import TypedDict

import pytest
from google import genai
from google.genai import errors, types

from remit.simulator.load import parse_scenario
from remit.simulator.server import Simulator, running

# The SDK derives a class of aiohttp's, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class Aiohttp:DeprecationWarning")

OLDER, NEWER = "gemini-2.5-flash", "gemini-3-flash-preview"
SCENARIO = parse_scenario(
    r"""
models = ["gemini-2.5-flash", "gemini-3-flash-preview"]

[[rule]]
when = { task = "weather", results = 2 }
text = "Warm in both."

[[rule]]
when = { task = "weather" }
thinking = "Two places, two calls."
text = "Let me look."
calls = [
    { tool = "weather", arguments = { city = "Rome" } },
    { tool = "weather", arguments = { city = "Oslo" } },
]

[[rule]]
when = { task = "json" }
text = '{"a": 1}'

[[rule]]
text = "${task}"

[[fault]]
kind = "rate_limited"
when = { task = "^limited" }
retry_after_s = 34

[[fault]]
kind = "overloaded"
when = { task = "^overloaded" }

[[fault]]
kind = "stream_error"
when = { task = "^reported" }
"""
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(SCENARIO, key="k") as server:
        yield server


def connect(url: str, key: str = "k") -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[genai.Client]:
    with connect(simulator.url) as made:
        yield made
        await made.aio.aclose()


class Asked(TypedDict):
    model: str
    contents: list[types.Content]
    config: types.GenerateContentConfig


WEATHER = types.FunctionDeclaration(
    name="weather",
    description="The weather in a city.",
    parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
)


def asking(model: str, text: str, *more: types.Content) -> Asked:
    first = types.Content(role="user", parts=[types.Part(text=text)])
    config = types.GenerateContentConfig(
        system_instruction="Be kind.",
        max_output_tokens=500,
        temperature=0.5,
        tools=[types.Tool(function_declarations=[WEATHER])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True),
    )
    return {"model": model, "contents": [first, *more], "config": config}


async def ask(client: genai.Client, asked: Asked, *, stream: bool) -> list[types.Part]:
    if not stream:
        return parts_of([await client.aio.models.generate_content(**asked)])
    pieces = await client.aio.models.generate_content_stream(**asked)
    return parts_of([piece async for piece in pieces])


def parts_of(pieces: list[types.GenerateContentResponse]) -> list[types.Part]:
    """All parts of an answer, and its end as it should be."""
    found: list[types.Part] = []
    for piece in pieces:
        assert piece.candidates is not None
        content = piece.candidates[0].content
        assert content is not None
        found.extend(content.parts or [])
    last = pieces[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    usage = last.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count
    assert usage.candidates_token_count is not None
    written = usage.candidates_token_count + (usage.thoughts_token_count or 0)
    assert usage.total_token_count == usage.prompt_token_count + written
    assert last.response_id
    return found


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", [OLDER, NEWER])
async def test_a_loop(client: genai.Client, model: str, *, stream: bool) -> None:
    parts = await ask(client, asking(model, "weather"), stream=stream)
    thoughts = "".join(part.text or "" for part in parts if part.thought)
    said = "".join(part.text or "" for part in parts if part.text and not part.thought)
    assert (thoughts, said) == ("Two places, two calls.", "Let me look.")
    calls = [part.function_call for part in parts if part.function_call]
    assert [call.args for call in calls] == [{"city": "Rome"}, {"city": "Oslo"}]
    signed = [bool(part.thought_signature) for part in parts if part.function_call]
    assert signed == [model == NEWER, False]

    results = [
        types.Part.from_function_response(name="weather", response={"celsius": 20}) for _ in calls
    ]
    asked = asking(
        model,
        "weather",
        types.Content(role="model", parts=parts),
        types.Content(role="user", parts=results),
    )
    again = await ask(client, asked, stream=stream)
    assert "".join(part.text or "" for part in again) == "Warm in both."


@pytest.mark.requirement("TST-3")
async def test_the_waiting_client(simulator: Simulator) -> None:
    # In a thread: the simulator runs in this loop.
    def work() -> tuple[str | None, list[str | None], int | None]:
        with connect(simulator.url) as client:
            whole = client.models.generate_content(**asking(OLDER, "hello there"))
            pieces = list(client.models.generate_content_stream(**asking(OLDER, "word " * 20)))
            counted = client.models.count_tokens(model=OLDER, contents="hello")
        return whole.text, [piece.text for piece in pieces], counted.total_tokens

    whole, pieces, counted = await asyncio.to_thread(work)
    assert whole == "hello there"
    assert len(pieces) > 3
    assert "".join(piece or "" for piece in pieces) == "word " * 20
    assert counted


async def test_the_sdk_calls_tools_by_itself(simulator: Simulator) -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "warm"

    def work() -> str | None:
        config = types.GenerateContentConfig(tools=[weather])
        with connect(simulator.url) as client:
            found = client.models.generate_content(model=NEWER, contents="weather", config=config)
        return found.text

    assert await asyncio.to_thread(work) == "Warm in both."
    assert asked == ["Rome", "Oslo"]


async def test_a_chat_keeps_its_history(client: genai.Client, simulator: Simulator) -> None:
    chat = client.aio.chats.create(model=NEWER)
    await chat.send_message("one")
    answer = await chat.send_message("two")
    assert answer.text == "two"
    read = simulator.served[-1].request
    assert read is not None
    assert [message.text for message in read.messages] == ["one", "one", "two"]


async def test_pictures_and_structured_output(client: genai.Client, simulator: Simulator) -> None:
    answer = await client.aio.models.generate_content(
        model=OLDER,
        contents=[types.Part.from_bytes(data=b"png", mime_type="image/png"), "json"],
        config=types.GenerateContentConfig(
            response_mime_type="application/json",
            response_schema=types.Schema(type=types.Type.OBJECT),
        ),
    )
    assert answer.parsed == {"a": 1}
    read = simulator.served[-1].request
    assert read is not None
    assert list(read.media.values()) == [b"png"]
    assert read.output_schema == '{"type":"object"}'


async def test_a_count_is_what_is_billed(client: genai.Client) -> None:
    counted = await client.aio.models.count_tokens(model=OLDER, contents="hello")
    answer = await client.aio.models.generate_content(model=OLDER, contents="hello")
    assert answer.usage_metadata is not None
    assert counted.total_tokens == answer.usage_metadata.prompt_token_count


async def test_models_are_listed(client: genai.Client) -> None:
    pager = await client.aio.models.list()
    assert [model.name async for model in pager] == [f"models/{OLDER}", f"models/{NEWER}"]


REFUSALS = {
    "limited": (429, "RESOURCE_EXHAUSTED"),
    "overloaded": (503, "UNAVAILABLE"),
}


@pytest.mark.requirement("PROV-2", "TST-3")
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_faults_are_its_errors(client: genai.Client, fault: str, *, stream: bool) -> None:
    with pytest.raises(errors.APIError) as caught:
        await ask(client, asking(OLDER, fault), stream=stream)
    assert (caught.value.code, caught.value.status) == REFUSALS[fault]
    assert ("34s" in str(caught.value)) is (fault == "limited")


async def test_an_error_in_the_middle_of_a_stream(client: genai.Client) -> None:
    with pytest.raises(errors.APIError) as caught:
        await ask(client, asking(OLDER, "reported"), stream=True)
    assert caught.value.status == "UNAVAILABLE"


async def test_keys_and_models_and_requests_that_are_wrong(simulator: Simulator) -> None:
    with connect(simulator.url, key="wrong") as client:
        with pytest.raises(errors.ClientError, match="API key not valid") as caught:
            await client.aio.models.generate_content(**asking(OLDER, "a"))
        assert caught.value.code == 400
        with pytest.raises(errors.ClientError, match="API key not valid"):
            await client.aio.models.count_tokens(model=OLDER, contents="a")
        await client.aio.aclose()
    with connect(simulator.url) as client:
        with pytest.raises(errors.ClientError, match="is not found for API version") as missing:
            await client.aio.models.generate_content(**asking("gemini-1", "a"))
        assert missing.value.status == "NOT_FOUND"
        # A signature that no model gave.
        forged = types.Part(text="x", thought_signature=base64.b64decode("eHh4"))
        turn = types.Content(role="model", parts=[forged])
        with pytest.raises(errors.ClientError, match="Corrupted thought signature"):
            await client.aio.models.generate_content(**asking(OLDER, "a", turn))
        await client.aio.aclose()
