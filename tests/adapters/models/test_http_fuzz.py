"""Whatever bytes a server sends, the client gives an answer or a `ProviderError`, in time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from remit.adapters.models.http import HttpModel
from remit.errors import ProviderError
from remit.values.model import ModelAnswer, RawCall, RawText
from remit.values.usage import Usage
from remit.wire.anthropic.codec import ANTHROPIC
from tests.adapters.models.conversations import ignore, request

ANSWER = ModelAnswer(
    parts=(RawText("hello"), RawCall("t", "pay", '{"amount":1.10}')),
    stop="tools",
    usage=Usage(input=1, output=1),
    model="m",
)
CASES = 40


@asynccontextmanager
async def sending(answers: list[bytes]) -> AsyncIterator[str]:
    """A server that answers one connection after another with raw bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answers.pop())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def response(dice: random.Random) -> bytes:
    """A good response, spoiled somewhere."""
    stream = dice.random() < 0.6
    body = b"".join(ANTHROPIC.encode_stream(ANSWER)) if stream else ANTHROPIC.encode_answer(ANSWER)
    kind = b"text/event-stream" if stream else b"application/json"
    status = dice.choice([b"200 OK", b"200 OK", b"200 OK", b"429 Slow", b"500 Oh", b"302 Found"])
    length = b"content-length: %d\r\n" % len(body) if dice.random() < 0.7 else b""
    whole = bytearray(
        b"HTTP/1.1 " + status + b"\r\ncontent-type: " + kind + b"\r\n" + length + b"\r\n" + body
    )
    for _ in range(dice.randint(0, 3)):
        place = dice.randrange(len(whole))
        match dice.randrange(3):
            case 0:
                whole[place] = dice.randrange(256)
            case 1:
                del whole[place : place + dice.randrange(1, 40)]
            case _:
                whole[place:place] = dice.randbytes(dice.randrange(1, 40))
        if not whole:
            return b""
    return bytes(whole)


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("seed", range(5))
async def test_no_bytes_break_the_client(seed: int) -> None:
    dice = random.Random(seed)
    answers = [response(dice) for _ in range(CASES)]
    async with sending(list(answers)) as url:
        client = HttpModel(ANTHROPIC, "key", base_url=url)
        good = 0
        for _ in answers:
            try:
                answer = await client.answer(request(), deadline_s=5, emit=ignore)
            except ProviderError as exc:
                assert exc.kind != "timeout"  # noqa: PT017  both ways to end are right
            else:
                good += isinstance(answer, ModelAnswer)
            await client.close()
        assert good
