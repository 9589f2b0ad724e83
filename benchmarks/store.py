"""Measure how many appends a store makes durable per second and how many bytes a run takes.

Prints one line of JSON. A run is 200 records of about 160 bytes, each with two holds or two posts,
as the driver writes them in 100 turns.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

# The server's binaries come with the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from remit.adapters.memory.store import MemoryStore
from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.journal.codec import compress
from remit.journal.record import GENESIS, Header, Record, authenticate, commit, link
from remit.journal.rows import Append, Appended, NewRun
from remit.journal.transfers import HoldLine, PostLine
from remit.ports import Store
from tests.support.postgres import PostgresServer

RECORDS = 200
PAYLOAD_BYTES = 160
NOW = 1_795_000_000_000


def appends(run: str, session: str) -> list[Append]:
    """The appends of one run, made beforehand so that only the store is measured."""
    made: list[Append] = []
    previous = GENESIS
    accounts = (f"run:{run}|total|nano", f"run:{run}|total|tokens")
    for version in range(1, RECORDS + 1):
        plain = os.urandom(PAYLOAD_BYTES)
        header = Header(
            tenant="local", run=run, version=version, epoch=1, time_ms=NOW + version, engine="0.1.0"
        )
        salt = os.urandom(16)
        commitment = commit(salt, plain)
        hash_ = link(previous, header, commitment)
        record = Record(
            header=header,
            payload=compress(plain),
            salt=salt,
            commitment=commitment,
            previous=previous,
            hash=hash_,
            mac=authenticate(b"k" * 32, hash_),
            key_id="local",
        )
        previous = hash_
        name = f"{run}:c{(version + 1) // 2}:1"
        opens = version % 2 == 1
        new = NewRun(
            root=run, parent=None, agent="bench", spec="0" * 64, user="ann", session=session
        )
        made.append(
            Append(
                record=record,
                status="completed" if version == RECORDS else "running",
                wake_at_ms=None,
                holds=tuple(HoldLine(name, a, 50, 10**12) for a in accounts) if opens else (),
                posts=() if opens else tuple(PostLine(name, a, 20) for a in accounts),
                new=new if version == 1 else None,
                lease=("bench", NOW + 10**9) if version == 1 else None,
            )
        )
    return made


async def drive(store: Store, run: list[Append], times: list[float]) -> None:
    """Write one run, one append after the other."""
    for append in run:
        start = time.perf_counter()
        answer = await store.append(append)
        times.append(time.perf_counter() - start)
        if not isinstance(answer, Appended):
            raise SystemExit(f"append refused: {answer}")


async def measure(store: Store, concurrency: int, runs: int) -> dict[str, float | int | str]:
    """Write `runs` runs, `concurrency` at once."""
    waiting = [appends(f"run_{n:026}", f"session_{n}") for n in range(runs)]
    times: list[float] = []

    async def worker() -> None:
        while waiting:
            await drive(store, waiting.pop(), times)

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    spent = time.perf_counter() - start
    times.sort()
    return {
        "concurrency": concurrency,
        "appends_per_s": round(len(times) / spent),
        "p50_ms": round(times[len(times) // 2] * 1000, 3),
        "p99_ms": round(times[len(times) * 99 // 100] * 1000, 3),
    }


async def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("memory", "sqlite", "postgres"), default="sqlite")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "journal.db"
        store: Store
        match options.store:
            case "memory":
                store = MemoryStore()
            case "sqlite":
                store = SqliteStore(path)
            case _:
                server = stack.enter_context(PostgresServer(durable=True))
                store = PostgresStore(server.database())
        await store.open()
        result = await measure(store, options.concurrency, options.runs)
        await store.close()
        if path.exists():
            result["bytes_per_run"] = path.stat().st_size // options.runs
    json.dump({"store": options.store, **result}, sys.stdout)
    print()


asyncio.run(main())
