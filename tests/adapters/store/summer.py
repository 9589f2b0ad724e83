"""A process that enters what it finds into the ledger until it is told to end; then says how much.

Usage: python -m tests.adapters.store.summer (sqlite PATH | postgres URL)
"""

import asyncio
import sys

from remit.adapters.postgres.store import PostgresStore
from remit.adapters.sqlite.store import SqliteStore
from remit.ports import Store
from remit.runtime import ledger as module
from remit.runtime.ledger import Ledger

module._BATCH = 5  # small steps, so that processes meet often


async def main(kind: str, where: str) -> None:
    store: Store = SqliteStore(where) if kind == "sqlite" else PostgresStore(where)
    await store.open()
    ledger = Ledger(store)
    entered = 0
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    told = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while not told.done():
        entered += await ledger.catch_up()
        await asyncio.sleep(0)
    entered += await ledger.catch_up()
    sys.stdout.write(f"{entered}\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
