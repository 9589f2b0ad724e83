"""Durable steps per second: an agent whose every turn is one model call and one tool call.

A step is one call, of the model or of a tool, whose intent and outcome are durable. Policy, budget
holds, redaction, audit and the hash chain are on, as in production; the model and the tool answer
at once, so what is measured is the runtime. Prints one JSON line.

    python benchmarks/steps.py --store sqlite --concurrency 16 --turns 100 --runs 64
"""

import argparse
import asyncio
import importlib
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# The PostgreSQL server's binaries come with the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from remit import Agent, App, Remit, declare, tool
from remit.adapters.keys import new_keys
from remit.journal.record import Record
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawCall, RawText
from remit.values.usage import Usage

USAGE = Usage(input=900, output=40)


@tool(access="write", resources="note:{number}")
async def save_note(number: int, text: str) -> str:
    """Keep a note."""
    return f"note {number} kept, {len(text)} characters"


def reply(request: ModelRequest, turns: int) -> ModelAnswer:
    """One tool call a turn, then an answer."""
    turn = sum(1 for message in request.messages if message.role == "assistant")
    if turn >= turns:
        parts = (RawText("all notes are kept"),)
        return ModelAnswer(parts=parts, stop="end", usage=USAGE, model=request.model)
    text = f"the {turn}th thing to remember about this task"
    call = RawCall(f"toolu_{turn:06d}", "save_note", json.dumps({"number": turn, "text": text}))
    said = RawText(f"I keep note {turn}.")
    return ModelAnswer(parts=(said, call), stop="tools", usage=USAGE, model=request.model)


class InstantModel:
    """Answers at once, by the conversation."""

    provider = "scripted"

    def __init__(self, turns: int) -> None:
        self.turns = turns

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The reply for this turn."""
        del deadline_s, emit  # it answers at once and in one piece
        return reply(request, self.turns)

    async def close(self) -> None:
        """Nothing to release."""


@contextmanager
def store_url(kind: str, folder: str) -> Iterator[str]:
    """The journal's URL; for postgres that of a server of our own, with fsync on."""
    if kind != "postgres":
        yield "memory:" if kind == "memory" else f"sqlite:///{folder}/journal.db"
        return
    os.environ["REMIT_KEYS"] = new_keys()
    # Loaded for this store only: the driver's memory is not the runtime's.
    with importlib.import_module("tests.support.postgres").PostgresServer(durable=True) as server:
        yield server.database()


async def measure(options: argparse.Namespace, url: str, folder: str) -> dict[str, object]:
    """Run all runs, `concurrency` at a time, and count."""
    turns = options.turns
    agent = Agent(
        "noter",
        model="scripted:bench",
        instructions="Keep notes, one at a time, until you are told that it is enough.",
        tools=[save_note],
        remit=Remit(turns=turns + 1, tool_calls=turns + 1, approvals={save_note: 0}),
    )
    app = App(
        url,
        agents=[agent],
        models={"scripted": InstantModel(turns)},
        prices={"scripted:*": declare("scripted:bench", input_usd="3", output_usd="15")},
    )
    took: list[float] = []
    async with app:
        gate = asyncio.Semaphore(options.concurrency)

        async def one(number: int) -> None:
            async with gate:
                begun = time.perf_counter()
                run = await app.run(agent, f"keep notes, part {number}", session=f"s{number}")
                took.append(time.perf_counter() - begun)
                if run.status != "completed":
                    raise SystemExit(f"run {run.id} {run.status}: {run.reason} {run.detail}")

        await one(-1)  # imports, caches and the first page of the journal
        took.clear()
        begun = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(options.runs)))
        seconds = time.perf_counter() - begun
        records = await app.store.runs("local", limit=1)
        stored = await app.store.records("local", records[0].run)
    steps = options.runs * (2 * turns + 1)
    result: dict[str, object] = {
        "steps_per_s": round(steps / seconds),
        "p50_ms_per_step": round(1000 * statistics.median(took) / (2 * turns + 1), 3),
        "bytes_per_run": bytes_per_run(options, folder, stored),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    return {"store": options.store, "concurrency": options.concurrency, **result}


def bytes_per_run(options: argparse.Namespace, folder: str, stored: list[Record]) -> int:
    """On SQLite the growth of the file a run; elsewhere the payloads and seals of one run."""
    if options.store == "sqlite":
        size = sum(file.stat().st_size for file in Path(folder).glob("journal.db"))
        return int(size // (options.runs + 1))
    seals = 32 + 16 + 16  # hash, MAC, salt
    return sum(len(record.payload) + seals for record in stored)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("memory", "sqlite", "postgres"), default="sqlite")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, store_url(options.store, folder) as url:
        print(json.dumps(asyncio.run(measure(options, url, folder))))


if __name__ == "__main__":
    main()
