"""What a model call costs this process: our client beside each provider's own SDK.

The simulator is another process; both clients ask it for the same answer to the same request, in
turns, with as many requests in flight. Reported are CPU milliseconds a request, of this process
alone, and requests a second: medians over the rounds. The SDK's request is built beforehand, ours
is encoded from its messages every time. Prints JSON lines: one a client, and one for their ratio.

    python benchmarks/models.py --requests 200 --rounds 5 --concurrency 16
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import anthropic
import openai
from google import genai
from google.genai import types as google_types

from remit.adapters.models.anthropic import AnthropicModel
from remit.adapters.models.gemini import GeminiModel
from remit.adapters.models.http import HttpModel
from remit.values.clean import Clean
from remit.values.message import CallPart, Message, Origin, ResultPart, TextPart
from remit.values.model import Delta, ModelRequest, ToolSchema
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.gemini.codec import GEMINI
from remit.wire.openai_chat.codec import OPENAI_CHAT
from remit.wire.openai_responses.codec import OPENAI_RESPONSES

# An agent in the middle of its work: five tools, four turns behind it, a paragraph and a call next.
SCENARIO = """
[[rule]]
text = "The order was found, and its parcel left the house on Monday. %s"
calls = [ { tool = "tool_1", arguments = { number = 17, note = "as it was agreed" } } ]
""".replace("%s", "It is on its way, and will be there by the end of the week. " * 7)
TURNS = 4
TOOLS = 5
_KEY = "any"
_WARM_UP = 20

Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Contest:
    """One protocol: its name, its SDK, and how both sides ask."""

    protocol: str
    sdk: str
    model: str
    ours: Callable[[str], HttpModel]
    theirs: Callable[[str, ModelRequest], AbstractAsyncContextManager[Ask]]


def conversation(model: str, *, stream: bool) -> ModelRequest:
    """The request of an agent with tools after a few turns."""
    user, said = Origin(kind="user"), Origin(kind="model")
    clean = Clean.vouch
    messages = [Message(role="user", parts=(TextPart(text=clean("Where is it?"), origin=user),))]
    for turn in range(TURNS):
        call = CallPart(
            call=f"toolu_{turn}",
            provider_id=f"toolu_{turn}",
            tool="tool_0",
            arguments=clean('{"number":17,"note":"please"}'),
            origin=said,
        )
        text = TextPart(text=clean("I look it up once more. " * 4), origin=said)
        result = ResultPart(
            call=call.call,
            provider_id=call.provider_id,
            tool=call.tool,
            text=clean('{"state":"sent","parcel":"on its way"}' * 5),
            origin=Origin(kind="tool", name=call.tool),
        )
        messages.append(Message(role="assistant", parts=(text, call)))
        messages.append(Message(role="user", parts=(result,)))
    schema = {
        "type": "object",
        "properties": {
            "number": {"type": "integer", "description": "The number of the order."},
            "note": {"type": "string", "description": "What to write down."},
        },
        "required": ["number"],
    }
    tools = tuple(
        ToolSchema(f"tool_{index}", "Does one of the things it can do.", json.dumps(schema))
        for index in range(TOOLS)
    )
    return ModelRequest(
        model=model,
        system="You look after the orders of a shop. " * 20,
        messages=tuple(messages),
        tools=tools,
        max_output_tokens=1000,
        stream=stream,
    )


# ---------------------------------------------------------------- the clients


def pass_by(_delta: Delta) -> None:
    """Nobody reads the deltas."""


@asynccontextmanager
async def our_side(contest: Contest, url: str, request: ModelRequest) -> AsyncIterator[Ask]:
    """Our client."""
    client = contest.ours(url)

    async def ask() -> None:
        answer = await client.answer(request, deadline_s=60, emit=pass_by)
        check(answer.usage.output)

    yield ask
    await client.close()


@asynccontextmanager
async def anthropic_sdk(url: str, request: ModelRequest) -> AsyncIterator[Ask]:
    """Anthropic's SDK; a stream is read event by event, the cheapest way it has."""
    body = json.loads(ANTHROPIC.encode_request(request))
    async with anthropic.AsyncAnthropic(api_key=_KEY, base_url=url, max_retries=0) as client:

        async def ask() -> None:
            found = await client.messages.create(**body)
            if not request.stream:
                check(found.usage.output_tokens)
                return
            written = 0
            async for event in found:
                if event.type == "message_delta":
                    written = event.usage.output_tokens
            check(written)

        yield ask


@asynccontextmanager
async def google_sdk(url: str, request: ModelRequest) -> AsyncIterator[Ask]:
    """Google's SDK."""
    body = json.loads(GEMINI.encode_request(request))
    contents = [google_types.Content.model_validate(one) for one in body["contents"]]
    config = google_types.GenerateContentConfig(
        system_instruction=body["systemInstruction"],
        tools=[google_types.Tool.model_validate(one) for one in body["tools"]],
        max_output_tokens=request.max_output_tokens,
        automatic_function_calling=google_types.AutomaticFunctionCallingConfig(disable=True),
    )
    options = google_types.HttpOptions(base_url=url)
    with genai.Client(api_key=_KEY, http_options=options) as client:
        models = client.aio.models

        async def ask() -> None:
            if not request.stream:
                found = await models.generate_content(
                    model=request.model, contents=contents, config=config
                )
                usage = found.usage_metadata
                check(usage.candidates_token_count if usage else None)
                return
            written = None
            pieces = await models.generate_content_stream(
                model=request.model, contents=contents, config=config
            )
            async for piece in pieces:
                if piece.usage_metadata:
                    written = piece.usage_metadata.candidates_token_count
            check(written)

        yield ask
        await client.aio.aclose()


@asynccontextmanager
async def openai_chat_sdk(url: str, request: ModelRequest) -> AsyncIterator[Ask]:
    """OpenAI's SDK at Chat Completions."""
    body = json.loads(OPENAI_CHAT.encode_request(request))
    base = f"{url}/v1"
    async with openai.AsyncOpenAI(api_key=_KEY, base_url=base, max_retries=0) as client:

        async def ask() -> None:
            found = await client.chat.completions.create(**body)
            if not request.stream:
                check(found.usage.completion_tokens)
                return
            written = 0
            async for chunk in found:
                if chunk.usage:
                    written = chunk.usage.completion_tokens
            check(written)

        yield ask


@asynccontextmanager
async def openai_responses_sdk(url: str, request: ModelRequest) -> AsyncIterator[Ask]:
    """OpenAI's SDK at Responses."""
    body = json.loads(OPENAI_RESPONSES.encode_request(request))
    base = f"{url}/v1"
    async with openai.AsyncOpenAI(api_key=_KEY, base_url=base, max_retries=0) as client:

        async def ask() -> None:
            found = await client.responses.create(**body)
            if not request.stream:
                check(found.usage.output_tokens)
                return
            written = 0
            async for event in found:
                if event.type == "response.completed":
                    written = event.response.usage.output_tokens
            check(written)

        yield ask


def check(written: int | None) -> None:
    """Nobody is fast by giving no answer."""
    if not written:
        raise SystemExit("an answer without its end")


CONTESTS = (
    Contest(
        "anthropic",
        "anthropic",
        "claude-sonnet-4-5-20250929",
        lambda url: AnthropicModel(_KEY, base_url=url),
        anthropic_sdk,
    ),
    Contest(
        "openai chat",
        "openai",
        "gpt-4.1-2025-04-14",
        lambda url: HttpModel(OPENAI_CHAT, _KEY, base_url=url),
        openai_chat_sdk,
    ),
    Contest(
        "openai responses",
        "openai",
        "gpt-4.1-2025-04-14",
        lambda url: HttpModel(OPENAI_RESPONSES, _KEY, base_url=url),
        openai_responses_sdk,
    ),
    Contest(
        "google",
        "google-genai",
        "gemini-2.5-flash",
        lambda url: GeminiModel(_KEY, base_url=url),
        google_sdk,
    ),
)


# ---------------------------------------------------------------- measuring


@contextmanager
def simulator() -> Iterator[str]:
    """The address of a simulator in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "bench.toml"
        scenario.write_text(SCENARIO, encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "remit.simulator",
            "--scenario",
            str(scenario),
            "--until-stdin-closes",
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdout is None:
                raise SystemExit("the simulator has no output")
            yield json.loads(process.stdout.readline())["url"]
            process.terminate()


@dataclass(frozen=True)
class Round:
    """What one round took."""

    cpu_ms: float
    per_s: float


async def play(ask: Ask, requests: int, concurrency: int) -> Round:
    """Ask so many times, so many at once."""
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await ask()

    gc.collect()
    cpu, begun = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    seconds, spent = time.perf_counter() - begun, time.process_time() - cpu
    return Round(1000 * spent / requests, requests / seconds)


async def compare(contest: Contest, url: str, options: argparse.Namespace, *, stream: bool) -> None:
    """Both clients in turns, and what came out."""
    request = conversation(contest.model, stream=stream)
    rounds: dict[str, list[Round]] = {"remit": [], contest.sdk: []}
    async with our_side(contest, url, request) as ours, contest.theirs(url, request) as theirs:
        sides = {"remit": ours, contest.sdk: theirs}
        for ask in sides.values():
            await play(ask, _WARM_UP, options.concurrency)
        for _ in range(options.rounds):
            for name, ask in sides.items():
                rounds[name].append(await play(ask, options.requests, options.concurrency))
    about = {"protocol": contest.protocol, "stream": stream}
    medians: list[Round] = []
    for name, found in rounds.items():
        cpu_ms = statistics.median(one.cpu_ms for one in found)
        per_s = statistics.median(one.per_s for one in found)
        medians.append(Round(cpu_ms, per_s))
        shown = {"cpu_ms": round(cpu_ms, 3), "requests_per_s": round(per_s)}
        print(json.dumps({**about, "client": f"{name} {version(name)}", **shown}))
    mine, other = medians
    ratios = {
        "cpu_times_less": round(other.cpu_ms / mine.cpu_ms, 2),
        "times_faster": round(mine.per_s / other.per_s, 2),
    }
    print(json.dumps({**about, **ratios}), flush=True)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--protocol", choices=[one.protocol for one in CONTESTS])
    options = parser.parse_args()
    with simulator() as url:
        for contest in CONTESTS:
            if options.protocol in {None, contest.protocol}:
                for stream in (False, True):
                    asyncio.run(compare(contest, url, options, stream=stream))


if __name__ == "__main__":
    main()
