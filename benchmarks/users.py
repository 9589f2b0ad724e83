"""Memory of one process in which a million different users each spend from a budget per day.

Every run goes through the whole engine on a SQLite journal: a user of its own, a cap per user and
day, one model call. Prints one JSON line at 1,000, 10,000, 100,000 and 1,000,000 users: `rss_mb`
must not grow with them.

    python benchmarks/users.py --users 100000
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from remit import Agent, App, Budget, Remit, declare
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage

_SHOWN = (1_000, 10_000, 100_000, 1_000_000)
_MB = 1024 * 1024
_AT_ONCE = 64
USAGE = Usage(input=20, output=5)

clerk = Agent(
    "clerk",
    model="scripted:bench",
    instructions="Answer.",
    remit=Remit(cost_usd="1"),
)


@asynccontextmanager
async def crowd(url: str) -> AsyncIterator[App]:
    """An app in which each user has a budget per day."""
    app = App(
        url,
        agents=[clerk],
        models={"scripted": QuietModel()},
        prices={"scripted:*": declare("scripted:bench", input_usd="3", output_usd="15")},
        budgets=[Budget(of="user", window="day", cost_usd="2.00", calls=10)],
    )
    async with app:
        yield app


class QuietModel:
    """Answers at once and keeps nothing of what it was asked."""

    provider = "scripted"

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The same for everybody."""
        del deadline_s, emit  # it answers at once and in one piece
        return ModelAnswer(parts=(RawText("done"),), stop="end", usage=USAGE, model=request.model)

    async def close(self) -> None:
        """Nothing to release."""


def rss_mb() -> float:
    """What the process has in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / _MB, 1)


async def spend(app: App, users: Iterator[int], goal: int) -> None:
    """Users come one after another, some at once, until `goal` of them were there."""

    async def visitor() -> None:
        for number in users:
            run = await app.run(clerk, "go", tenant=f"t{number % 1000}", user=f"u{number}")
            if run.status != "completed":
                raise SystemExit(f"user {number}: {run.status}, {run.reason} {run.detail}")
            if number + 1 >= goal:
                return

    await asyncio.gather(*(visitor() for _ in range(_AT_ONCE)))


async def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=_SHOWN[-1])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with crowd(f"sqlite:///{folder}/journal.db") as app:
            users = iter(range(10 * options.users))
            begun = time.perf_counter()
            for goal in sorted({*(n for n in _SHOWN if n <= options.users), options.users}):
                await spend(app, users, goal)
                line = {
                    "users": goal,
                    "rss_mb": rss_mb(),
                    "runs_per_s": round(goal / (time.perf_counter() - begun)),
                }
                sys.stdout.write(f"{json.dumps(line)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
