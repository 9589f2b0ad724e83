"""Latency of a quiet tenant, alone and while another floods its process beyond its cap (TEN-2).

The quiet one starts a run every few milliseconds; the flood keeps hundreds going, most of which its
cap refuses. Models answer after 50 ms, as fast ones do. Prints one JSON line: p95 of the quiet
tenant's runs in milliseconds, alone and beside the flood, and their ratio.

    python benchmarks/neighbours.py --flood 16
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from remit import Agent, App, Budget, Remit, declare
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage

MODEL_S = 0.05
EVERY_S = 0.02

clerk = Agent("clerk", model="scripted:bench", instructions="Answer.", remit=Remit(cost_usd="1"))


class PromptModel:
    """Answers after a fixed time."""

    provider = "scripted"

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The same for everybody."""
        del deadline_s, emit  # in one piece, far within the time
        await asyncio.sleep(MODEL_S)
        usage = Usage(input=20, output=5)
        return ModelAnswer(parts=(RawText("done"),), stop="end", usage=usage, model=request.model)

    async def close(self) -> None:
        """Nothing to release."""


async def p95_ms(app: App, runs: int) -> float:
    """Of so many runs of the quiet tenant."""
    took: list[float] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number * EVERY_S)
        begun = time.perf_counter()
        run = await app.run(clerk, "go", tenant="quiet", user=f"u{number}")
        if run.status != "completed":
            raise SystemExit(f"the quiet tenant's run {run.status}: {run.reason} {run.detail}")
        took.append(1000 * (time.perf_counter() - begun))

    await asyncio.gather(*(one(number) for number in range(runs)))
    return statistics.quantiles(took, n=20)[-1]


async def flood(app: App, counts: list[int]) -> None:
    """One of the floods: run after run, for ever."""
    for number in itertools.count():
        run = await app.run(clerk, "go", tenant="loud", user=f"u{number}")
        counts[run.status == "completed"] += 1


async def measure(options: argparse.Namespace, folder: str) -> dict[str, object]:
    """Alone, then beside the flood."""
    app = App(
        f"sqlite:///{folder}/journal.db",
        agents=[clerk],
        models={"scripted": PromptModel()},
        prices={"scripted:*": declare("scripted:bench", input_usd="3", output_usd="15")},
        budgets=[Budget(of="tenant", name="loud", window="hour", calls=options.cap)],
    )
    async with app:
        await p95_ms(app, 20)  # imports and caches
        alone = await p95_ms(app, options.runs)
        counts = [0, 0]
        floods = [asyncio.create_task(flood(app, counts)) for _ in range(options.flood)]
        await asyncio.sleep(0.5)
        beside = await p95_ms(app, options.runs)
        for task in floods:
            task.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
    return {
        "flood": options.flood,
        "flood_completed": counts[1],
        "flood_refused": counts[0],
        "p95_ms_alone": round(alone, 1),
        "p95_ms_beside": round(beside, 1),
        "ratio": round(beside / alone, 2),
    }


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--flood", type=int, default=16, help="runs of the loud tenant at once")
    parser.add_argument("--cap", type=int, default=100, help="calls of the loud tenant in an hour")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(f"{json.dumps(asyncio.run(measure(options, folder)))}\n")


if __name__ == "__main__":
    main()
