"""What the tests of app and runtime share: apps on scripted models, and what they journalled."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from remit import Agent, App, Remit, ScriptedModel, declare
from remit.adapters.scripted import Reply
from remit.journal.codec import open_record
from remit.journal.events import Event
from remit.machine.tools import AnyTool
from remit.policy.specimen import planted
from remit.ports import Model
from remit.values.model import ModelRequest

E = TypeVar("E")
PRICES = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
"""A dollar and two per million tokens: a thousand and two thousand nano-dollars a token."""
PATIENCE_S = 60.0
"""Far longer than anything here takes, far shorter than a hang."""
Script = Reply | Callable[[ModelRequest], Reply]


def secret(seed: str = "s") -> str:
    """A token-shaped text that is put together now."""
    return planted("«ghp_{A36}»", seed)[1]


def an_agent(
    name: str = "worker",
    *,
    tools: Iterable[AnyTool] = (),
    agents: Iterable[Agent[object]] = (),
    remit: Remit | None = None,
) -> Agent[str]:
    """An agent of the scripted model."""
    return Agent(
        name,
        model="scripted:x",
        instructions=f"You are {name}.",
        tools=tools,
        agents=agents,
        remit=remit,
        max_output_tokens=1000,
    )


@asynccontextmanager
async def opened(
    url: str,
    agents: Iterable[Agent[object]],
    *script: Script,
    model: Model | None = None,
    environment: str | None = None,
    secrets: Mapping[str, str] | None = None,
    worker: bool = False,
) -> AsyncIterator[App]:
    """An open app whose only model says what the script says."""
    app = App(
        url,
        agents=agents,
        models={"scripted": ScriptedModel(*script) if model is None else model},
        prices=PRICES,
        environment=environment,
        secrets=secrets,
        worker=worker,
    )
    async with app:
        yield app


def journal_at(folder: Path) -> str:
    """The URL of a SQLite journal in a folder."""
    return f"sqlite:///{folder / 'journal.db'}"


async def story(app: App, run: str, *, tenant: str = "local") -> list[Event]:
    """All events of a run, as its journal tells them."""
    bodies = [open_record(record) for record in await app.store.records(tenant, run)]
    return [event for body in bodies if body is not None for event in body.events]


async def told(app: App, run: str, kind: type[E], *, tenant: str = "local") -> list[E]:
    """The events of one kind in a run's journal."""
    return [event for event in await story(app, run, tenant=tenant) if isinstance(event, kind)]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; the patience is for hangs only."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


def written(folder: Path) -> bytes:
    """Every byte of every file in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
