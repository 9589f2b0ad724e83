"""What a hold and its post cost, in microseconds, when runs share 1, 10 or 100 accounts.

Each writer appends in turns a record with holds and one with posts, as the driver does around a
model call; once without them, so that what they add is known. Prints one JSON line a measurement:
`us_per_pair` is what a hold and its post add to two appends, and `share_of_step` that part of one
step of benchmarks/steps.py (`--step-us`, 1,000,000 divided by its steps_per_s on the same store).

    python benchmarks/accounts.py --store sqlite --step-us 400
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

# The chains of records and the server's binaries come with the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from remit.adapters.memory.store import MemoryStore
from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.journal.rows import Append, Appended
from remit.journal.transfers import HoldLine, PostLine
from remit.ports import Store
from tests.adapters.store.chains import Chain
from tests.support.postgres import PostgresServer

CONTENDED = (1, 10, 100)
_ROOMY = 10**15  # the limit is looked at and never reached
# Of money, tokens and calls: what a run with a cap in each draws on.
_UNITS = ("nano", "tokens", "calls")


def chain_of(run: str, pairs: int, accounts: int) -> list[Append]:
    """The appends of one run, made beforehand; without holds and posts where `accounts` is 0."""
    user = int(run[-19:]) % accounts if accounts else 0
    chain = Chain(run=run, session=run, lease=(run, 2**50))
    made = []
    for pair in range(pairs):
        name = f"{run}:c{pair}:1"
        drawn = [f"user:u{user}|day:2026-11-21|{unit}" for unit in _UNITS if accounts]
        opens = chain.next(holds=tuple(HoldLine(name, a, 50, _ROOMY) for a in drawn))
        made.append(opens)
        chain.took(opens)
        closes = chain.next(
            posts=tuple(PostLine(name, a, 20) for a in drawn),
            status="completed" if pair == pairs - 1 else "running",
        )
        made.append(closes)
        chain.took(closes)
    return made


async def seconds(store: Store, options: argparse.Namespace, tag: str, accounts: int) -> float:
    """How long so many runs take at once."""
    runs = [f"run_{tag}{number:019}" for number in range(options.runs)]
    chains = [chain_of(run, options.pairs, accounts) for run in runs]

    async def write(chain: list[Append]) -> None:
        for append in chain:
            if not isinstance(answer := await store.append(append), Appended):
                raise SystemExit(f"append refused: {answer}")

    begun = time.perf_counter()
    await asyncio.gather(*(write(chain) for chain in chains))
    return time.perf_counter() - begun


async def measure(store: Store, options: argparse.Namespace) -> None:
    """All measurements on one store."""
    await store.open()
    pairs = options.runs * options.pairs
    for accounts in CONTENDED:
        # Alone each is noise of the disk; the best of a few is what the work itself takes.
        plain, drawn = [], []
        for number in range(options.rounds):
            tag = f"{accounts:03}{number:03}"
            plain.append(await seconds(store, options, f"p{tag}", 0))
            drawn.append(await seconds(store, options, f"d{tag}", accounts))
        both, added = min(drawn), min(drawn) - min(plain)
        line: dict[str, object] = {
            "store": options.store,
            "contended_accounts": accounts * len(_UNITS),
            "us_per_two_appends": round(both / pairs * 1e6, 1),
            "us_per_pair": round(added / pairs * 1e6, 1),
        }
        if options.step_us:
            line["share_of_step"] = round(added / pairs * 1e6 / options.step_us, 3)
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
    await store.close()


async def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("memory", "sqlite", "postgres"), default="sqlite")
    parser.add_argument("--runs", type=int, default=100, help="at once")
    parser.add_argument("--pairs", type=int, default=20, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step-us", type=float, default=0.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        store: Store
        match options.store:
            case "memory":
                store = MemoryStore()
            case "sqlite":
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                store = SqliteStore(Path(folder) / "journal.db")
            case _:
                server = stack.enter_context(PostgresServer(durable=True))
                store = PostgresStore(server.database())
        await measure(store, options)


if __name__ == "__main__":
    asyncio.run(main())
