"""What Remit adds before the first token of an answer: journal, policy and redaction.

    python benchmarks/first_token.py [--store memory|sqlite] [--runs 200]

Two waits of a caller that follows a run, in milliseconds: from `App.stream` until the provider is
asked (the run's start and the request are durable by then), and from the first piece that the
provider's adapter hands over until the caller has it (redaction). Prints one line of JSON.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from remit import Agent, App, declare
from remit.runtime.hub import StreamDelta
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage

WORDS = "The lamp you asked for is blue and costs nine euros."


class Speaker:
    """A provider that answers at once and notes when."""

    provider = "scripted"

    def __init__(self) -> None:
        self.asked_s = self.said_s = 0.0

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """Speak word by word."""
        del deadline_s
        self.asked_s = time.perf_counter()
        await asyncio.sleep(0)
        self.said_s = time.perf_counter()
        for word in WORDS.split():
            emit(Delta(0, "text", f"{word} "))
            await asyncio.sleep(0)
        return ModelAnswer(
            parts=(RawText(f"{WORDS} "),),
            stop="end",
            usage=Usage(input=100, output=12),
            model=request.model,
        )

    async def close(self) -> None:
        """Nothing to release."""


async def measure(url: str, runs: int) -> tuple[list[float], list[float]]:
    """Milliseconds before the provider is asked, and until its first piece arrives."""
    agent = Agent("bench", model="scripted:x", instructions="Answer.")
    speaker = Speaker()
    prices = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
    asked: list[float] = []
    heard: list[float] = []
    async with App(url, agents=[agent], models={"scripted": speaker}, prices=prices) as app:
        for number in range(runs + 10):  # the first ones pay for what is made once
            began_s, first_s = time.perf_counter(), 0.0
            async for item in app.stream(agent, "Which lamp?"):
                if isinstance(item, StreamDelta) and not first_s:
                    first_s = time.perf_counter()
            if number >= 10:
                asked.append((speaker.asked_s - began_s) * 1000)
                heard.append((first_s - speaker.said_s) * 1000)
    return asked, heard


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", choices=("memory", "sqlite"), default="sqlite")
    parser.add_argument("--runs", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = "memory:" if given.store == "memory" else f"sqlite:///{Path(folder) / 'j.db'}"
        asked, heard = asyncio.run(measure(url, given.runs))
    line: dict[str, object] = {"store": given.store, "runs": given.runs}
    for name, waits in (("until_asked_ms", asked), ("first_piece_ms", heard)):
        cuts = statistics.quantiles(waits, n=100)
        line[name] = {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
