"""A process that appends to one run and prints what was acknowledged, until it is killed.

Usage: python -m tests.adapters.store.appender (sqlite PATH | postgres URL) RUN COUNT ACCOUNT
"""

import asyncio
import sys
import time

from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.journal.rows import Exceeded
from remit.ports import Store
from tests.adapters.store.chains import Chain, hold

LEASE_MS = 600_000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(kind: str, where: str, run: str, count: int, account: str) -> None:
    store: Store = SqliteStore(where) if kind == "sqlite" else PostgresStore(where)
    await store.open()
    now_ms = time.time_ns() // 1_000_000
    chain = Chain(run=run, session=run, now_ms=now_ms, lease=(f"owner of {run}", now_ms + LEASE_MS))
    say("ready")
    while chain.version < count:
        holds = (hold(1, account=account, n=chain.version, limit=100, run=run),) if account else ()
        answer = await chain.write(store, holds=holds)
        if isinstance(answer, Exceeded):
            await chain.write(store)
            say("exceeded")
        else:
            say(f"{chain.version} {chain.head.hex()}")
    await store.close()


if __name__ == "__main__":
    _, kind, where, run, count, account = sys.argv
    asyncio.run(main(kind, where, run, int(count), account))
