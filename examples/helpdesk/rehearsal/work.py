"""The desk at work on a world: opened on the journal of its folder, all tickets triaged."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent import support
from rehearsal.cases import of_shop
from rehearsal.finance import Finance
from rehearsal.triage import Desk
from rehearsal.world import Inputs
from remit import App


@asynccontextmanager
async def at_work(inputs: Inputs) -> AsyncIterator[Desk]:
    """The desk of the current folder, where its remit.toml lies."""
    agent = support(**inputs)
    async with App(agents=[agent]) as app:
        yield Desk(app, agent, Finance(Path(inputs["shop"])))


async def work(inputs: Inputs, tenant: str) -> None:
    """Triage everything of a shop, telling nobody: for a process that is killed on the way."""
    async with at_work(inputs) as desk:
        await desk.triage(of_shop(tenant), lambda _case, _run: None)


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.argv[1]), sys.argv[2]))
