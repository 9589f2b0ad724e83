"""A server in a process of its own whose one run waits for a file; says where it listens."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

from typing_extensions import override

from remit import App
from remit.server.serving import Place, serve
from remit.server.settings import ServerSettings
from remit.values.model import Delta, ModelAnswer, ModelRequest
from tests.server.tellers import PRICES, SOLO, Teller


class Waiting(Teller):
    """Tells the second half of its story once a file exists."""

    def __init__(self, gate: Path) -> None:
        super().__init__()
        self._file = gate

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        self.gate = asyncio.Event()
        looking = asyncio.create_task(self._look(self.gate))
        try:
            return await super().answer(request, deadline_s=deadline_s, emit=emit)
        finally:
            looking.cancel()

    async def _look(self, gate: asyncio.Event) -> None:
        while not self._file.exists():
            await asyncio.sleep(0.01)
        gate.set()


class Starting(App):
    """An app that starts a run where there is none yet."""

    @override
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if not await self.store.runs("local"):
            await self.start(SOLO, "Go")
        return self


def main() -> None:
    """Serve until a signal."""
    url, gate, drain_s = sys.argv[1:]
    app = Starting(
        url, agents=[SOLO], models={"teller": Waiting(Path(gate))}, prices=PRICES, worker=True
    )
    settings = ServerSettings(drain_s=float(drain_s))

    def ready(address: str, link: str) -> None:
        sys.stdout.write(json.dumps({"url": address, "link": link, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()

    serve(app, Place(), settings, ready=ready)


if __name__ == "__main__":
    main()
